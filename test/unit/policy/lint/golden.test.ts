import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { lintText } from "../../../../src/broker/policy_files/lint_file.ts";
import { readCases, wholeText, writeCases } from "../../../support/golden_cases.ts";

const FOLDER = join(import.meta.dirname, "../../../golden");
/** A folder a kind of file, whose name ends so. */
const ENDINGS: Readonly<Record<string, string>> = { lint: ".yaml", cedar: ".cedar", other: ".yaml" };
const files = Object.keys(ENDINGS).flatMap((folder) =>
  readdirSync(join(FOLDER, folder))
    .sort()
    .map((name) => `${folder}/${name}`),
);
const all = files.flatMap((file) =>
  readCases(readFileSync(join(FOLDER, file), "utf8")).map((one) => ({
    ...one,
    file,
    found: lintText(`x${ENDINGS[file.split("/")[0]!]}`, wholeText(one)),
  })),
);
const told = (found: (typeof all)[number]["found"]): string =>
  found
    .map(
      ({ line, column, severity, rule, field, problem, mend }) =>
        `${line}:${column} ${severity} ${rule}${field === "" ? "" : ` ${field}`}\n  ${problem}\n  ${mend}`,
    )
    .join("\n");

if (process.env["SALLYPORT_DOCS"] === "write") {
  for (const file of files)
    writeFileSync(
      join(FOLDER, file),
      writeCases(all.filter((one) => one.file === file).map((one) => ({ ...one, told: told(one.found) }))),
    );
}

describe("policy lint", () => {
  it("knows two hundred mistakes, each of another kind", () => {
    const kinds = new Set(all.map(({ rule }) => rule));
    expect(kinds.size).toBe(all.length);
    expect(kinds.size).toBeGreaterThanOrEqual(200);
  });

  describe.each(files)("%s", (file) => {
    const cases = all.filter((one) => one.file === file);
    it.each(cases)("$rule: $title", (one) => {
      const mine = one.found.find(({ rule }) => rule === one.rule);
      expect(mine, told(one.found)).toBeDefined();
      expect(mine!.problem).not.toBe("");
      expect(mine!.mend).not.toBe("");
      expect(mine!.line).toBeGreaterThanOrEqual(1);
      expect(mine!.line).toBeLessThanOrEqual(wholeText(one).split("\n").length);
      expect(told(one.found)).toBe(one.expected);
    });
  });
});
