import type { Block, Check, Expression, Predicate, Rule, Term } from "./datalog.ts";
import { buildExpression, type Op } from "./expression.ts";
import {
  broken,
  bytesOf,
  type Message,
  numberOf,
  readMessage,
  readOneOf,
  type Shape,
  utf8,
} from "./protobuf.ts";
import { SHAPES } from "./schema.ts";
import { type Symbols, symbolAt } from "./symbols.ts";

/** Terms and closures inside of each other. */
const MAX_NESTING = 16;
/** Of the Datalog: 3.0 to 3.3. */
const VERSIONS: readonly number[] = [3, 4, 5, 6];
const KINDS = ["if", "all", "reject"] as const;

type Reader = { readonly symbols: Symbols; readonly where: string };

/** The Datalog of a block. `symbols` are those of the blocks before it, and get its own. Throws TokenRefused. */
export function readBlock(bytes: Uint8Array, symbols: Symbols, where: string): Block {
  const message = readMessage(bytes, SHAPES.block, where);
  const version = numberOf(message, "version");
  if (!VERSIONS.includes(version)) throw broken(where, `is of version ${version}, and 3 to 6 are known`);
  for (const name of bytesOf(message, "symbols")) symbols.add(utf8(name, where), where);
  const reader = { symbols, where };
  return {
    facts: bytesOf(message, "facts").map((fact) =>
      readPredicate(only(fact, SHAPES.fact, "predicate", reader), reader),
    ),
    rules: bytesOf(message, "rules").map((rule) => readRule(rule, reader)),
    checks: bytesOf(message, "checks").map((check) => readCheck(check, reader)),
    scopes: readScopes(message, reader),
  };
}

function readCheck(bytes: Uint8Array, reader: Reader): Check {
  const message = readMessage(bytes, SHAPES.check, reader.where);
  const kind = KINDS[numberOf(message, "kind")];
  if (kind === undefined) throw broken(reader.where, "has a check of a kind that is not known");
  return { kind, queries: bytesOf(message, "queries").map((query) => readRule(query, reader)) };
}

function readRule(bytes: Uint8Array, reader: Reader): Rule {
  const message = readMessage(bytes, SHAPES.rule, reader.where);
  return {
    head: readPredicate(bytesOf(message, "head")[0]!, reader),
    body: bytesOf(message, "body").map((predicate) => readPredicate(predicate, reader)),
    expressions: bytesOf(message, "expressions").map((expression) => readExpression(expression, reader)),
    scopes: readScopes(message, reader),
  };
}

function readPredicate(bytes: Uint8Array, reader: Reader): Predicate {
  const message = readMessage(bytes, SHAPES.predicate, reader.where);
  return {
    name: symbolAt(reader.symbols, numberOf(message, "name"), reader.where),
    terms: bytesOf(message, "terms").map((term) => readTerm(term, reader, 0)),
  };
}

function readTerm(bytes: Uint8Array, reader: Reader, depth: number): Term {
  const { symbols, where } = reader;
  if (depth > MAX_NESTING) throw broken(where, `has more than ${MAX_NESTING} terms inside of each other`);
  const { name, value } = readOneOf(bytes, SHAPES.term, where);
  const inner = (shape: Shape, list: string): readonly Uint8Array[] =>
    bytesOf(readMessage(value as Uint8Array, shape, where), list);
  const all = (shape: Shape): readonly Term[] =>
    inner(shape, "terms").map((term) => readTerm(term, reader, depth + 1));
  switch (name) {
    case "variable":
      return { kind: "variable", name: symbolAt(symbols, Number(value), where) };
    case "integer":
      return { kind: "integer", value: BigInt.asIntN(64, value as bigint) };
    case "string":
      return { kind: "string", text: symbolAt(symbols, Number(value), where) };
    case "date":
      return { kind: "date", seconds: value as bigint };
    case "bytes":
      return { kind: "bytes", hex: Buffer.from(value as Uint8Array).toString("hex") };
    case "bool":
      return { kind: "bool", value: value !== 0n };
    case "set":
    case "array":
      return { kind: name, terms: all(SHAPES.terms) };
    case "map":
      return {
        kind: "map",
        entries: inner(SHAPES.map, "entries").map((entry) => {
          const pair = readMessage(entry, SHAPES.mapEntry, where);
          const [key, held] = [bytesOf(pair, "key")[0]!, bytesOf(pair, "value")[0]!];
          return [readMapKey(key, reader), readTerm(held, reader, depth + 1)] as const;
        }),
      };
    default:
      return { kind: "null" };
  }
}

function readMapKey(bytes: Uint8Array, { symbols, where }: Reader): Term {
  const { name, value } = readOneOf(bytes, SHAPES.mapKey, where);
  return name === "integer"
    ? { kind: "integer", value: BigInt.asIntN(64, value as bigint) }
    : { kind: "string", text: symbolAt(symbols, Number(value), where) };
}

function readExpression(bytes: Uint8Array, reader: Reader): Expression {
  const ops = bytesOf(readMessage(bytes, SHAPES.ops, reader.where), "ops");
  return buildExpression(
    ops.map((op) => readOp(op, reader, 0)),
    reader.where,
  );
}

function readOp(bytes: Uint8Array, reader: Reader, depth: number): Op {
  const { symbols, where } = reader;
  if (depth > MAX_NESTING) throw broken(where, `has more than ${MAX_NESTING} closures inside of each other`);
  const { name, value } = readOneOf(bytes, SHAPES.op, where);
  const content = value as Uint8Array;
  if (name === "value")
    return { kind: "expression", expression: { kind: "term", term: readTerm(content, reader, 0) } };
  if (name === "closure") {
    const closure = readMessage(content, SHAPES.closure, where);
    const body = bytesOf(closure, "ops").map((op) => readOp(op, reader, depth + 1));
    const params = (closure["params"] as readonly bigint[]).map((id) => symbolAt(symbols, Number(id), where));
    return {
      kind: "expression",
      expression: { kind: "closure", params, body: buildExpression(body, where) },
    };
  }
  const operation = readMessage(content, SHAPES.operation, where);
  const [foreign] = operation["ffiName"] as readonly bigint[];
  return {
    kind: name as "unary" | "binary",
    number: numberOf(operation, "kind"),
    foreign: foreign === undefined ? null : symbolAt(symbols, Number(foreign), where),
  };
}

function readScopes(message: Message, { where }: Reader): readonly string[] {
  return bytesOf(message, "scope").map((scope) => {
    const { name, value } = readOneOf(scope, SHAPES.scope, where);
    if (name === "publicKey") return `key ${value}`;
    return value === 0n ? "authority" : value === 1n ? "previous" : `scope ${value}`;
  });
}

function only(bytes: Uint8Array, shape: Shape, name: string, { where }: Reader): Uint8Array {
  return bytesOf(readMessage(bytes, shape, where), name)[0]!;
}
