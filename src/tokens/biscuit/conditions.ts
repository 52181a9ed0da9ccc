import { ACTIONS, type Action } from "../../policy/capability/capability.ts";
import { escapePattern, parsePattern } from "../../policy/pattern.ts";
import type { Effort } from "../../policy/segment_subsumes.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { isCleanPath } from "../../protocol/path.ts";
import type { Expression, Term } from "./datalog.ts";
import { printExpression } from "./print.ts";
import { ALL, both, type Part, type Region } from "./region.ts";

/** What a variable of a query stands for: the one path, action and time of the request. */
export type Bound = ReadonlyMap<string, Asked>;
export type Asked = "resource" | "operation" | "time";

/** Says that a line is not understood, and why; its caller knows the line. */
export class NotUnderstood extends Error {
  override readonly name = "NotUnderstood";
}

/** Above it no clock of a token goes: the year 9999. */
const MAX_SECONDS = 253_402_300_799n;
const SECOND_MS = 1000;
const FLIPPED: { readonly [op: string]: string } = { "<": ">", ">": "<", "<=": ">=", ">=": "<=" };

/** The requests for which the expression is true. Throws NotUnderstood. */
export function regionOf(expression: Expression, bound: Bound, effort: Effort): Region {
  if (expression.kind === "term" && expression.term.kind === "bool")
    return expression.term.value ? [ALL] : [];
  if (expression.kind === "closure" && expression.params.length === 0)
    return regionOf(expression.body, bound, effort);
  if (expression.kind === "unary" && expression.op === "(") return regionOf(expression.of, bound, effort);
  if (expression.kind !== "binary") throw unknown(expression);
  const { op, left, right } = expression;
  if (op === "&&" || op === "&&!")
    return meet(regionOf(left, bound, effort), regionOf(right, bound, effort), effort);
  if (op === "||" || op === "||!")
    return [...regionOf(left, bound, effort), ...regionOf(right, bound, effort)];
  const [one, other] = [askedOf(left, bound), askedOf(right, bound)];
  if (one !== null && right.kind === "term") return compared(op, one, right.term, expression);
  if (other !== null && left.kind === "term") {
    if (op === "contains" && (left.term.kind === "set" || left.term.kind === "array"))
      return left.term.terms.flatMap((term) => compared("==", other, term, expression));
    const flipped = FLIPPED[op] ?? (op === "==" || op === "===" ? op : "");
    return compared(flipped, other, left.term, expression);
  }
  throw unknown(expression);
}

/** What is in both, or the refusal. */
export function meet(a: Region, b: Region, effort: Effort): Region {
  const met = both(a, b, effort);
  if (met === null)
    throw new NotUnderstood("what it leaves can not be said by patterns; write plainer paths");
  return met;
}

/** The requests whose path is this one; of no canonical path there are none. */
export function pathIs(path: string): Region {
  return isCleanPath(path) ? [{ ...ALL, pattern: escapePattern(path) }] : [];
}

export function actionIs(text: string): Region {
  return ACTIONS.includes(text as Action) ? [{ ...ALL, action: text as Action }] : [];
}

function compared(op: string, asked: Asked, term: Term, expression: Expression): Region {
  if (asked === "time" && term.kind === "date") return [timeIs(op, term.seconds, expression)];
  if (term.kind !== "string" || asked === "time") throw unknown(expression);
  if (op === "==" || op === "===") return asked === "resource" ? pathIs(term.text) : actionIs(term.text);
  if (asked === "resource" && op === "starts_with") return [startsWith(term.text, expression)];
  if (asked === "resource" && op === "ends_with") return [endsWith(term.text, expression)];
  throw unknown(expression);
}

/** Biscuits count whole seconds; where the last one counts, it ends a second early rather than late. */
function timeIs(op: string, seconds: bigint, expression: Expression): Part {
  const ms = Number(seconds > MAX_SECONDS ? MAX_SECONDS : seconds) * SECOND_MS;
  if (op === "<" || op === "<=") return { ...ALL, untilMs: ms };
  if (op === ">=") return { ...ALL, fromMs: ms };
  if (op === ">") return { ...ALL, fromMs: ms + SECOND_MS };
  throw unknown(expression);
}

/** `/a/` is all below /a, and `/a/b` what begins so, with all below it. */
function startsWith(text: string, expression: Expression): Part {
  if (!text.startsWith("/")) throw unknown(expression, 'no path begins so: write one from "/" on');
  if (text === "/") return pattern("/**", expression);
  return pattern(`${escapePattern(text)}*/**`, expression);
}

function endsWith(text: string, expression: Expression): Part {
  if (text === "" || text.includes("/")) throw unknown(expression, "only the end of a name is understood");
  return pattern(`/**/*${escapePattern(text)}`, expression);
}

function pattern(text: string, expression: Expression): Part {
  try {
    parsePattern(text);
    return { ...ALL, pattern: text };
  } catch (error) {
    if (error instanceof SallyportError) throw unknown(expression, error.expected ?? "it is no path");
    throw error;
  }
}

function askedOf(expression: Expression, bound: Bound): Asked | null {
  if (expression.kind !== "term" || expression.term.kind !== "variable") return null;
  return bound.get(expression.term.name) ?? null;
}

function unknown(
  expression: Expression,
  why = "it is none of the comparisons that are known",
): NotUnderstood {
  return new NotUnderstood(`${printExpression(expression)}: ${why}`);
}
