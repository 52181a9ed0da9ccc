/** The vectors of test/vectors against the codec that this package is made of. `npm run docs` writes them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  decode,
  encodeHello,
  encodeHelloReply,
  encodeReply,
  encodeRequest,
} from "../../../src/protocol/codec.ts";
import { SallyportError } from "../../../src/protocol/errors.ts";
import type { Reply, WireRequest } from "../../../src/protocol/message.ts";
import { parseHello, parseHelloReply, parseRequest } from "../../../src/protocol/parse.ts";
import { parseReply } from "../../../src/protocol/parse_reply.ts";
import { OPS } from "../../../src/protocol/wire.ts";
import { VECTOR_FOLDER, VECTORS } from "../../support/vectors/all.ts";
import { indexLine, type Vector } from "../../support/vectors/vector.ts";

const INDEX = `[\n${VECTORS.map(indexLine).join(",\n")}\n]\n`;

if (process.env["SALLYPORT_DOCS"] === "write") {
  rmSync(VECTOR_FOLDER, { recursive: true });
  mkdirSync(VECTOR_FOLDER);
  writeFileSync(join(VECTOR_FOLDER, "index.json"), INDEX);
  for (const { name, bytes } of VECTORS) writeFileSync(join(VECTOR_FOLDER, `${name}.msgpack`), bytes);
}

describe("test/vectors", () => {
  it("is current (npm run docs)", () => {
    expect(readFileSync(join(VECTOR_FOLDER, "index.json"), "utf8")).toBe(INDEX);
    const files = VECTORS.map(({ name }) => `${name}.msgpack`);
    expect(readdirSync(VECTOR_FOLDER).toSorted()).toEqual(["index.json", ...files].toSorted());
    for (const { name, bytes } of VECTORS)
      expect(readFileSync(join(VECTOR_FOLDER, `${name}.msgpack`)).equals(bytes), name).toBe(true);
  });

  it("has each name once, each operation and each verdict", () => {
    const names = VECTORS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const accepted = VECTORS.filter(({ kind, verdict }) => kind === "request" && verdict === "accepted");
    expect(new Set(accepted.map(({ message }) => (message as WireRequest).op))).toEqual(new Set(OPS));
    for (const verdict of ["accepted", "INVALID", "PROTOCOL"])
      for (const kind of ["hello", "request", "reply", "hello-reply"])
        expect(
          VECTORS.some((one) => one.verdict === verdict && one.kind === kind),
          `${kind} ${verdict}`,
        ).toBe(true);
  });
});

describe("the codec", () => {
  it.each(VECTORS.map((vector) => [vector.name, vector] as const))("%s", (_name, vector) => {
    const read = verdictOf(vector);
    if (vector.verdict !== "accepted") {
      expect(read).toEqual({
        verdict: vector.verdict,
        ...(vector.verdict === "INVALID" ? { field: vector.field } : {}),
      });
      return;
    }
    if (vector.message !== undefined)
      expect(read).toEqual({ verdict: "accepted", id: vector.id, message: vector.message });
    else expect(read).toMatchObject({ verdict: "accepted" });
    if (vector.encoding === "canonical") expect(Buffer.from(written(vector)).equals(vector.bytes)).toBe(true);
  });
});

function verdictOf({ kind, bytes }: Vector): object {
  try {
    const frame = decode(bytes);
    if (kind === "hello") return { verdict: "accepted", version: parseHello(frame) };
    if (kind === "hello-reply") return { verdict: "accepted", ...parseHelloReply(frame) };
    if (kind === "request") {
      const { id, request } = parseRequest(frame);
      return { verdict: "accepted", id, message: request };
    }
    const { id, reply } = parseReply(frame);
    return { verdict: "accepted", id, message: reply };
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    return { verdict: error.code, ...(error.code === "INVALID" ? { field: error.field } : {}) };
  }
}

function written({ kind, id = 0, message }: Vector): Uint8Array {
  if (kind === "hello") return encodeHello();
  if (kind === "hello-reply") return encodeHelloReply("5f2c7b1a9e04", ":workspace");
  return kind === "request" ? encodeRequest(id, message as WireRequest) : encodeReply(id, message as Reply);
}
