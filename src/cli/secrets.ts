import { closeSync, constants, openSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import {
  checkedSecret,
  GivenSecret,
  type GivenSecrets,
  readSecret,
} from "../broker/network/given_secrets.ts";
import { isSecretEntry, parseCredential, parseSecretSource } from "../policy/credential.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { RunFlags } from "./run.ts";

type SecretFlags = Pick<RunFlags, "credential" | "secret">;
type Entry = readonly [string, GivenSecret | { readonly kind: "file"; readonly file: string }];

const CTRL_C = 3;
const CTRL_D = 4;
const ERASE = [8, 127];

/**
 * Reads what is handed over by a descriptor or typed in, in the order of the flags, and before the run has the descriptors and the
 * terminal. What nobody gave is left out. Rejects with INVALID and SETUP.
 */
export async function readSecrets(
  { credential, secret = [] }: SecretFlags,
  { network }: ResolvedProfile,
): Promise<GivenSecrets> {
  const read = new Descriptors();
  const byText = new Map<string, GivenSecret>();
  for (const text of credential) {
    const source = parseCredential(text)?.source;
    if (source?.kind === "descriptor")
      byText.set(text, await read.secret(source.fd, text.replace(/=.*/, "")));
  }
  const byEntry = new Map<string, Entry[1]>();
  for (const text of secret) {
    const [name, given] = await entryOf(text, read);
    if (byEntry.has(name)) throw invalid(`"${name}" is given twice`);
    byEntry.set(name, given);
  }
  const named = new Set(network.credentials.flatMap(({ entry }) => entry ?? []));
  const unknown = [...byEntry.keys()].find((name) => !named.has(name));
  if (unknown !== undefined) throw invalid(`no credential of the profile names the entry "${unknown}"`);
  for (const name of named) {
    if (!byEntry.has(name) && isatty(0)) byEntry.set(name, await asked(name));
  }
  return { byText, byEntry };
}

/** The descriptors from 3 that the flags name: they have to stay open until they are read. */
export function descriptorsOf({ credential, secret = [] }: SecretFlags): readonly number[] {
  const sources = [
    ...credential.map((text) => parseCredential(text)?.source),
    ...secret.map((text) => parseSecretSource(text.slice(text.indexOf("=") + 1))),
  ];
  return sources.flatMap((source) => (source?.kind === "descriptor" && source.fd > 2 ? source.fd : []));
}

async function entryOf(text: string, read: Descriptors): Promise<Entry> {
  const at = text.indexOf("=");
  const [name, source] = [text.slice(0, at), parseSecretSource(text.slice(at + 1))];
  if (at < 0 || !isSecretEntry(name) || source === null)
    throw invalid("write NAME=FILE, NAME=@- for a line of standard input, or NAME=@3 for a descriptor");
  if (source.kind === "file") return [name, source];
  return [name, await read.secret(source.fd, name)];
}

/** Each descriptor but standard input is read once. */
class Descriptors {
  readonly #read = new Set<number>();

  async secret(fd: number, name: string): Promise<GivenSecret> {
    if (fd === 0 && isatty(0)) return asked(name);
    if (fd > 0 && this.#read.has(fd)) throw invalid(`descriptor ${fd} is named twice`);
    this.#read.add(fd);
    const given = readSecret(fd, fd === 0 ? "standard input" : `descriptor ${fd}`);
    if (fd > 0) closeSync(fd);
    return given;
  }
}

/** Asks on the terminal; what is typed does not show. */
async function asked(name: string): Promise<GivenSecret> {
  const fd = openSync("/dev/tty", constants.O_RDWR | constants.O_NOCTTY);
  const input = new ReadStream(fd);
  // Before anybody knows that something may be typed.
  input.setRawMode(true);
  process.stderr.write(`sallyport: secret for ${name}: `);
  try {
    return new GivenSecret(checkedSecret(await typed(input), "what was typed"), null);
  } finally {
    input.setRawMode(false);
    input.destroy();
    process.stderr.write("\n");
  }
}

function typed(input: ReadStream): Promise<string> {
  const bytes: number[] = [];
  return new Promise((resolve, reject) => {
    input.on("error", () => reject(setup("the terminal is gone")));
    input.on("end", () => reject(setup("the terminal is gone")));
    input.on("data", (chunk: Buffer) => {
      for (const byte of chunk) {
        if (byte === 13 || byte === 10) return resolve(Buffer.from(bytes).toString("latin1"));
        if (byte === CTRL_C || byte === CTRL_D) return reject(setup("nobody gave it"));
        if (ERASE.includes(byte)) bytes.pop();
        else bytes.push(byte);
      }
    });
  });
}

function invalid(problem: string): SallyportError {
  return new SallyportError("INVALID", `Cannot use --secret: ${problem}`);
}

function setup(problem: string): SallyportError {
  return new SallyportError("SETUP", `Cannot ask for the secret: ${problem}`);
}
