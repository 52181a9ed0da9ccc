import { openSync } from "node:fs";
import { binding, type NativeChannel } from "../../../src/platform/binding.ts";
import { decode, encodeHelloReply, encodeReply, encodeRequest } from "../../../src/protocol/codec.ts";
import { BROKER_PATH, type Reply, type ReplyValue, type WireRequest } from "../../../src/protocol/message.ts";
import { parseRequest } from "../../../src/protocol/parse.ts";

/** What this broker does with the next request: the bytes that it must be, or the bytes to answer it with. */
export type Turn =
  | { readonly kind: "expect"; readonly request: WireRequest }
  | { readonly kind: "answer"; readonly bytes: Uint8Array; readonly descriptor: "none" | "sent" };

const ANSWERS: { readonly [op: string]: ReplyValue } = {
  stat: {
    kind: "file",
    mode: 0,
    uid: 0,
    gid: 0,
    sizeBytes: 0,
    linkCount: 1,
    modifiedMs: 0,
    inode: 1,
    device: 1,
  },
  list: [],
  exec: { pid: 1 },
  begin: { transaction: 1 },
  resolve: [],
  challenge: { nonce: "n", channel: "c", audience: "a" },
  present: { handle: 0 },
  "read-cells": { cells: [[null]] },
};
const WITH_DESCRIPTOR: readonly string[] = ["open", "begin", "connect", "bind"];

/**
 * A broker that decides nothing: it plays vectors to a client in the order of `turns`, a request each, over as many channels as
 * the client opens. `problems` says what was not as it must be.
 */
export class VectorBroker {
  /** The client's end of the first channel, for a process that inherits it. */
  readonly fd: number;
  readonly problems: string[] = [];
  readonly #turns: Turn[];
  readonly #channels = new Set<NativeChannel>();

  constructor(turns: readonly Turn[]) {
    this.#turns = [...turns];
    this.fd = this.openChannel();
  }

  get left(): number {
    return this.#turns.length;
  }

  closeDescriptor(fd: number): void {
    binding.closeFd(fd);
  }

  close(): void {
    binding.closeFd(this.fd);
    for (const channel of this.#channels) channel.close();
  }

  /** The client's end of a fresh channel. */
  openChannel(): number {
    const [ours, theirs] = binding.socketPair();
    let greeted = false;
    const channel: NativeChannel = binding.startChannel(
      ours,
      (bytes, _pid, _uid, _gid, fds) => {
        for (const fd of fds) binding.closeFd(fd);
        const isHello = bytes[1] === 0xa9;
        if (isHello) {
          // As the broker has it: a second hello is a request without an id.
          const again: Reply = { ok: false, code: "INVALID", errno: "EINVAL", message: "hello" };
          channel.send(greeted ? encodeReply(0, again) : encodeHelloReply("5f2c7b1a9e04", ":workspace"), -1);
          greeted = true;
        } else this.#answer(bytes, channel);
      },
      () => this.#channels.delete(channel),
    );
    this.#channels.add(channel);
    return theirs;
  }

  #answer(bytes: Uint8Array, channel: NativeChannel): void {
    const { id, request } = parseRequest(decode(bytes));
    if (request.op === "open" && request.path === BROKER_PATH) {
      channel.send(encodeReply(id, { ok: true, value: null }), this.openChannel());
      return;
    }
    const turn = this.#turns.shift();
    if (turn === undefined) this.problems.push(`a request too many: ${request.op}`);
    else if (turn.kind === "expect") {
      const wanted = Buffer.from(encodeRequest(id, turn.request));
      if (!wanted.equals(bytes))
        this.problems.push(
          `${turn.request.op}: ${Buffer.from(bytes).toString("hex")} in place of ${wanted.toString("hex")}`,
        );
      const fd = WITH_DESCRIPTOR.includes(request.op) ? nothing() : -1;
      channel.send(encodeReply(id, { ok: true, value: ANSWERS[request.op] ?? null }), fd);
    } else channel.send(withId(turn.bytes, id), turn.descriptor === "sent" ? nothing() : -1);
  }
}

/** A descriptor to send; the channel takes it. */
function nothing(): number {
  return openSync("/dev/null", "r");
}

/** A vector answers the request 1; whatever begins with a fixarray and that is made to answer this one. */
function withId(bytes: Uint8Array, id: number): Uint8Array {
  const [head = 0, first] = bytes;
  if (head < 0x92 || head > 0x9f || first !== 1) return bytes;
  const numbered = encodeReply(id, { ok: true, value: null }).subarray(1, -2);
  return Buffer.concat([Uint8Array.of(head), numbered, bytes.subarray(2)]);
}
