import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AppendRecords, GrowingTree } from "../../../src/audit/growing_tree.ts";
import { appendLeaf, emptyFrontier, leafHash, rootOf } from "../../../src/audit/merkle.ts";
import { appendTo, type Segment } from "../../../src/audit/segment.ts";
import { skipFor } from "../../support/needs.ts";

const ADDON = join(import.meta.dirname, "../../../build/Release/sallyport.node");
const native = existsSync(ADDON)
  ? (createRequire(import.meta.url)(ADDON).appendRecords as AppendRecords)
  : undefined;
const obstacle = native === undefined ? "needs the addon, which is not built here" : "";

/** Lines of every length around the blocks of the hash. */
const LINES = Array.from({ length: 300 }, (_, at) => "x".repeat(at + 1));

function segmentOf(lines: readonly string[]): Segment {
  const image = Buffer.alloc(1 << 17);
  const commit = (start: number, bytes: number) => void image.writeUInt32LE(bytes, start);
  const segment: Segment = { path: "", fd: -1, image, end: 0, commit };
  for (const line of lines) if (!appendTo(segment, line)) throw new Error("does not fit");
  return segment;
}

test.for([
  ["one by one", undefined, ""],
  ["all at once", native, obstacle],
] as const)("records %s make the tree of their leaves", ([_how, appendRecords, lacking], context) => {
  skipFor(lacking, context);
  const { image, end } = segmentOf(LINES);
  const whole = new GrowingTree(appendRecords);
  whole.append(image, 0, end);
  expect(whole.size).toBe(LINES.length);

  const grown = new GrowingTree(appendRecords);
  const frontier = emptyFrontier();
  let at = 0;
  for (const line of LINES) {
    const next = at + 4 + ((line.length + 3) & ~3);
    grown.append(image, at, next);
    at = next;
    appendLeaf(frontier, leafHash(Buffer.from(line)));
    expect(grown.root()).toEqual(rootOf(frontier));
  }
  expect(whole.root()).toEqual(grown.root());
});

test("bytes that are no records are refused and change nothing", (context) => {
  skipFor(obstacle, context);
  const { image, end } = segmentOf(["a", "b"]);
  const tree = new GrowingTree(native);
  tree.append(image, 0, end);
  const root = tree.root();
  expect(() => tree.append(image, end, end + 8)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  expect(() => tree.append(image, 4, end)).toThrow(expect.objectContaining({ code: "INTERNAL" }));
  expect(tree.size).toBe(2);
  expect(tree.root()).toEqual(root);
});
