import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { type CredentialGrant, parseCredential } from "../../policy/credential.ts";
import { decidePath, type Policy } from "../../policy/decide.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { holds } from "../workspace.ts";
import { checkedSecret, type GivenSecrets, MAX_SECRET_BYTES, secretProblem } from "./given_secrets.ts";
import { hostBundle } from "./trust_files.ts";

const MAX_CREDENTIALS = 32;

/** A granted credential with its secret, which no text shows: not JSON, not an inspection, not an error. */
export class Credential {
  readonly grant: CredentialGrant;
  /** What the host's certificate must lead to. */
  readonly trust: SecureContext;
  readonly #value: string;

  constructor(grant: CredentialGrant, value: string, trust: SecureContext) {
    this.grant = grant;
    this.#value = value;
    this.trust = trust;
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
  /** What of it was handed over already. */
  readonly secrets?: GivenSecrets | undefined;
  /** A file of certificates that are trusted for these hosts besides those of the host. */
  readonly credentialAuthorities?: string | undefined;
};

/**
 * Reads the secrets, with the authority of whoever starts the run. `fromProfile` are the profile's, their files absolute. `natives`
 * are the trees that the run reads without asking. Throws INVALID for what is no credential, and SETUP where others than the owner,
 * or the run itself, could read the secret.
 */
export function readCredentials(
  { credentials = [], credentialAuthorities, secrets }: CredentialSource,
  fromProfile: readonly CredentialGrant[],
  policy: Policy,
  natives: readonly string[],
): readonly Credential[] {
  const asked = [
    ...fromProfile.map((grant) => ({ grant, text: "" })),
    ...credentials.map((text) => ({ grant: grantOf(text), text })),
  ];
  if (asked.length === 0) return [];
  checkTogether(asked.map(({ grant }) => grant));
  const isReadable = (path: string): boolean =>
    decidePath(policy, path, RIGHT.read).kind === "allow" || natives.some((tree) => holds(tree, path));
  const extra = credentialAuthorities === undefined ? "" : textOf(credentialAuthorities);
  const trust = trustOf(extra, credentialAuthorities ?? "");
  return asked.map(
    ({ grant, text }) => new Credential(grant, secretOf(grant, text, secrets, isReadable), trust),
  );
}

/** Once for a run: there are some 140 certificates to read. */
function trustOf(extra: string, file: string): SecureContext {
  try {
    return createSecureContext({
      ca: [hostBundle(), extra].filter((text) => text !== ""),
      minVersion: "TLSv1.2",
    });
  } catch {
    throw secretProblem(file, "it holds no certificates as PEM");
  }
}

function checkTogether(grants: readonly CredentialGrant[]): void {
  const variables = grants.flatMap(({ way }) => (way.kind === "endpoint" ? [way.variable] : []));
  if (new Set(variables).size < variables.length) throw invalid("two of them have the same variable");
  const hosts = grants.flatMap(({ way, host, port }) => (way.kind === "terminated" ? `${host}:${port}` : []));
  if (new Set(hosts).size < hosts.length) throw invalid("two of them terminate the TLS of the same host");
  if (grants.length > MAX_CREDENTIALS) throw invalid(`there are more than ${MAX_CREDENTIALS}`);
}

function grantOf(text: string): CredentialGrant {
  const grant = parseCredential(text);
  if (grant !== null) return grant;
  throw invalid(
    "write VARIABLE@HOST[:PORT][/PATH]=HEADER:FILE or terminated:HOST[:PORT]=HEADER:FILE, with the value of the header in FILE, as in API_URL@api.example.org=Authorization:/home/me/.api; @- in place of FILE is a line of standard input, @3 a descriptor",
  );
}

function secretOf(
  { source }: CredentialGrant,
  text: string,
  secrets: GivenSecrets | undefined,
  isReadable: (path: string) => boolean,
): string {
  if (source.kind === "file") return secretIn(source.file, isReadable);
  const given = source.kind === "entry" ? secrets?.byEntry.get(source.name) : secrets?.byText.get(text);
  const what = source.kind === "entry" ? `the entry "${source.name}"` : `descriptor ${source.fd}`;
  if (given === undefined)
    throw secretProblem(
      what,
      "nobody gave it; write --secret NAME=FILE, --secret NAME=@- or --secret NAME=@3",
    );
  if ("kind" in given) return secretIn(given.file, isReadable);
  // It was read, and the run could open it by its name.
  if (given.file !== null) secretIn(given.file, isReadable);
  return given.value();
}

function secretIn(file: string, isReadable: (path: string) => boolean): string {
  const path = withProblem(file, () => realpathSync(file));
  if (isReadable(path))
    throw secretProblem(file, "the run may read it; keep it where no rule grants reading");
  const fd = withProblem(file, () => openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW));
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw secretProblem(file, "it is no file");
    if (found.uid !== process.geteuid!()) throw secretProblem(file, "it belongs to somebody else");
    if ((found.mode & 0o077) !== 0) throw secretProblem(file, "others may read it; chmod 600");
    if (found.nlink !== 1) throw secretProblem(file, "it has a second name, by which the run could read it");
    const bytes = Buffer.alloc(MAX_SECRET_BYTES + 3);
    const text = bytes.toString("latin1", 0, readSync(fd, bytes));
    bytes.fill(0);
    return checkedSecret(text, file);
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
    throw secretProblem(file, (error as NodeJS.ErrnoException).code ?? "EIO");
  }
}

function invalid(problem: string): SallyportError {
  return new SallyportError("INVALID", `Cannot grant the credential: ${problem}`);
}
