import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { basename, dirname, isWithin, joinPath } from "../../../src/policy/path.ts";
import { isCleanPath, parsePath, utf8Bytes } from "../../../src/protocol/path.ts";

/** The definition, word by word. */
function isCleanByDefinition(path: string): boolean {
  if (path === "/") return true;
  const segments = path.split("/");
  return (
    segments.length > 1 &&
    segments[0] === "" &&
    segments.slice(1).every((segment) => segment !== "" && segment !== "." && segment !== "..") &&
    !path.includes("\0") &&
    Buffer.from(path).toString() === path &&
    Buffer.byteLength(path) <= 4_096
  );
}

const hostile = fc
  .array(
    fc.constantFrom("/", "/", ".", "..", "a", "\\", "\0", "é", "😀", "\ud800", "\udc00", "\uffff", " "),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(""));
const clean = fc
  .array(fc.constantFrom("a", "..a", "...", ".a", "\\", "é😀"), { maxLength: 6 })
  .map((s) => `/${s.join("/")}`);

describe("canonical paths", () => {
  it("are accepted by the definition only", () => {
    const anything = fc.oneof(
      hostile,
      hostile.map((tail) => `/a${tail}`),
      fc.string({ unit: "binary" }),
    );
    let accepted = 0;
    fc.assert(
      fc.property(anything, (path) => {
        expect(isCleanPath(path)).toBe(isCleanByDefinition(path));
        if (isCleanPath(path)) accepted++;
      }),
      { numRuns: 30_000 },
    );
    expect(accepted).toBeGreaterThan(1_000);
  });

  it("count bytes and not units", () => {
    expect(isCleanPath(`/${"a".repeat(4_095)}`)).toBe(true);
    expect(isCleanPath(`/${"a".repeat(4_096)}`)).toBe(false);
    expect(isCleanPath(`/${"é".repeat(2_047)}a`)).toBe(true);
    expect(isCleanPath(`/${"é".repeat(2_048)}`)).toBe(false);
    expect(() => parsePath("/a/..")).toThrow("canonical");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const valid = Buffer.from(text).toString() === text;
        expect(utf8Bytes(text)).toBe(valid ? Buffer.byteLength(text) : -1);
      }),
      { numRuns: 5_000 },
    );
  });

  it("come apart and go together again", () => {
    fc.assert(
      fc.property(clean, (path) => {
        expect(isCleanPath(dirname(path))).toBe(true);
        expect(isWithin(path, dirname(path))).toBe(true);
        if (path !== "/") expect(joinPath(dirname(path), basename(path))).toBe(path);
      }),
    );
    expect([dirname("/"), dirname("/a"), dirname("/a/b")]).toEqual(["/", "/", "/a"]);
    expect([isWithin("/ab", "/a"), isWithin("/a", "/a"), isWithin("/a/b", "/a")]).toEqual([
      false,
      true,
      true,
    ]);
  });
});
