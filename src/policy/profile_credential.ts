/** A credential as a profile names it: where the secret is, never the secret. */
import {
  type CredentialGrant,
  isCredentialPath,
  isSecretEntry,
  isVariable,
  parseCredentialHeader,
  parseCredentialHost,
} from "./credential.ts";

export type ProfileCredential = {
  /** HOST[:PORT] */
  readonly host: string;
  readonly header: string;
  /** Default: endpoint. */
  readonly tls?: "terminated" | "endpoint";
  /** Of an endpoint. */
  readonly variable?: string;
  readonly path?: string;
  /** Absolute, or below ${home}. One of the two. */
  readonly file?: string;
  readonly entry?: string;
};

type Report = (field: string, problem: string, remedy: string) => void;

const REQUIRED = ["host", "header"] as const;
const CHECKS: Readonly<Record<string, readonly [(text: string) => boolean, string]>> = {
  host: [
    (text) => parseCredentialHost(text) !== null && (text.includes(".") || !isToken(text)),
    "write HOST or HOST:PORT, one name",
  ],
  header: [
    (text) => parseCredentialHeader(text) !== null && !isToken(text),
    "write the name of a header field alone, such as Authorization",
  ],
  tls: [(text) => text === "terminated" || text === "endpoint", "write terminated or endpoint"],
  variable: [isVariable, "write the name of a variable"],
  path: [isCredentialPath, "write /PATH"],
  file: [
    (text) => /^(?:\$\{home\})?\/[^\0$]+$/.test(text),
    "write the name of a file of yours, absolute or below ${home}",
  ],
  entry: [
    (text) => isSecretEntry(text) && !isToken(text),
    "write lower-case words joined by dashes, at most 32 characters; --secret NAME=… gives the secret itself",
  ],
};
/** What people call the secret itself. */
const VALUES: ReadonlySet<string> = new Set(["secret", "value", "token", "password", "key", "credential"]);
/** How tokens of known services begin. */
const TOKEN = /^(?:sk-|pk-|ghp|gho|glpat-|xox|eyj|akia|npm-|pypi-)[a-z0-9]|[a-z0-9]{24}/;

function isToken(text: string): boolean {
  return TOKEN.test(text.toLowerCase());
}

/** What is wrong with one of network.credentials. No value is shown: it may be the secret, put in the wrong place. */
export function profileCredential(value: unknown, field: string, report: Report): void {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    report(field, "is no mapping", "write host, header, tls, and file or entry");
    return;
  }
  const fields = value as Readonly<Record<string, unknown>>;
  for (const [key, item] of Object.entries(fields)) {
    const check = Object.hasOwn(CHECKS, key) ? CHECKS[key] : undefined;
    const at = `${field}.${key}`;
    if (check !== undefined) {
      if (typeof item !== "string" || !check[0](item)) report(at, "is not what belongs here", check[1]);
    } else if (VALUES.has(key.toLowerCase()))
      report(at, "holds the secret itself", "keep it in a file and name that under file, or name an entry");
    else report(at, "is unknown", `write one of ${Object.keys(CHECKS).join(", ")}`);
  }
  for (const key of REQUIRED)
    if (!Object.hasOwn(fields, key)) report(`${field}.${key}`, "is missing", "write it");
  if (Object.hasOwn(fields, "file") === Object.hasOwn(fields, "entry"))
    report(field, "names no place of the secret, or two", "write one of file and entry");
  const ends = fields["tls"] === "terminated";
  for (const key of ["variable", "path"])
    if (ends && Object.hasOwn(fields, key))
      report(`${field}.${key}`, "has no use beside tls: terminated", "take it out");
  if (!ends && !Object.hasOwn(fields, "variable"))
    report(`${field}.variable`, "is missing", "write it, or tls: terminated");
}

/** One that was checked. `fill` puts what a variable stands for in its place. */
export function toCredentialGrant(one: ProfileCredential, fill: (text: string) => string): CredentialGrant {
  const { host, port } = parseCredentialHost(one.host)!;
  const header = parseCredentialHeader(one.header)!;
  const source =
    one.entry === undefined
      ? ({ kind: "file", file: fill(one.file!) } as const)
      : ({ kind: "entry", name: one.entry } as const);
  const { variable = "", path = "" } = one;
  const way =
    one.tls === "terminated"
      ? ({ kind: "terminated" } as const)
      : ({ kind: "endpoint", variable, path } as const);
  return { host, port, header, source, way };
}
