import { fstatSync, readlinkSync, readSync } from "node:fs";
import type { SecretSource } from "../../policy/credential.ts";
import { SallyportError } from "../../protocol/errors.ts";

export const MAX_SECRET_BYTES = 8192;

/** A secret that was handed over, and the file that the descriptor was of, if any; no text shows it. */
export class GivenSecret {
  readonly file: string | null;
  readonly #value: string;

  constructor(value: string, file: string | null) {
    this.#value = value;
    this.file = file;
  }

  value(): string {
    return this.#value;
  }
}

/**
 * What whoever starts a run hands over by other means than a file: by the text of a `--credential`, and by the name of an entry.
 * Read before the run exists, since the descriptors are the run's afterwards.
 */
export type GivenSecrets = {
  readonly byText: ReadonlyMap<string, GivenSecret>;
  readonly byEntry: ReadonlyMap<string, GivenSecret | Extract<SecretSource, { kind: "file" }>>;
};

/**
 * Reads a secret from a descriptor: of standard input one line and not a byte more, of another everything. `what` is for the errors.
 * Throws SETUP.
 */
export function readSecret(fd: number, what: string): GivenSecret {
  try {
    const found = fstatSync(fd);
    const file = found.isFile() && found.nlink > 0 ? readlinkSync(`/proc/self/fd/${fd}`) : null;
    return new GivenSecret(checkedSecret(fd === 0 ? lineOf(fd) : wholeOf(fd), what), file);
  } catch (error) {
    if (error instanceof SallyportError) throw error;
    throw secretProblem(what, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

/** One line of visible characters, which a header can hold; a line end after it is dropped. Throws SETUP. */
export function checkedSecret(text: string, what: string): string {
  const value = text.replace(/\r?\n$/, "");
  if (/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) && value.length <= MAX_SECRET_BYTES)
    return value;
  throw secretProblem(what, "it is no one line of visible characters");
}

export function secretProblem(what: string, problem: string): SallyportError {
  return new SallyportError("SETUP", `Cannot use the credential in ${what}: ${problem}`);
}

function wholeOf(fd: number): string {
  const bytes = Buffer.alloc(MAX_SECRET_BYTES + 3);
  let have = 0;
  for (let got = -1; got !== 0 && have < bytes.length; have += got)
    got = readSync(fd, bytes, have, bytes.length - have, null);
  const text = bytes.toString("latin1", 0, have);
  bytes.fill(0);
  return text;
}

/** What follows it is the program's. */
function lineOf(fd: number): string {
  const bytes = Buffer.alloc(MAX_SECRET_BYTES + 3);
  let have = 0;
  while (have < bytes.length && readSync(fd, bytes, have, 1, null) === 1) {
    if (bytes[have++] === 0x0a) break;
  }
  const text = bytes.toString("latin1", 0, have);
  bytes.fill(0);
  return text;
}
