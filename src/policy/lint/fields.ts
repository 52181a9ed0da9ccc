/** Fields that are none: typed wrong, in the wrong place, or of another tool. And values of the wrong kind. */
import { type Fields, isFields } from "../profile_fields.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { FIELDS, FOREIGN_FIELDS, FOREIGN_RULE_FIELDS, type Foreign, RULE_FIELDS } from "./known_fields.ts";
import { fold, nearest } from "./nearest.ts";

export function lintFields(value: unknown, found: Findings): void {
  if (Array.isArray(value)) {
    found.error(
      "file.list",
      [],
      "the file is a list",
      "start with name:, version: and description:, and put the list under rules:",
    );
    return;
  }
  if (!isFields(value)) {
    found.error("file.not-a-mapping", [], `the file is ${show(value)}`, "write fields, a line each: name: …");
    return;
  }
  unknownFields(value, [], FIELDS[""]!, FOREIGN_FIELDS, found);
  for (const [section, known] of Object.entries(FIELDS)) {
    const inner = value[section];
    if (section === "" || inner === undefined) continue;
    if (isFields(inner)) {
      if (section !== "limits" && section !== "rlimits") unknownFields(inner, [section], known, [], found);
    } else wrongSection(section, inner, found);
  }
  const { rules } = value;
  if (isFields(rules)) {
    found.error(
      "rules.mapping",
      ["rules"],
      "rules is a mapping by name",
      "write a list: each rule starts with - id: NAME",
      "key",
    );
  }
  if (!Array.isArray(rules)) return;
  for (const [index, rule] of rules.entries()) {
    const at = ["rules", index];
    if (typeof rule === "string") {
      found.error(
        "rules.text",
        at,
        `the rule is the text ${show(rule)}`,
        "write id, effect, rights, paths and reason",
      );
    } else if (isFields(rule)) unknownFields(rule, at, RULE_FIELDS, FOREIGN_RULE_FIELDS, found);
  }
}

function unknownFields(
  value: Fields,
  at: Path,
  known: readonly string[],
  foreign: readonly Foreign[],
  found: Findings,
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key) || key === "<<") continue;
    const here = [...at, key];
    const folded = known.find((one) => fold(one) === fold(key));
    if (folded !== undefined) {
      const rule = folded.toLowerCase() === key.toLowerCase() ? "field.case" : "field.separators";
      found.error(rule, here, "is spelled in another way here", `write ${folded}`, "key");
      continue;
    }
    const other = foreign.find(({ names }) => names.includes(key));
    const near = nearest(key, known);
    const place = at.length === 0 ? misplaced(key) : null;
    if (other !== undefined) found.error(other.rule, here, other.problem, other.mend, "key");
    else if (place !== null)
      found.error("field.misplaced", here, `belongs into ${place}`, `write ${place}: { ${key}: … }`, "key");
    else if (near !== null) found.error("field.typing", here, "is unknown", `did you mean ${near}?`, "key");
    else found.error("field.unknown", here, "is unknown", `write one of ${known.join(", ")}`, "key");
  }
}

function misplaced(key: string): string | null {
  const sections = Object.entries(FIELDS).filter(
    ([section, fields]) => section !== "" && fields.includes(key),
  );
  const named = sections.filter(([section]) => section !== "limits").map(([section]) => section);
  if (named.length > 0) return named.join(" or ");
  return RULE_FIELDS.includes(key) ? "rules" : null;
}

function wrongSection(section: string, inner: unknown, found: Findings): void {
  const at = [section];
  if (inner === null) {
    found.error("field.empty-value", at, "has no value", "write one, or take the field out", "key");
  } else if (section === "environment" && Array.isArray(inner)) {
    found.error(
      "environment.list",
      at,
      "is a list, as Compose has it",
      "write allow: [NAME] for variables that pass, and set: { NAME: value }",
    );
  } else if (section === "network" && (typeof inner === "boolean" || typeof inner === "string")) {
    found.error(
      "network.switch",
      at,
      `is ${show(inner)}: the network is no switch`,
      "leave it out for none, or name hosts: network: { allow: [HOST] }",
    );
  } else if (section === "native" && Array.isArray(inner)) {
    found.error(
      "native.list",
      at,
      "is a list, and does not say what may be done there",
      "write native: { read: […], execute: […] }",
    );
  } else if (section === "limits" && typeof inner === "number") {
    found.error(
      "limits.number",
      at,
      `is ${show(inner)}`,
      "write a limit for a class: limits: { write: { perSecond: 10, burst: 100 } }",
    );
  } else {
    found.error(
      "field.mapping-expected",
      at,
      `is ${show(inner)}`,
      `write a mapping of ${FIELDS[section]!.join(", ")}`,
    );
  }
}
