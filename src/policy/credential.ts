/** A secret that the broker adds to requests for one host, as it is granted: without the secret. */
import { hostName } from "./host_name.ts";
import { formatEndpoint } from "./network.ts";

/** Where the value of the header comes from. */
export type SecretSource =
  | { readonly kind: "file"; readonly file: string }
  /** Read when the run starts; standard input gives one line, others all that they have. */
  | { readonly kind: "descriptor"; readonly fd: number }
  /** A name that a profile gives it: who starts the run says where it is, or is asked. */
  | { readonly kind: "entry"; readonly name: string };

export type CredentialGrant = {
  readonly host: string;
  readonly port: number;
  /** Lower case. */
  readonly header: string;
  readonly source: SecretSource;
  readonly way: CredentialWay;
};

/** How requests come to the broker that get the header. */
export type CredentialWay =
  /** By a local address in a variable of the program; `path`, "" or "/…", is what the variable has after it and limits nothing. */
  | { readonly kind: "endpoint"; readonly variable: string; readonly path: string }
  /** By the host's own name: its TLS ends at the broker. */
  | { readonly kind: "terminated" };

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;
const PATH = /^(?:\/[\w.~%-]+)*$/;
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const ENTRY = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const MAX_ENTRY = 32;
/** A source that starts with this is none of a file's name. */
const MARK = "@";

const FORM = /^(?:(terminated):|([^@:=/]+)@)([^:/=@]+)(?::(\d{1,5}))?([^=:]*)=([^:]+):([^\0]+)$/;
/** What says where a message ends or goes, and what this broker writes itself. */
const NOT_A_CREDENTIAL: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "expect",
  "host",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** VARIABLE@HOST[:PORT][/PATH]=HEADER:SOURCE or terminated:HOST[:PORT]=HEADER:SOURCE; null for anything else. */
export function parseCredential(text: string): CredentialGrant | null {
  const [, word, variable = "", name = "", digits, path = "", field = "", from = ""] = FORM.exec(text) ?? [];
  const at = parseCredentialHost(digits === undefined ? name : `${name}:${digits}`);
  const header = parseCredentialHeader(field);
  const source = parseSecretSource(from);
  if (at === null || header === null || source === null) return null;
  if (word !== undefined) return path === "" ? { ...at, header, source, way: { kind: "terminated" } } : null;
  const way = { kind: "endpoint", variable, path } as const;
  return isVariable(variable) && isCredentialPath(path) ? { ...at, header, source, way } : null;
}

/** HOST[:PORT], where HOST is one name. */
export function parseCredentialHost(text: string): { readonly host: string; readonly port: number } | null {
  const [, name = "", digits = "443"] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = hostName(name);
  const port = Number(digits);
  return host === null || port < 1 || port > 65535 || String(port) !== digits ? null : { host, port };
}

/** The field in lower case; null for what is none, or is the broker's to write. */
export function parseCredentialHeader(text: string): string | null {
  const header = text.toLowerCase();
  return HEADER.test(text) && !NOT_A_CREDENTIAL.has(header) ? header : null;
}

/** FILE, @- for a line of standard input, @FD for a descriptor from 3; a file whose name starts with @ is written ./@… */
export function parseSecretSource(text: string): Exclude<SecretSource, { kind: "entry" }> | null {
  if (text === "" || text.includes("\0")) return null;
  if (!text.startsWith(MARK)) return { kind: "file", file: text };
  const rest = text.slice(MARK.length);
  if (rest === "-") return { kind: "descriptor", fd: 0 };
  return /^(?:[3-9]|[1-9]\d{1,3})$/.test(rest) ? { kind: "descriptor", fd: Number(rest) } : null;
}

export function isVariable(text: string): boolean {
  return VARIABLE.test(text);
}

export function isCredentialPath(text: string): boolean {
  return PATH.test(text);
}

/** Short lower-case words joined by dashes: what a token is not. */
export function isSecretEntry(text: string): boolean {
  return text.length <= MAX_ENTRY && ENTRY.test(text);
}

/** For texts and records. */
export function describeCredential({ host, port, header, way }: CredentialGrant): string {
  const how = way.kind === "terminated" ? " (TLS terminated)" : "";
  return `${header} for ${formatEndpoint(host, port)}${how}`;
}
