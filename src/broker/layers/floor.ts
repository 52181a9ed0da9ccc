import { escapePattern } from "../../policy/pattern.ts";
import { RIGHT, type RightName } from "../../policy/rights.ts";
import { packageFiles } from "../package_files.ts";
import { loadProfile } from "../profiles.ts";

/** What every run has, whatever a layer says. */
const FLOOR_RULES = ["temporary.write", "shared-memory", "terminal.multiplexer"];

/** The patterns by right that no layer takes, since no program runs without them. */
export function floorOf(): (right: RightName) => readonly string[] {
  const rules = [
    ...loadProfile(":none").rules,
    ...loadProfile(":read-only").rules.filter(({ id }) => FLOOR_RULES.includes(id)),
  ].filter(({ effect }) => effect === "allow");
  const own = packageFiles()
    .map(escapePattern)
    .flatMap((path) => [path, `${path}/**`]);
  const always = ["${tmp}", "${tmp}/**"];
  return (right) => [
    ...rules.filter(({ rights }) => (rights & RIGHT[right]) !== 0).flatMap(({ patterns }) => patterns),
    ...always,
    ...(right === "read" || right === "list" ? own : []),
  ];
}
