/** Rules together: what never holds, what is said twice, what contradicts. */
import { type Fields, isFields } from "../profile_fields.ts";
import { RIGHT_NAMES, type RightName } from "../rights.ts";
import type { Findings, Path } from "./finding.ts";
import { globDoubt, globMistake } from "./globs.ts";
import { lintGrant, type WrittenRule } from "./grants.ts";
import { ancestorsOf, type Known } from "./lineage.ts";
import { isWithinPatterns, meetsPatterns, segmentsOf } from "./stand_in.ts";
import { listAt, type textsAt } from "./values.ts";

type Placed = WrittenRule & { readonly at: Path };

export function lintRules(value: Fields, known: Known, found: Findings): void {
  lintPatterns(value, found);
  const own = listAt(value, "rules").flatMap((rule, index): Placed[] => {
    const written = writtenRule(rule);
    return written === null ? [] : [{ ...written, at: ["rules", index] }];
  });
  const without = listAt(value, "without");
  const inherited = ancestorsOf(value, known)
    .flatMap((name) => listAt(known[name], "rules"))
    .map(writtenRule)
    .filter((rule) => rule !== null && !without.includes(rule.id)) as WrittenRule[];
  const all = [...inherited, ...own];
  const denies = all.filter(({ effect }) => effect === "deny");
  const denied = (pattern: string, right: RightName): string | null =>
    denies.find(
      (rule) =>
        rule.rights.includes(right) &&
        isWithinPatterns(pattern, rule.paths) &&
        !meetsPatterns(pattern, rule.except),
    )?.id ?? null;
  for (const rule of own) {
    lintGrant(rule, rule.at, denied, found);
    lintLists(rule, found);
    lintPairs(rule, found);
  }
  for (const [index, rule] of own.entries()) lintAgainst(rule, own.slice(0, index), all, found);
  lintConnect(value, own, found);
}

/** A rule whose fields are all of the right kind, or null. */
export function writtenRule(rule: unknown): WrittenRule | null {
  if (!isFields(rule)) return null;
  const { id, effect, rights, paths, except = [] } = rule;
  if (typeof id !== "string" || (effect !== "allow" && effect !== "deny")) return null;
  const texts = [rights, paths, except];
  if (!texts.every((list) => Array.isArray(list) && list.every((one) => typeof one === "string")))
    return null;
  const names = (rights as string[]).filter((right): right is RightName =>
    (RIGHT_NAMES as readonly string[]).includes(right),
  );
  return { id, effect, rights: names, paths: paths as string[], except: except as string[] };
}

function lintPatterns(value: Fields, found: Findings): void {
  const lists: Path[] = [
    ["native", "read"],
    ["native", "execute"],
  ];
  for (const [index] of listAt(value, "rules").entries())
    lists.push(["rules", index, "paths"], ["rules", index, "except"]);
  for (const list of lists) {
    for (const { text, at } of textsIn(value, list)) {
      const mistake = globMistake(text);
      if (mistake !== null) found.error(mistake.rule, at, mistake.problem, mistake.mend);
      else if (list[0] === "native" && text.split("/").includes("**"))
        found.error(
          "glob.native-deep",
          at,
          `"${text}": a kernel rule covers what is below it anyway`,
          `write ${text.replace(/\/\*\*.*$/, "") || "/"}`,
        );
      else {
        const doubt = globDoubt(text);
        if (doubt !== null) found.warn(doubt.rule, at, doubt.problem, doubt.mend);
      }
    }
  }
}

function textsIn(value: unknown, at: Path): ReturnType<typeof textsAt> {
  let inner = value;
  for (const step of at) inner = (inner as Record<string | number, unknown> | null | undefined)?.[step];
  return Array.isArray(inner)
    ? inner.flatMap((text, index) => (typeof text === "string" ? [{ text, at: [...at, index] }] : []))
    : [];
}

