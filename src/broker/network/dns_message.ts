/** DNS messages (RFC 1035), as far as a server needs them that answers one question by itself. */
export const TYPE = { a: 1, ptr: 12, aaaa: 28, any: 255 } as const;
export const RCODE = { ok: 0, format: 1, server: 2, noName: 3, notImplemented: 4, refused: 5 } as const;

export type Question = {
  readonly id: number;
  readonly recursionDesired: boolean;
  /** Labels joined by dots, latin1: whatever bytes the asker wrote. */
  readonly name: string;
  readonly type: number;
  /** The question as it was asked, for the answer. */
  readonly bytes: Buffer;
};
export type Query =
  | { readonly kind: "question"; readonly question: Question }
  /** Something else, to be answered with the code. */
  | { readonly kind: "other"; readonly id: number; readonly code: number }
  /** Not to be answered. */
  | { readonly kind: "none" };

const HEADER = 12;
/** With the empty label at its end (RFC 1035, 2.3.4). */
const MAX_NAME_BYTES = 255;
const TTL_SECONDS = 60;
const CLASS_IN = 1;

export function parseQuery(message: Buffer): Query {
  if (message.length < HEADER) return { kind: "none" };
  const id = message.readUInt16BE(0);
  const flags = message.readUInt16BE(2);
  // A response: two servers must not answer each other for ever.
  if ((flags & 0x8000) !== 0) return { kind: "none" };
  if ((flags & 0x7800) !== 0) return { kind: "other", id, code: RCODE.notImplemented };
  const wrong: Query = { kind: "other", id, code: RCODE.format };
  if (message.readUInt16BE(4) !== 1) return wrong;
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const size = message[at];
    // A pointer has nothing before it to point to.
    if (size === undefined || size > 63 || at + 1 + size > message.length) return wrong;
    at += 1 + size;
    if (at - HEADER > MAX_NAME_BYTES) return wrong;
    if (size === 0) break;
    labels.push(message.toString("latin1", at - size, at));
  }
  if (message.length < at + 4) return wrong;
  const type = message.readUInt16BE(at);
  if (message.readUInt16BE(at + 2) !== CLASS_IN) return { kind: "other", id, code: RCODE.refused };
  const question = {
    id,
    recursionDesired: (flags & 0x0100) !== 0,
    name: labels.join("."),
    type,
    bytes: message.subarray(HEADER, at + 4),
  };
  return { kind: "question", question };
}

/** An answer with these addresses, each of the type that was asked for. */
export function encodeAnswer(question: Question, code: number, addresses: readonly Uint8Array[]): Buffer {
  const records = addresses.map((address) => {
    const record = Buffer.alloc(12 + address.length);
    record.writeUInt16BE(0xc000 | HEADER, 0);
    record.writeUInt16BE(question.type, 2);
    record.writeUInt16BE(CLASS_IN, 4);
    record.writeUInt32BE(TTL_SECONDS, 6);
    record.writeUInt16BE(address.length, 10);
    record.set(address, 12);
    return record;
  });
  const desired = question.recursionDesired ? 0x0100 : 0;
  return Buffer.concat([
    header(question.id, desired | code, 1, addresses.length),
    question.bytes,
    ...records,
  ]);
}

export function encodeError(id: number, code: number): Buffer {
  return header(id, code, 0, 0);
}

function header(id: number, flags: number, questions: number, answers: number): Buffer {
  const bytes = Buffer.alloc(HEADER);
  bytes.writeUInt16BE(id, 0);
  // A response, with recursion available.
  bytes.writeUInt16BE(0x8080 | flags, 2);
  bytes.writeUInt16BE(questions, 4);
  bytes.writeUInt16BE(answers, 6);
  return bytes;
}
