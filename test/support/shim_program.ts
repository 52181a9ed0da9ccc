import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const ROOT: string = new URL("../..", import.meta.url).pathname;
const SHIM = join(ROOT, "native/shim");
const TESTS = join(ROOT, "test/shim");

export const SHIM_LIBRARY: string = join(ROOT, "build/Release/libsallyport.so");
export const PRELOAD_LIBRARY: string = join(ROOT, "build/Release/libsallyport-preload.so");

export type Sanitizer = "none" | "address" | "thread";
const FLAGS: Readonly<Record<Sanitizer, readonly string[]>> = {
  none: ["-O1"],
  address: ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
  thread: ["-O1", "-g", "-fsanitize=thread"],
};

/** Compiles test/shim/NAME*.c (or another folder's, by its path from there) with the library's own sources, once for their content, and gives the program. */
export function shimProgram(name: string, sanitizer: Sanitizer): string {
  const library = readdirSync(SHIM).map((file) => join(SHIM, file));
  const wanted = (file: string): boolean =>
    (name === "driver" ? file.startsWith("driver") : file === "sanitizers.c") || file.endsWith(".h");
  const own = readdirSync(TESTS)
    .filter(wanted)
    .map((file) => join(TESTS, file));
  if (name !== "driver") own.push(join(TESTS, `${name}.c`));
  const files = [...library, join(SHIM, "include/sallyport.h"), ...own].filter((file) =>
    /\.[ch]$/.test(file),
  );
  const hash = createHash("sha256").update(sanitizer);
  for (const file of files) hash.update(readFileSync(file));
  const cache = join(tmpdir(), `sallyport-shims-${process.geteuid!()}`);
  const program = join(cache, `${basename(name)}-${sanitizer}-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const folders = ["include", ".."].map((folder) => `-I${join(SHIM, folder)}`);
  const flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-result", "-pthread", ...folders];
  const sources = files.filter((file) => file.endsWith(".c"));
  execFileSync("gcc", [...flags, ...FLAGS[sanitizer], "-o", fresh, ...sources], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  renameSync(fresh, program);
  return program;
}

/** Why programs can not be made with a sanitizer here, or "". */
export function sanitizerObstacle(sanitizer: Sanitizer): string {
  try {
    const probe = join(tmpdir(), `sallyport-sanitizer-${process.pid}`);
    const flags = [...FLAGS[sanitizer], "-x", "c", "-", "-o", probe];
    execFileSync("gcc", flags, {
      input: "int main(void) { return 0; }",
      stdio: ["pipe", "ignore", "ignore"],
    });
    execFileSync(probe, { stdio: "ignore" });
    return "";
  } catch {
    return `needs gcc with -fsanitize=${sanitizer}, this machine has none that works`;
  }
}
