import type { Check, Expression, Predicate, Rule, Term } from "./datalog.ts";

/** Datalog as people write it, for messages: the line that is not understood. */

export function printCheck({ kind, queries }: Check): string {
  const word = kind === "reject" ? "reject if" : kind === "all" ? "check all" : "check if";
  return `${word} ${queries.map(printBody).join(" or ")}`;
}

export function printRule(rule: Rule): string {
  return `${printPredicate(rule.head)} <- ${printBody(rule)}`;
}

export function printPredicate({ name, terms }: Predicate): string {
  return `${name}(${terms.map(printTerm).join(", ")})`;
}

function printBody({ body, expressions, scopes }: Rule): string {
  const parts = [...body.map(printPredicate), ...expressions.map(printExpression)].join(", ");
  return scopes.length === 0 ? parts : `${parts} trusting ${scopes.join(", ")}`;
}

function printTerm(term: Term): string {
  switch (term.kind) {
    case "variable":
      return `$${term.name}`;
    case "string":
      return JSON.stringify(term.text);
    case "integer":
      return String(term.value);
    case "bool":
      return String(term.value);
    case "date":
      return printDate(term.seconds);
    case "bytes":
      return `hex:${term.hex}`;
    case "null":
      return "null";
    case "array":
      return `[${term.terms.map(printTerm).join(", ")}]`;
    case "set":
      return term.terms.length === 0 ? "{,}" : `{${term.terms.map(printTerm).join(", ")}}`;
    case "map":
      return `{${term.entries.map(([key, value]) => `${printTerm(key)}: ${printTerm(value)}`).join(", ")}}`;
  }
}

export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case "term":
      return printTerm(expression.term);
    case "closure":
      return expression.params.length === 0
        ? printExpression(expression.body)
        : `${expression.params.map((name) => `$${name}`).join(", ")} -> ${printExpression(expression.body)}`;
    case "unary": {
      const of = printExpression(expression.of);
      if (expression.op === "(") return `(${of})`;
      return expression.op === "!" ? `!${of}` : `${of}.${expression.op}()`;
    }
    case "binary": {
      const [left, right] = [printExpression(expression.left), printExpression(expression.right)];
      return /^[a-z]/.test(expression.op)
        ? `${left}.${expression.op}(${right})`
        : `${left} ${expression.op} ${right}`;
    }
  }
}

function printDate(seconds: bigint): string {
  const ms = Number(seconds) * 1000;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace(".000Z", "Z") : `date ${seconds}`;
}
