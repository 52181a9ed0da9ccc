import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CompiledFilter, compileFilter } from "./compile.ts";
import { libseccompFile } from "./libseccomp.ts";
import type { FilterOptions, FilterSpec } from "./spec.ts";

/** Goes up with whatever changes the program that a spec gives. */
const FORMAT = 3;
const DIGEST_BYTES = 32;

/**
 * Gives the compiled filter, from `directory` where a whole entry for this spec lies and libseccomp is still the file that
 * compiled it, else compiled and written there. The directory belongs to the broker: the digest finds damage, not malice. A directory that cannot be
 * written costs the time to compile; a filter that cannot be compiled throws as compileFilter does.
 */
export function cachedFilter(spec: FilterSpec, options: FilterOptions, directory: string): CompiledFilter {
  const file = join(directory, `${cacheKey(spec, options)}.filter`);
  const found = readEntry(file);
  if (found !== null) return found;
  const compiled = compileFilter(spec, options);
  writeEntry(directory, file, compiled);
  return compiled;
}

/** SHA-256 over everything that the program depends on but the library, in hex. */
export function cacheKey(spec: FilterSpec, options: FilterOptions): string {
  const content = {
    format: FORMAT,
    options: [options.mediation, options.memfd, options.unix ?? "refused", options.inet],
    rules: spec.rules,
    allowed: [...spec.allowed].sort((a, b) => a - b),
    name: spec.name,
  };
  return createHash("sha256").update(JSON.stringify(content)).digest("hex");
}

function readEntry(file: string): CompiledFilter | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch {
    // Not there yet, or unreadable: compiling is always right.
    return null;
  }
  const content = bytes.subarray(DIGEST_BYTES);
  if (!digest(content).equals(bytes.subarray(0, DIGEST_BYTES))) return null;
  const { filter, listener, notes, library } = JSON.parse(content.toString("utf8"));
  if (library === null || identityOf(library.file) !== library.identity) return null;
  return { filter: Uint8Array.from(Buffer.from(filter, "base64")), listener, notes };
}

function writeEntry(directory: string, file: string, { filter, listener, notes }: CompiledFilter): void {
  const found = libseccompFile();
  const library = found === null ? null : { file: found, identity: identityOf(found) };
  const content = Buffer.from(
    JSON.stringify({ filter: Buffer.from(filter).toString("base64"), listener, notes, library }),
  );
  const partial = `${file}.${process.pid}`;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    writeFileSync(partial, Buffer.concat([digest(content), content]), { mode: 0o600 });
    renameSync(partial, file);
  } catch {
    // A full or read-only disk: the next run compiles again, and a partial file is never read.
  }
}

/** What changes with the file: another one in its place does not pass for it. */
function identityOf(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false });
  return found === undefined ? "" : [found.dev, found.ino, found.size, found.mtimeMs].join();
}

function digest(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}
