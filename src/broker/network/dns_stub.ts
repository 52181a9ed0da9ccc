import type { Socket as DatagramSocket } from "node:dgram";
import { consume, makeLevel } from "../../limits/gcra.ts";
import type { Stream } from "../../platform/stream.ts";
import { hostName } from "../../policy/host_name.ts";
import { type NetworkPolicy, unknownName } from "../../policy/network.ts";
import { encodeAnswer, encodeError, parseQuery, type Question, RCODE, TYPE } from "./dns_message.ts";
import { MORE, type Parsing, readFirst } from "./first_bytes.ts";
import type { FlowLog } from "./flow_log.ts";
import type { Names } from "./names.ts";

const MAX_QUERIES_A_CONNECTION = 64;
const TCP_MS = 10_000;
const LOOPBACK = {
  ipv4: Uint8Array.of(127, 0, 0, 1),
  ipv6: Uint8Array.from([...new Array<number>(15).fill(0), 1]),
};

/**
 * The name server of a run. It answers out of the grants alone and asks nobody: a name that is granted has an address of the
 * namespace, any other does not exist. So a query carries nothing out, whichever server it is sent to.
 */
export class DnsStub {
  readonly #policy: NetworkPolicy;
  readonly #names: Names;
  readonly #log: FlowLog;
  readonly #hasIpv6: boolean;
  /** A loop that asks without end is left without an answer, and does not fill the log. */
  readonly #rate = makeLevel("run.resolve", 500, 2000);
  readonly #epoch = performance.now();

  constructor(policy: NetworkPolicy, names: Names, log: FlowLog, hasIpv6: boolean) {
    this.#policy = policy;
    this.#names = names;
    this.#log = log;
    this.#hasIpv6 = hasIpv6;
  }

  serveDatagrams(socket: DatagramSocket): void {
    socket.on("message", (message, { address, port }) => {
      const answer = this.answer(message);
      if (answer !== null) socket.send(answer, port, address, () => {});
    });
  }

  async serveConnection(stream: Stream): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    for (let count = 0; count < MAX_QUERIES_A_CONNECTION; count++) {
      const read = await readFirst(stream, rest, parseFramed, { maxBytes: 66_000, timeoutMs: TCP_MS });
      const answer = read.kind === "value" ? this.answer(read.value) : null;
      if (read.kind === "wrong" || answer === null) break;
      const size = Buffer.alloc(2);
      size.writeUInt16BE(answer.length);
      // Whoever asks without reading the answers waits for us no longer than for a question.
      const written = await answered(stream, Buffer.concat([size, answer]));
      if (!written) break;
      rest = read.rest;
    }
    stream.close();
  }

  /** null: no answer. */
  answer(message: Buffer): Buffer | null {
    const nowNs = Math.floor((performance.now() - this.#epoch) * 1e6);
    if (consume([this.#rate], 1, nowNs) > 0) return null;
    const query = parseQuery(message);
    if (query.kind === "none") return null;
    if (query.kind === "other") return encodeError(query.id, query.code);
    return this.#answerQuestion(query.question);
  }

  #answerQuestion(question: Question): Buffer {
    const name = hostName(question.name);
    if (name === "localhost")
      return encodeAnswer(question, RCODE.ok, this.#addressOf(question.type, LOOPBACK));
    if (name === null || !this.#policy.knowsName(name)) {
      // Resolvers ask for the names of addresses in passing: nothing is lost, and nothing is to be granted.
      if (question.type !== TYPE.ptr) this.#refuse(question.name);
      return encodeAnswer(question, RCODE.noName, []);
    }
    const addresses = this.#names.addressesOf(name);
    if (addresses === null) return encodeAnswer(question, RCODE.server, []);
    return encodeAnswer(question, RCODE.ok, this.#addressOf(question.type, addresses));
  }

  #addressOf(type: number, of: { readonly ipv4: Uint8Array; readonly ipv6: Uint8Array }): Uint8Array[] {
    if (type === TYPE.a) return [of.ipv4];
    return type === TYPE.aaaa && this.#hasIpv6 ? [of.ipv6] : [];
  }

  #refuse(name: string): void {
    this.#log.deny({ op: "resolve", host: name, port: 0, via: "dns" }, unknownName(name));
  }
}

async function answered(stream: Stream, bytes: Buffer): Promise<boolean> {
  const timer = setTimeout(() => stream.close("reset"), TCP_MS);
  return stream
    .write(bytes)
    .then(
      () => true,
      () => false,
    )
    .finally(() => clearTimeout(timer));
}

/** RFC 7766: a length in front. */
function parseFramed(bytes: Buffer): Parsing<Buffer> {
  if (bytes.length < 2) return MORE;
  const taken = 2 + bytes.readUInt16BE(0);
  return bytes.length < taken ? MORE : { kind: "value", value: bytes.subarray(2, taken), taken };
}
