import type { Problem } from "../problem.ts";
import { isFields } from "../profile_fields.ts";
import { type Finding, Findings, type Path, pathOf, type Source } from "./finding.ts";
import { globMistake } from "./globs.ts";
import { textTraps } from "./text_traps.ts";

/** Files with a strict reader of their own: what it refuses, with the place and the name of the field, and patterns of other languages. */
export function lintByReader(
  source: Source,
  broken: readonly Finding[],
  kind: string,
  problems: readonly Problem[],
): readonly Finding[] {
  const found = new Findings(source);
  for (const one of [...broken, ...textTraps(source.text)]) found.add(one);
  if (kind === "layer") lintLayer(source.value, found);
  for (const problem of problems) {
    const at = pathOf(problem);
    if (found.speaksOf(at)) continue;
    const field = at.findLast((step) => typeof step === "string") ?? "file";
    found.error(
      `${kind}.${String(field).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      at,
      problem.problem,
      problem.remedy,
    );
  }
  return found.sorted;
}

const GRANTING: Readonly<Record<string, string>> = {
  without: "takes no rule out: a layer bounds, and never widens",
  extends: "extends nothing: it holds beside every profile",
  native: "grants nothing: it bounds what profiles grant",
  name: "has no name: it is known by its place",
};

function lintLayer(value: unknown, found: Findings): void {
  if (!isFields(value)) return;
  for (const [key, why] of Object.entries(GRANTING))
    if (value[key] !== undefined)
      found.error(`layer.${key}`, [key], `is a field of profiles; a layer ${why}`, "take it out", "key");
  if (
    value["enforcement"] === "best-effort" ||
    value["undo"] === "off" ||
    value["memfd"] === "any" ||
    value["mediation"] === "kernel"
  )
    found.error(
      "layer.weaker",
      [
        ["enforcement", "undo", "memfd", "mediation"].find((key) =>
          ["best-effort", "off", "any", "kernel"].includes(String(value[key])),
        )!,
      ],
      "would make a run weaker, which a layer can not",
      "take it out",
    );
  const patterns = (Array.isArray(value["rules"]) ? value["rules"] : []).flatMap((rule, index) =>
    ["paths", "except"].flatMap((list) =>
      isFields(rule) && Array.isArray(rule[list])
        ? rule[list].map((text, at): [unknown, Path] => [text, ["rules", index, list, at]])
        : [],
    ),
  );
  for (const [text, at] of patterns) {
    const mistake = typeof text === "string" ? globMistake(text) : null;
    if (mistake !== null) found.error(mistake.rule, at, mistake.problem, mistake.mend);
  }
  if (value["layer"] === "project" && Array.isArray(value["rules"]) && value["rules"].length === 0)
    found.warn("layer.empty", ["rules"], "bounds nothing", "write a rule, or take the file out");
}
