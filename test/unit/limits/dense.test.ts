import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { deflateSync, gzipSync } from "node:zlib";
import { expect, it } from "vitest";
import { looksOf } from "../../../src/broker/storms/disk.ts";
import { entropyOf, isDense } from "../../../src/limits/dense.ts";

it("is eight bits for bytes that are all alike often, and none for one byte", () => {
  const each = Uint8Array.from({ length: 4096 }, (_, at) => at & 255);
  expect(entropyOf(each)).toBeCloseTo(8, 10);
  expect(entropyOf(new Uint8Array(4096))).toBe(0);
});

it("tells random bytes from text, programs and base64, from 512 bytes on", () => {
  for (let round = 0; round < 200; round++) expect(isDense(randomBytes(512))).toBe(true);
  expect(isDense(randomBytes(511))).toBe(false);
  expect(isDense(readFileSync(import.meta.filename))).toBe(false);
  expect(isDense(readFileSync(process.execPath).subarray(0, 4096))).toBe(false);
  expect(isDense(Buffer.from(randomBytes(4000).toString("base64")))).toBe(false);
});

it("takes what begins as a compressed format for what it is", () => {
  const body = randomBytes(4000);
  for (const packed of [gzipSync(body), deflateSync(body), Buffer.concat([Buffer.from("wOF2"), body])])
    expect([isDense(packed.subarray(0, 4096)), looksOf(packed.subarray(0, 4096))]).toEqual([true, "plain"]);
  // A beginning that means nothing.
  expect(looksOf(Buffer.concat([Buffer.from([0, 1, 2, 3]), body]))).toBe("encrypted");
});