/** Inside of one rule. */
function lintLists(rule: Placed, found: Findings): void {
  for (const [index, pattern] of rule.paths.entries()) {
    const others = rule.paths.filter((other, at) => at !== index && other !== pattern);
    // A directory beside all below it is how the trees of this project are written.
    const wide = others.find((other) => other !== `${pattern}/**` && isWithinPatterns(pattern, [other]));
    if (wide !== undefined && !isWithinPatterns(wide, [pattern]))
      found.warn(
        "rule.path-within",
        [...rule.at, "paths", index],
        `"${pattern}" is within "${wide}"`,
        "take it out",
      );
  }
  if (
    rule.except.length > 0 &&
    rule.paths.length > 0 &&
    rule.paths.every((pattern) => isWithinPatterns(pattern, rule.except))
  )
    found.error(
      "rule.excepts-all",
      [...rule.at, "except"],
      "exempts all that the rule covers, so that it never holds",
      "take the rule out, or write a narrower except",
      "key",
    );
  else
    for (const [index, pattern] of rule.except.entries())
      if (
        segmentsOf(pattern) !== null &&
        rule.paths.every((path) => segmentsOf(path) !== null) &&
        !meetsPatterns(pattern, rule.paths)
      )
        found.warn(
          "rule.except-elsewhere",
          [...rule.at, "except", index],
          `"${pattern}" is nothing that the rule covers`,
          "take it out, or correct it",
        );
}

/** Rights that work only together. */
function lintPairs({ effect, rights, at }: Placed, found: Findings): void {
  const here = [...at, "rights"];
  const has = (right: RightName): boolean => rights.includes(right);
  if (effect === "allow") {
    if (has("create") && !has("write") && !has("delete"))
      found.warn("rights.create-alone", here, "grants to make names and not to fill them", "add write");
    if (has("delete") && !has("create") && !has("write"))
      found.warn(
        "rights.delete-alone",
        here,
        "grants to take away what the run can not make",
        "add write and create, or take it out",
      );
    if (has("write") && has("execute"))
      found.warn(
        "rights.write-and-execute",
        here,
        "lets the run execute what it has written itself",
        "split it: write in one place, execute in another",
      );
  } else {
    if (has("write") && !has("delete") && !has("create"))
      found.warn(
        "rights.deny-write-alone",
        here,
        "leaves deleting and making anew: a file can be replaced by another",
        "add create and delete",
      );
    if (has("read") && !has("execute") && !has("write") && rights.length === 1)
      found.warn(
        "rights.deny-read-alone",
        here,
        "leaves writing, deleting and renaming: a file that is moved elsewhere can be read there",
        "add write, create, delete and metadata",
      );
    if (has("stat") && rights.length === 1)
      found.warn(
        "rights.deny-stat",
        here,
        "can not hold: no kernel layer keeps a program from stat",
        "take it out",
      );
  }
}

function lintAgainst(
  rule: Placed,
  before: readonly Placed[],
  all: readonly WrittenRule[],
  found: Findings,
): void {
  const same = before.find((other) => other.effect === rule.effect && covers(other, rule));
  const opposite = before.find((other) => other.effect !== rule.effect && sameLists(other, rule));
  if (opposite !== undefined)
    found.error(
      "rule.contradicts",
      rule.at,
      `says the opposite of "${opposite.id}" on the same paths, and deny wins`,
      "take one of the two out",
    );
  else if (same !== undefined)
    found.warn("rule.shadowed", rule.at, `adds nothing to "${same.id}"`, "take it out");
  if (rule.effect === "deny" && rule.paths.length > 0 && rule.rights.length > 0) {
    const grants = all.filter(
      (other) => other.effect === "allow" && other.rights.some((right) => rule.rights.includes(right)),
    );
    const segments = rule.paths.every((path) => segmentsOf(path) !== null);
    const native =
      rule.rights.includes("read") || rule.rights.includes("list") || rule.rights.includes("execute");
    if (
      segments &&
      !native &&
      !rule.paths.some((path) => grants.some((grant) => meetsPatterns(path, grant.paths)))
    )
      found.warn(
        "rule.denies-nothing",
        rule.at,
        "denies what no rule grants",
        "take it out, unless another profile extends this one",
      );
  }
}

function covers(wide: WrittenRule, narrow: WrittenRule): boolean {
  return (
    wide.except.length === 0 &&
    narrow.paths.length > 0 &&
    narrow.rights.every((right) => wide.rights.includes(right)) &&
    narrow.paths.every((path) => isWithinPatterns(path, wide.paths))
  );
}

function sameLists(a: WrittenRule, b: WrittenRule): boolean {
  const key = (rule: WrittenRule): string =>
    JSON.stringify([[...rule.paths].sort(), [...rule.rights].sort(), rule.except]);
  return key(a) === key(b);
}

function lintConnect(value: Fields, own: readonly Placed[], found: Findings): void {
  const connecting = own.find((rule) => rule.effect === "allow" && rule.rights.includes("connect"));
  if (connecting === undefined) return;
  if (value["unixSockets"] === "refused")
    found.error(
      "socket.refused",
      [...connecting.at, "rights"],
      "grants to connect, and unixSockets is refused",
      "write unixSockets: brokered",
    );
}
