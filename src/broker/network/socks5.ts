import type { Stream } from "../../platform/stream.ts";
import { hostName } from "../../policy/host_name.ts";
import { formatIp } from "../../policy/ip_address.ts";
import { answerAndClose, MORE, type Parsing, readFirst, wrong } from "./first_bytes.ts";
import type { FlowRefusal, Flows } from "./flows.ts";
import type { Endpoint } from "./http_head.ts";
import type { Names } from "./names.ts";

// RFC 1928
const VERSION = 5;
const NO_AUTHENTICATION = 0;
const CONNECT = 1;
const IPV4 = 1;
const NAME = 3;
const IPV6 = 4;
const REPLY = {
  done: 0,
  failed: 1,
  notAllowed: 2,
  unreachable: 4,
  refused: 5,
  command: 7,
  addressType: 8,
} as const;
const BOUNDS = { maxBytes: 1024, timeoutMs: 30_000 };
const EMPTY = Buffer.alloc(0);

/** Serves one SOCKS5 connection: CONNECT without authentication; the namespace says whose it is. */
export async function serveSocks(stream: Stream, flows: Flows, names: Names): Promise<void> {
  const greeting = await readFirst(stream, EMPTY, parseGreeting, BOUNDS);
  if (greeting.kind === "wrong") return stream.close("reset");
  if (!(await says(stream, Buffer.of(VERSION, NO_AUTHENTICATION)))) return;
  const read = await readFirst(stream, greeting.rest, parseCommand, BOUNDS);
  if (read.kind === "wrong") return answerAndClose(stream, reply(REPLY.failed));
  const asked = read.value;
  if (typeof asked === "number") return answerAndClose(stream, reply(asked));
  const host = names.nameOf(asked.host) ?? asked.host;
  const flow = await flows.open({ op: "connect", host, port: asked.port, via: "socks5" });
  if (flow.kind !== "open") return answerAndClose(stream, reply(replyOf(flow)));
  await says(stream, reply(REPLY.done));
  return flow.carry(stream, read.rest);
}

export function parseGreeting(bytes: Buffer): Parsing<null> {
  if (bytes.length < 2) return MORE;
  if (bytes[0] !== VERSION) return wrong("not SOCKS5");
  const size = 2 + bytes[1]!;
  if (bytes.length < size) return MORE;
  if (!bytes.subarray(2, size).includes(NO_AUTHENTICATION)) return wrong("wants to authenticate");
  return { kind: "value", value: null, taken: size };
}

/** Whom to connect to, or the reply that refuses the command. */
export function parseCommand(bytes: Buffer): Parsing<Endpoint | number> {
  if (bytes.length < 5) return MORE;
  if (bytes[0] !== VERSION || bytes[2] !== 0) return wrong("malformed");
  const type = bytes[3]!;
  const size = type === IPV4 ? 4 : type === IPV6 ? 16 : type === NAME ? 1 + bytes[4]! : 0;
  const taken = 4 + size + 2;
  if (size === 0) return { kind: "value", value: REPLY.addressType, taken: bytes.length };
  if (bytes.length < taken) return MORE;
  if (bytes[1] !== CONNECT) return { kind: "value", value: REPLY.command, taken };
  const port = bytes.readUInt16BE(4 + size);
  // A name with a NUL, or one that a resolver takes for an address, is not a name.
  const host =
    type === NAME
      ? hostName(bytes.subarray(5, 4 + size).toString("latin1"))
      : formatIp(bytes.subarray(4, 4 + size));
  if (host === null || port === 0) return { kind: "value", value: REPLY.notAllowed, taken };
  return { kind: "value", value: { host, port }, taken };
}

function replyOf(flow: FlowRefusal): number {
  if (flow.kind === "denied") return REPLY.notAllowed;
  return flow.errno === "ECONNREFUSED" ? REPLY.refused : REPLY.unreachable;
}

/** The bound address is none of the program's business. */
function reply(code: number): Buffer {
  return Buffer.of(VERSION, code, 0, IPV4, 0, 0, 0, 0, 0, 0);
}

/** false: the peer has gone. */
async function says(stream: Stream, bytes: Uint8Array): Promise<boolean> {
  return stream.write(bytes).then(
    () => true,
    () => {
      stream.close("reset");
      return false;
    },
  );
}
