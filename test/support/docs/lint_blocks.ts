import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lintText } from "../../../src/broker/policy_files/lint_file.ts";
import { type GoldenCase, readCases, wholeText } from "../golden_cases.ts";
import { type Blocks, table } from "./blocks.ts";

const GOLDEN = join(import.meta.dirname, "../../golden");
/** Kinds of files by the folder of their cases. */
const KINDS = {
  lint: { block: "lint-profiles", ending: ".yaml" },
  cedar: { block: "lint-cedar", ending: ".cedar" },
  other: { block: "lint-other", ending: ".yaml" },
} as const;

export const LINT_BLOCKS: Blocks = Object.fromEntries(
  Object.entries(KINDS).map(([folder, { block, ending }]) => [block, () => tableOf(folder, ending)]),
);

/** A row for each rule: what lint itself says of its golden case. */
function tableOf(folder: string, ending: string): string {
  const rows = readdirSync(join(GOLDEN, folder))
    .sort()
    .flatMap((name) => readCases(readFileSync(join(GOLDEN, folder, name), "utf8")))
    .map((one) => rowOf(one, ending))
    .sort(([a], [b]) => (a! < b! ? -1 : 1));
  return table(["rule", "severity", "caught in the example", "mend"], rows);
}

function rowOf(one: GoldenCase, ending: string): string[] {
  const found = lintText(`x${ending}`, wholeText(one)).find(({ rule }) => rule === one.rule);
  if (found === undefined) throw new Error(`No finding of rule ${one.rule} in its golden case`);
  const { severity, problem, mend } = found;
  return [`\`${one.rule}\``, severity, `${one.title}: ${cell(problem)}`, cell(mend)];
}

/** Texts of findings may hold anything that was written in a file; a page names no place of a machine but as an example. */
function cell(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (char) => `U+${char.codePointAt(0)!.toString(16)}`)
    .replaceAll("/root/", "&#47;root/")
    .replace(/[\\`*_<>[\]{}]/g, (char) => `\\${char}`);
}
