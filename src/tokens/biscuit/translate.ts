import { ACTIONS, type Action, type Grant } from "../../policy/capability/capability.ts";
import { escapePattern } from "../../policy/pattern.ts";
import type { Effort } from "../../policy/segment_subsumes.ts";
import { isCleanPath } from "../../protocol/path.ts";
import { parseGrant } from "../action_fields.ts";
import { MAX_ACTIONS } from "../limits.ts";
import { TokenRefused } from "../refusal.ts";
import { type Asked, actionIs, meet, NotUnderstood, pathIs, regionOf } from "./conditions.ts";
import type { Block, Check, Predicate, Rule } from "./datalog.ts";
import { printCheck, printPredicate, printRule } from "./print.ts";
import { ALL, plain, type Region } from "./region.ts";

/** What the Datalog of a Biscuit lets be done, under all of its checks. */
export type Translation = {
  readonly grants: readonly Grant[];
  /** null: it does not say. */
  readonly notBeforeMs: number | null;
  readonly expiresMs: number | null;
};

type Right = { readonly path: string; readonly action: Action };

/** For all patterns together: some 50 ms. */
const MAX_EFFORT = 200_000;
const ASKED: readonly string[] = ["resource", "operation", "time"] satisfies readonly Asked[];
const UNDERSTOOD = "docs/capabilities.md says what is understood";

/**
 * The rights of the authority, each narrowed by every check of every block. Understood are the facts right(PATH, ACTION) and
 * right_pattern(PATTERN, ACTION) and checks on resource, operation, time and right; whatever else stands there is refused with its line.
 */
export function translate(blocks: readonly Block[]): Translation {
  const effort = { left: MAX_EFFORT };
  const rights: Right[] = [];
  let region: Region = [];
  for (const [at, { facts, rules, scopes }] of blocks.entries()) {
    if (scopes.length > 0)
      throw refused(`block ${at}`, `trusting ${scopes.join(", ")}`, "a block trusts none but the authority");
    for (const [number, rule] of rules.entries())
      throw refused(`block ${at}, rule ${number + 1}`, printRule(rule), "rules are not understood");
    for (const [number, fact] of facts.entries()) {
      const where = `block ${at}, fact ${number + 1}`;
      if (at > 0) throw refused(where, printPredicate(fact), "only the first block has facts that count");
      region = [...region, readRight(fact, rights, where)];
    }
  }
  for (const [at, { checks }] of blocks.entries())
    for (const [number, check] of checks.entries())
      region = narrowed(region, check, rights, effort, `block ${at}, check ${number + 1}`);
  return grantsOf(plain(region, effort));
}

function readRight(fact: Predicate, rights: Right[], where: string): Region[number] {
  const [path, action] = fact.terms;
  const line = printPredicate(fact);
  if (!["right", "right_pattern"].includes(fact.name) || fact.terms.length !== 2)
    throw refused(where, line, "a fact is right(PATH, ACTION) or right_pattern(PATTERN, ACTION)");
  if (path?.kind !== "string" || action?.kind !== "string" || !ACTIONS.includes(action.text as Action))
    throw refused(where, line, `it needs two texts, the second one of ${ACTIONS.join(", ")}`);
  const isPlain = fact.name === "right";
  if (isPlain && !isCleanPath(path.text)) throw refused(where, line, "it names no absolute canonical path");
  const pattern = isPlain ? escapePattern(path.text) : path.text;
  const grant = parseGrant(action.text as Action, { path: pattern }, where);
  if (isPlain) rights.push({ path: path.text, action: grant.action });
  return { ...ALL, pattern, action: grant.action };
}

function narrowed(
  region: Region,
  check: Check,
  rights: readonly Right[],
  effort: Effort,
  where: string,
): Region {
  try {
    if (check.kind !== "if") throw new NotUnderstood("only `check if` is");
    const any = check.queries.flatMap((query) => queryRegion(query, rights, effort));
    return plain(meet(region, any, effort), effort);
  } catch (error) {
    if (error instanceof NotUnderstood) throw refused(where, printCheck(check), error.message);
    throw error;
  }
}

/** The requests for which a query finds something: a request has one resource, one operation and one time. */
function queryRegion({ body, expressions, scopes }: Rule, rights: readonly Right[], effort: Effort): Region {
  if (scopes.length > 0) throw new NotUnderstood("whom it trusts is not");
  const bound = new Map<string, Asked>();
  let region: Region = [ALL];
  const narrow = (by: Region): void => {
    region = meet(region, by, effort);
  };
  for (const { name, terms } of body) {
    if (name === "right" && terms.length === 2) continue;
    const [term] = terms;
    if (!ASKED.includes(name) || term === undefined || terms.length !== 1)
      throw new NotUnderstood(`${name} with ${terms.length} terms is not known`);
    const asked = name as Asked;
    if (term.kind === "variable") {
      if ((bound.get(term.name) ?? asked) !== asked)
        throw new NotUnderstood(`$${term.name} stands for two things`);
      bound.set(term.name, asked);
    } else if (term.kind !== "string" || asked === "time")
      throw new NotUnderstood(`${name} needs a variable or a text`);
    else narrow(asked === "resource" ? pathIs(term.text) : actionIs(term.text));
  }
  for (const { name, terms } of body)
    if (name === "right") narrow(rights.flatMap((right) => joined(terms, right, bound, effort)));
  for (const expression of expressions) narrow(regionOf(expression, bound, effort));
  return region;
}

/** The requests for which one fact is found by right(…) of a query. */
function joined(
  terms: Predicate["terms"],
  right: Right,
  bound: ReadonlyMap<string, Asked>,
  effort: Effort,
): Region {
  const [path, action] = terms.map((term, at) => {
    const text = at === 0 ? right.path : right.action;
    if (term.kind === "string") return term.text === text ? [ALL] : [];
    const asked = term.kind === "variable" ? bound.get(term.name) : undefined;
    if (asked === undefined || asked === "time")
      throw new NotUnderstood("right needs texts, or the variables of resource and operation");
    return asked === "resource" ? pathIs(text) : actionIs(text);
  });
  return meet(path!, action!, effort);
}

function grantsOf(region: Region): Translation {
  const [first] = region;
  if (first === undefined)
    throw new TokenRefused(
      "nothing-granted",
      "biscuit",
      "grants nothing under all of its checks",
      "ask for one that does",
    );
  if (region.length > MAX_ACTIONS)
    throw new TokenRefused(
      "bad-field",
      "biscuit",
      `comes to ${region.length} grants`,
      `write rights that come to at most ${MAX_ACTIONS}`,
    );
  if (region.some(({ fromMs, untilMs }) => fromMs !== first.fromMs || untilMs !== first.untilMs))
    throw new TokenRefused(
      "unknown-datalog",
      "biscuit",
      "has rights that end or begin at different times, and a capability has one life",
      "bring a Biscuit for each",
    );
  return {
    grants: region.map(({ pattern, action }) => ({
      action: action!,
      target: { kind: "path", pattern: pattern! },
    })),
    notBeforeMs: first.fromMs === ALL.fromMs ? null : first.fromMs,
    expiresMs: first.untilMs === ALL.untilMs ? null : first.untilMs,
  };
}

function refused(where: string, line: string, why: string): TokenRefused {
  const cut = line.length > 300 ? `${line.slice(0, 300)}…` : line;
  return new TokenRefused(
    "unknown-datalog",
    where,
    `is not understood: \`${cut.replace(/\p{C}/gu, "\ufffd")}\` (${why.length > 200 ? `${why.slice(0, 200)}…` : why})`,
    UNDERSTOOD,
  );
}
