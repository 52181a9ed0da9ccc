import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mergeTexts } from "../../../src/files/undo/merge.ts";

const NAMES = { mine: "mine", base: "base", theirs: "theirs" };
const text = fc
  .array(fc.constantFrom("a\n", "b\n", "c\n", "d\n", "\n"), { maxLength: 12 })
  .chain((lines) => fc.constantFrom(lines.join(""), `${lines.join("")}without an end`));

describe("mergeTexts", () => {
  test("takes what one side alone has changed, and what both have changed alike", () => {
    fc.assert(
      fc.property(text, text, (base, changed) => {
        for (const [mine, theirs] of [
          [base, changed],
          [changed, base],
          [changed, changed],
        ] as const)
          expect(mergeTexts(base, mine, theirs, NAMES)).toEqual({ text: changed, conflicts: 0 });
      }),
    );
  });

  test("loses no line of either side that the base has not", () => {
    fc.assert(
      fc.property(text, text, text, (base, mine, theirs) => {
        const merged = mergeTexts(base, mine, theirs, NAMES)!;
        const lines = new Set(merged.text.split("\n"));
        const old = new Set(base.split("\n"));
        for (const line of [...mine.split("\n"), ...theirs.split("\n")])
          if (!old.has(line)) expect(lines).toContain(line);
        expect(merged.text.split("<<<<<<< mine\n").length - 1).toBe(merged.conflicts);
      }),
    );
  });

  test("joins changes that lie apart", () => {
    const base = "1\n2\n3\n4\n5\n6\n";
    expect(mergeTexts(base, "one\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\n5\nsix\n7\n", NAMES)).toEqual({
      text: "one\n2\n3\n4\n5\nsix\n7\n",
      conflicts: 0,
    });
  });

  test("marks what both have changed in different ways", () => {
    expect(mergeTexts("1\n2\n3\n", "1\nmine\n3\n", "1\ntheirs\n3\n", NAMES)).toEqual({
      text: "1\n<<<<<<< mine\nmine\n||||||| base\n2\n=======\ntheirs\n>>>>>>> theirs\n3\n",
      conflicts: 1,
    });
  });
});
