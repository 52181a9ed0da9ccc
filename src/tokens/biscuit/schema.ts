import type { Shape } from "./protobuf.ts";

type Message =
  | "block"
  | "scope"
  | "fact"
  | "rule"
  | "check"
  | "predicate"
  | "term"
  | "terms"
  | "map"
  | "mapEntry"
  | "mapKey"
  | "ops"
  | "op"
  | "operation"
  | "closure";

/** The messages inside of a block (schema.proto of eclipse-biscuit/biscuit). */
export const SHAPES: { readonly [message in Message]: Shape } = {
  block: {
    1: ["symbols", "bytes", "many"],
    2: ["context", "bytes", "maybe"],
    3: ["version", "varint", "one"],
    4: ["facts", "bytes", "many"],
    5: ["rules", "bytes", "many"],
    6: ["checks", "bytes", "many"],
    7: ["scope", "bytes", "many"],
    8: ["publicKeys", "bytes", "many"],
  },
  scope: { 1: ["scopeType", "varint", "maybe"], 2: ["publicKey", "varint", "maybe"] },
  fact: { 1: ["predicate", "bytes", "one"] },
  rule: {
    1: ["head", "bytes", "one"],
    2: ["body", "bytes", "many"],
    3: ["expressions", "bytes", "many"],
    4: ["scope", "bytes", "many"],
  },
  check: { 1: ["queries", "bytes", "many"], 2: ["kind", "varint", "maybe"] },
  predicate: { 1: ["name", "varint", "one"], 2: ["terms", "bytes", "many"] },
  term: {
    1: ["variable", "varint", "maybe"],
    2: ["integer", "varint", "maybe"],
    3: ["string", "varint", "maybe"],
    4: ["date", "varint", "maybe"],
    5: ["bytes", "bytes", "maybe"],
    6: ["bool", "varint", "maybe"],
    7: ["set", "bytes", "maybe"],
    8: ["null", "bytes", "maybe"],
    9: ["array", "bytes", "maybe"],
    10: ["map", "bytes", "maybe"],
  },
  terms: { 1: ["terms", "bytes", "many"] },
  map: { 1: ["entries", "bytes", "many"] },
  mapEntry: { 1: ["key", "bytes", "one"], 2: ["value", "bytes", "one"] },
  mapKey: { 1: ["integer", "varint", "maybe"], 2: ["string", "varint", "maybe"] },
  ops: { 1: ["ops", "bytes", "many"] },
  op: {
    1: ["value", "bytes", "maybe"],
    2: ["unary", "bytes", "maybe"],
    3: ["binary", "bytes", "maybe"],
    4: ["closure", "bytes", "maybe"],
  },
  operation: { 1: ["kind", "varint", "one"], 2: ["ffiName", "varint", "maybe"] },
  closure: { 1: ["params", "varint", "many"], 2: ["ops", "bytes", "many"] },
};

/** By their numbers. Those that begin with a letter are written as methods. */
export const UNARY: readonly string[] = ["!", "(", "length", "type", "extern"];
export const BINARY: readonly string[] = [
  "<",
  ">",
  "<=",
  ">=",
  "===",
  "contains",
  "starts_with",
  "ends_with",
  "matches",
  "+",
  "-",
  "*",
  "/",
  "&&!",
  "||!",
  "intersection",
  "union",
  "&",
  "|",
  "^",
  "!==",
  "==",
  "!=",
  "&&",
  "||",
  "all",
  "any",
  "get",
  "extern",
  "try_or",
];
