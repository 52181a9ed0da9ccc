/** A secret that the broker adds to requests for one host, as it is granted: without the secret. */
import { hostName } from "./host_name.ts";
import { formatEndpoint } from "./network.ts";

export type CredentialGrant = {
  /** The variable that tells the program where to send its requests. */
  readonly variable: string;
  readonly host: string;
  readonly port: number;
  /** What the variable has after the endpoint, "" or "/…"; it limits nothing. */
  readonly path: string;
  /** Lower case. */
  readonly header: string;
  /** Where the value of the header is kept. */
  readonly file: string;
};

const FORM =
  /^([A-Za-z_][A-Za-z0-9_]{0,63})@([^:/=]+)(?::(\d{1,5}))?((?:\/[\w.~%-]+)*)=([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):([^\0]+)$/;
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

/** VARIABLE@HOST[:PORT][/PATH]=HEADER:FILE; null for anything else. */
export function parseCredential(text: string): CredentialGrant | null {
  const [, variable, name = "", digits = "443", path = "", field = "", file = ""] = FORM.exec(text) ?? [];
  const host = hostName(name);
  const port = Number(digits);
  const header = field.toLowerCase();
  if (variable === undefined || host === null || port < 1 || port > 65535) return null;
  if (String(port) !== digits || NOT_A_CREDENTIAL.has(header)) return null;
  return { variable, host, port, path, header, file };
}

/** For texts and records. */
export function describeCredential({ host, port, header }: CredentialGrant): string {
  return `${header} for ${formatEndpoint(host, port)}`;
}
