/** Heads of HTTP/1.x messages, read as RFC 9112 writes them and in no other way: what two readers may take differently is refused. */
import { hostName } from "../../policy/host_name.ts";
import { formatIp, parseIp } from "../../policy/ip_address.ts";
import { MORE, type Parsing, wrong } from "./first_bytes.ts";

export const MAX_HEAD_BYTES: number = 64 * 1024;
const MAX_FIELDS = 200;

export type HeadField = { readonly name: string; readonly value: string };
export type Head = { readonly start: string; readonly fields: readonly HeadField[] };
export type Endpoint = { readonly host: string; readonly port: number };
export type ProxyRequest =
  | { readonly kind: "connect"; readonly to: Endpoint }
  | {
      readonly kind: "forward";
      readonly to: Endpoint;
      /** The head for the origin server, and how long the body is that follows. */
      readonly head: Buffer;
      readonly body: number | "chunked";
    };

// RFC 9110, 5.6.2 and 5.5; a field value is visible text.
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const FIELD = new RegExp(
  `^(${TOKEN}):[ \\t]*((?:[\\x21-\\x7e\\x80-\\xff](?:[\\t \\x21-\\x7e\\x80-\\xff]*[\\x21-\\x7e\\x80-\\xff])?)?)[ \\t]*$`,
);
const REQUEST = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/1\\.([01])$`);
const STATUS = /^HTTP\/1\.[01] (\d{3})(?: [\t \x21-\x7e\x80-\xff]*)?$/;

/** Fields that belong to one hop (RFC 9110, 7.6.1), and those that this proxy writes itself. */
const HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authorization",
  "proxy-authenticate",
  "te",
  "trailer",
  "upgrade",
];

export function parseHead(bytes: Buffer): Parsing<Head> {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return MORE;
  const lines = bytes.subarray(0, end).toString("latin1").split("\r\n");
  if (lines.length - 1 > MAX_FIELDS) return wrong("too many header fields");
  const fields: HeadField[] = [];
  for (const line of lines.slice(1)) {
    const found = FIELD.exec(line);
    if (found === null) return wrong("a malformed header field");
    fields.push({ name: found[1]!.toLowerCase(), value: found[2]! });
  }
  return { kind: "value", value: { start: lines[0]!, fields }, taken: end + 4 };
}

/** The one request that a connection to the proxy carries. */
export function parseProxyRequest(bytes: Buffer): Parsing<ProxyRequest> {
  const parsed = parseHead(bytes);
  if (parsed.kind !== "value") return parsed;
  const { start, fields } = parsed.value;
  const [, method, target = "", minor] = REQUEST.exec(start) ?? [];
  if (method === undefined) return wrong("a malformed request line");
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1 || (minor === "1" && hosts.length === 0)) return wrong("one Host field is needed");
  const body = bodyOf(fields);
  if (typeof body === "string" && body !== "chunked") return wrong(body);
  if (method === "CONNECT") {
    const to = parseEndpoint(target, null);
    if (to === null) return wrong("CONNECT needs HOST:PORT");
    if (body !== 0) return wrong("CONNECT has no body");
    if (hosts.length === 1 && !names(hosts[0]!, to, to.port))
      return wrong("Host is not the host of the request");
    return { kind: "value", value: { kind: "connect", to }, taken: parsed.taken };
  }
  const [, authority = "", path = ""] = /^http:\/\/([^/?#@]+)((?:\/|\?)[^#]*)?$/i.exec(target) ?? [];
  const to = parseEndpoint(authority, 80);
  if (to === null) return wrong("this is a proxy: it takes http://HOST/PATH and CONNECT HOST:PORT");
  if (hosts.length === 1 && !names(hosts[0]!, to, 80)) return wrong("Host is not the host of the request");
  const head = originHead(method, path.startsWith("/") ? path : `/${path}`, authority, fields);
  return { kind: "value", value: { kind: "forward", to, head, body }, taken: parsed.taken };
}

/** A request to a server, as a client without a proxy writes it. */
export type OriginRequest = {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly fields: readonly HeadField[];
  readonly body: number | "chunked";
};

/** The one request that a connection to an endpoint of the broker's carries. */
export function parseOriginRequest(bytes: Buffer): Parsing<OriginRequest> {
  const parsed = parseHead(bytes);
  if (parsed.kind !== "value") return parsed;
  const { start, fields } = parsed.value;
  const [, method, path = "", minor] = REQUEST.exec(start) ?? [];
  if (method === undefined || method === "CONNECT") return wrong("a malformed request line");
  if (!/^\/[^#]*$/.test(path)) return wrong("this is a server: it takes a path");
  const hosts = valuesOf(fields, "host");
  if (hosts.length > 1 || (minor === "1" && hosts.length === 0)) return wrong("one Host field is needed");
  const body = bodyOf(fields);
  if (typeof body === "string" && body !== "chunked") return wrong(body);
  return { kind: "value", value: { method, path, fields, body }, taken: parsed.taken };
}

/** Says whether its one Host field is this host at this port of https. */
export function namesHost({ fields }: OriginRequest, to: Endpoint): boolean {
  const hosts = valuesOf(fields, "host");
  return hosts.length === 1 && names(hosts[0]!, to, 443);
}

/** Its head for the server `authority`, with a field that is the broker's alone, and for a reply that can be read. */
export function originRequestHead(
  { method, path, fields }: OriginRequest,
  authority: string,
  own: HeadField,
): Buffer {
  const rest = endToEnd(fields).filter(({ name }) => name !== own.name && !WRITTEN_HERE.has(name));
  // After what the program takes out by naming it in Connection.
  const written = [{ name: "host", value: authority }, { name: "accept-encoding", value: "identity" }, own];
  return headOf(`${method} ${path} HTTP/1.1`, [...written, ...rest, CLOSE]);
}

/** "expect" would have us wait for an interim reply. */
const WRITTEN_HERE: ReadonlySet<string> = new Set(["accept-encoding", "expect", "host"]);

/** A reply whose body the broker reads: chunks are taken apart, and end with the connection. */
export type ReadReply = { readonly head: Buffer; readonly body: "chunked" | "as it is" };

/** null for an interim reply. `method` is that of the request. */
export function parseReadReply(bytes: Buffer, method: string): Parsing<ReadReply | null> {
  const parsed = parseHead(bytes);
  if (parsed.kind !== "value") return parsed;
  const { start, fields } = parsed.value;
  const status = STATUS.exec(start)?.[1];
  if (status === undefined || status === "101") return wrong("a malformed status line");
  if (status.startsWith("1")) return { kind: "value", value: null, taken: parsed.taken };
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length > 1 || (codings.length === 1 && codings[0]!.toLowerCase() !== "chunked"))
    return wrong("an unknown Transfer-Encoding");
  if (valuesOf(fields, "content-encoding").some((coding) => coding.toLowerCase() !== "identity"))
    return wrong("a Content-Encoding that nobody asked for");
  const hasBody = method !== "HEAD" && status !== "204" && status !== "304";
  // Both would be two lengths.
  const dropped = codings.length === 0 ? [] : ["transfer-encoding", "content-length"];
  const kept = endToEnd(fields).filter(({ name }) => !dropped.includes(name));
  const body = codings.length > 0 && hasBody ? "chunked" : "as it is";
  return { kind: "value", value: { head: headOf(start, [...kept, CLOSE]), body }, taken: parsed.taken };
}

/** HOST:PORT, or HOST where there is a default; the host in its one form. */
export function parseEndpoint(text: string, defaultPort: number | null): Endpoint | null {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (port === null || port < 1 || port > 65535) return null;
  const address = parseIp(bracketed ?? plain ?? "");
  if (address !== null && (bracketed !== undefined) === (address.length === 16))
    return { host: formatIp(address), port };
  const host = bracketed === undefined && plain !== undefined ? hostName(plain) : null;
  return host === null ? null : { host, port };
}

/** The head of a response for the client, whose connection ends with it; null for an interim one, which goes on as it is. */
export function parseResponse(bytes: Buffer): Parsing<Buffer | null> {
  const parsed = parseHead(bytes);
  if (parsed.kind !== "value") return parsed;
  const status = STATUS.exec(parsed.value.start)?.[1];
  if (status === undefined) return wrong("a malformed status line");
  // Nobody asked for another protocol: Upgrade is not passed on.
  if (status === "101") return wrong("101 without Upgrade");
  if (status.startsWith("1")) return { kind: "value", value: null, taken: parsed.taken };
  const fields = endToEnd(parsed.value.fields);
  return { kind: "value", value: headOf(parsed.value.start, [...fields, CLOSE]), taken: parsed.taken };
}

function originHead(method: string, path: string, authority: string, fields: readonly HeadField[]): Buffer {
  const rest = endToEnd(fields).filter(({ name }) => name !== "host");
  return headOf(`${method} ${path} HTTP/1.1`, [{ name: "host", value: authority }, ...rest, CLOSE]);
}

function headOf(start: string, fields: readonly HeadField[]): Buffer {
  const lines = fields.map(({ name, value }) => `${name}: ${value}\r\n`);
  return Buffer.from(`${start}\r\n${lines.join("")}\r\n`, "latin1");
}

const CLOSE: HeadField = { name: "connection", value: "close" };

function endToEnd(fields: readonly HeadField[]): HeadField[] {
  const named = valuesOf(fields, "connection").flatMap((value) =>
    value.split(",").map((name) => name.trim().toLowerCase()),
  );
  // The length of the body is not the client's to take away by naming it here.
  const hop = new Set([
    ...HOP,
    ...named.filter((name) => name !== "content-length" && name !== "transfer-encoding"),
  ]);
  return fields.filter(({ name }) => !hop.has(name));
}

/** How long the body is, or what is wrong with what says so. */
function bodyOf(fields: readonly HeadField[]): number | "chunked" | string {
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length > 0) {
    if (lengths.length > 0) return "both Content-Length and Transfer-Encoding";
    return codings.length === 1 && codings[0]!.toLowerCase() === "chunked"
      ? "chunked"
      : "an unknown Transfer-Encoding";
  }
  if (lengths.length === 0) return 0;
  if (lengths.length > 1 || !/^\d{1,15}$/.test(lengths[0]!)) return "a malformed Content-Length";
  return Number(lengths[0]);
}

function names(host: string, to: Endpoint, defaultPort: number): boolean {
  const named = parseEndpoint(host, defaultPort);
  return named !== null && named.host === to.host && named.port === to.port;
}

function valuesOf(fields: readonly HeadField[], name: string): string[] {
  return fields.filter((field) => field.name === name).map((field) => field.value);
}
