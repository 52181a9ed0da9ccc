import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { type CredentialGrant, parseCredential } from "../../policy/credential.ts";
import { decidePath, type Policy } from "../../policy/decide.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { holds } from "../workspace.ts";

const MAX_BYTES = 8192;
const MAX_CREDENTIALS = 32;

/** A granted credential with its secret, which no text shows: not JSON, not an inspection, not an error. */
export class Credential {
  readonly grant: CredentialGrant;
  /** PEM certificates that the host's must lead to. */
  readonly authorities: readonly string[];
  readonly #value: string;

  constructor(grant: CredentialGrant, value: string, authorities: readonly string[]) {
    this.grant = grant;
    this.#value = value;
    this.authorities = authorities;
  }

  /** For the head of a request, and for nothing else. */
  fieldValue(): string {
    return this.#value;
  }

  /** What a reply must not hold: the value without its scheme, when it is long enough to be told from other text. */
  secretPart(): Buffer | null {
    const last = this.#value.split(" ").at(-1)!;
    return last.length >= 8 ? Buffer.from(last, "latin1") : null;
  }
}

/** What a run is to be given, as the command line has it. */
export type CredentialSource = {
  readonly credentials?: readonly string[] | undefined;
  /** A file of certificates that are trusted for these hosts besides those of Node. */
  readonly credentialAuthorities?: string | undefined;
};

/**
 * Reads the secrets, with the authority of whoever starts the run. `natives` are the trees that it reads without asking. Throws INVALID
 * for what is no credential, and SETUP where others than the owner, or the run itself, could read the secret.
 */
export function readCredentials(
  { credentials = [], credentialAuthorities }: CredentialSource,
  policy: Policy,
  natives: readonly string[],
): readonly Credential[] {
  if (credentials.length === 0) return [];
  const grants = credentials.map(grantOf);
  const variables = new Set(grants.map(({ variable }) => variable));
  if (variables.size < grants.length) throw invalid("two of them have the same variable");
  if (grants.length > MAX_CREDENTIALS) throw invalid(`there are more than ${MAX_CREDENTIALS}`);
  const extra = credentialAuthorities === undefined ? [] : [textOf(credentialAuthorities)];
  return grants.map((grant) => {
    const value = secretOf(grant.file, policy, natives);
    return new Credential(grant, value, [...rootCertificates, ...extra]);
  });
}

function grantOf(text: string): CredentialGrant {
  const grant = parseCredential(text);
  if (grant !== null) return grant;
  throw invalid(
    "write VARIABLE@HOST[:PORT][/PATH]=HEADER:FILE, with the value of the header in FILE, as in API_URL@api.example.org=Authorization:/home/me/.api",
  );
}

function secretOf(file: string, policy: Policy, natives: readonly string[]): string {
  const path = withProblem(file, () => realpathSync(file));
  if (decidePath(policy, path, RIGHT.read).kind === "allow" || natives.some((tree) => holds(tree, path)))
    throw setup(file, "the run may read it; keep it where no rule grants reading");
  const fd = withProblem(file, () => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw setup(file, "it is no file");
    if (found.uid !== process.geteuid!()) throw setup(file, "it belongs to somebody else");
    if ((found.mode & 0o077) !== 0) throw setup(file, "others may read it; chmod 600");
    if (found.nlink !== 1) throw setup(file, "it has a second name, by which the run could read it");
    const bytes = Buffer.alloc(MAX_BYTES + 1);
    const value = bytes.toString("latin1", 0, readSync(fd, bytes)).replace(/\r?\n$/, "");
    bytes.fill(0);
    if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) || value.length > MAX_BYTES)
      throw setup(file, "it is no one line of visible characters");
    return value;
  } finally {
    closeSync(fd);
  }
}

function textOf(file: string): string {
  const fd = withProblem(file, () => openSync(file, "r"));
  try {
    const bytes = Buffer.alloc(1 << 20);
    return bytes.toString("latin1", 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

function withProblem<T>(file: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw setup(file, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

function setup(file: string, problem: string): SallyportError {
  return new SallyportError("SETUP", `Cannot use the credential in ${file}: ${problem}`);
}

function invalid(problem: string): SallyportError {
  return new SallyportError("INVALID", `Cannot grant the credential: ${problem}`);
}
