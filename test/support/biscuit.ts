import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Block, Expression, Predicate, Rule, Term } from "../../src/tokens/biscuit/datalog.ts";
import { BINARY, UNARY } from "../../src/tokens/biscuit/schema.ts";
import { type Refusal, TokenRefused } from "../../src/tokens/refusal.ts";

/** Makes Biscuits of version 3, right ones and others: the other half of src/tokens/biscuit, written from the specification. */

export type Ends = "open" | "sealed";
export type Key = {
  readonly secret: KeyObject;
  readonly seed: Buffer;
  readonly bytes: Buffer;
  readonly text: string;
};

export function newBiscuitKey(): Key {
  const { privateKey: secret, publicKey } = generateKeyPairSync("ed25519");
  const bytes = Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url");
  const seed = Buffer.from(secret.export({ format: "jwk" }).d!, "base64url");
  return { secret, seed, bytes, text: `ed25519/${bytes.toString("hex")}` };
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  for (let left = BigInt.asUintN(64, BigInt(value)); ; left >>= 7n) {
    if (left < 0x80n) return Buffer.from([...bytes, Number(left)]);
    bytes.push(Number(left & 0x7fn) | 0x80);
  }
}
export const num = (field: number, value: number | bigint): Buffer =>
  Buffer.concat([varint(field << 3), varint(value)]);
export const len = (field: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
};

export type Signed = {
  readonly data: Buffer;
  readonly key: Key;
  readonly next: Key;
  readonly signature: Buffer;
  readonly bytes: Buffer;
};

/** One signed block. `version` is that of what is signed. */
export function signBlock(data: Buffer, key: Key, next: Key, version: number, before: Buffer | null): Signed {
  const number = Buffer.alloc(4);
  number.writeUInt32LE(version);
  const named = (name: string, bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`\0${name}\0`), bytes]);
  const over =
    version === 0
      ? Buffer.concat([data, Buffer.alloc(4), next.bytes])
      : Buffer.concat([
          named("BLOCK", Buffer.alloc(0)),
          named("VERSION", number),
          named("PAYLOAD", data),
          named("ALGORITHM", Buffer.alloc(4)),
          named("NEXTKEY", next.bytes),
          ...(before === null ? [] : [named("PREVSIG", before)]),
        ]);
  const signature = sign(null, over, key.secret);
  return { data, key, next, signature, bytes: signedBytes(data, next, signature, version) };
}

export function signedBytes(
  data: Buffer,
  next: Key,
  signature: Buffer,
  version: number,
  ...more: Buffer[]
): Buffer {
  const head = [len(1, data), len(2, num(1, 0), len(2, next.bytes)), len(3, signature)];
  return Buffer.concat([...head, ...more, ...(version === 0 ? [] : [num(5, version)])]);
}

export function signAll(root: Key, data: readonly Buffer[], version = 1): readonly Signed[] {
  const signed: Signed[] = [];
  for (const block of data) {
    const before = signed.at(-1);
    signed.push(signBlock(block, before?.next ?? root, newBiscuitKey(), version, before?.signature ?? null));
  }
  return signed;
}

export function seal({ data, next, signature }: Signed): Buffer {
  return len(
    4,
    len(2, sign(null, Buffer.concat([data, Buffer.alloc(4), next.bytes, signature]), next.secret)),
  );
}
export const open = ({ next }: Signed): Buffer => len(4, len(1, next.seed));

export function assemble(blocks: readonly Buffer[], proof: Buffer): Buffer {
  return Buffer.concat([...blocks.map((block, at) => len(at === 0 ? 2 : 3, block)), proof]);
}

/** A right one. */
export function biscuit(
  root: Key,
  blocks: readonly Partial<Block>[],
  ends: Ends = "open",
  version = 1,
): Buffer {
  const signed = signAll(root, encodeBlocks(blocks), version);
  const last = signed.at(-1)!;
  return assemble(
    signed.map(({ bytes }) => bytes),
    ends === "open" ? open(last) : seal(last),
  );
}

/** Those of the names that everybody has which are used here, at their numbers. */
const DEFAULT = ["read", "write", "resource", "operation", "right", "time"];
for (const [at, name] of Object.entries({ 10: "user", 13: "admin", 17: "ip_address", 27: "query" }))
  DEFAULT[Number(at)] = name;

export function encodeBlocks(blocks: readonly Partial<Block>[]): readonly Buffer[] {
  const known: string[] = [];
  return blocks.map((block) => {
    const first = known.length;
    const body = encodeBody(block, (name) => {
      const index = DEFAULT.indexOf(name);
      if (index >= 0) return index;
      if (!known.includes(name)) known.push(name);
      return 1024 + known.indexOf(name);
    });
    return Buffer.concat([
      ...known.slice(first).map((name) => len(1, Buffer.from(name))),
      num(3, 6),
      ...body,
    ]);
  });
}

type Intern = (name: string) => number;

function encodeBody(
  { facts = [], rules = [], checks = [], scopes = [] }: Partial<Block>,
  intern: Intern,
): readonly Buffer[] {
  const kinds = ["if", "all", "reject"];
  return [
    ...facts.map((fact) => len(4, len(1, predicateBytes(fact, intern)))),
    ...rules.map((rule) => len(5, ruleBytes(rule, intern))),
    ...checks.map(({ kind, queries }) =>
      len(6, ...queries.map((query) => len(1, ruleBytes(query, intern))), num(2, kinds.indexOf(kind))),
    ),
    ...scopes.map((scope) => len(7, num(1, scope === "authority" ? 0 : 1))),
  ];
}

function ruleBytes({ head, body, expressions, scopes }: Rule, intern: Intern): Buffer {
  return Buffer.concat([
    len(1, predicateBytes(head, intern)),
    ...body.map((predicate) => len(2, predicateBytes(predicate, intern))),
    ...expressions.map((expression) => len(3, ...opsOf(expression, intern))),
    ...scopes.map((scope) => len(4, num(1, scope === "authority" ? 0 : 1))),
  ]);
}

function predicateBytes({ name, terms }: Predicate, intern: Intern): Buffer {
  return Buffer.concat([num(1, intern(name)), ...terms.map((term) => len(2, termBytes(term, intern)))]);
}

function termBytes(term: Term, intern: Intern): Buffer {
  switch (term.kind) {
    case "variable":
      return num(1, intern(term.name));
    case "integer":
      return num(2, term.value);
    case "string":
      return num(3, intern(term.text));
    case "date":
      return num(4, term.seconds);
    case "bytes":
      return len(5, Buffer.from(term.hex, "hex"));
    case "bool":
      return num(6, Number(term.value));
    case "set":
      return len(7, ...term.terms.map((inner) => len(1, termBytes(inner, intern))));
    case "null":
      return len(8);
    case "array":
      return len(9, ...term.terms.map((inner) => len(1, termBytes(inner, intern))));
    case "map":
      throw new Error("no map is made here");
  }
}

function opsOf(expression: Expression, intern: Intern): readonly Buffer[] {
  switch (expression.kind) {
    case "term":
      return [len(1, len(1, termBytes(expression.term, intern)))];
    case "unary":
      return [...opsOf(expression.of, intern), len(1, len(2, num(1, UNARY.indexOf(expression.op))))];
    case "binary":
      return [
        ...opsOf(expression.left, intern),
        ...opsOf(expression.right, intern),
        len(1, len(3, num(1, BINARY.indexOf(expression.op)))),
      ];
    case "closure": {
      const params = expression.params.map((name) => num(1, intern(name)));
      const inner = opsOf(expression.body, intern);
      return [
        len(
          1,
          len(4, ...params, ...inner.map((op) => Buffer.concat([varint((2 << 3) | 2), op.subarray(1)]))),
        ),
      ];
    }
  }
}

/** Short words for Datalog. */
export const text = (value: string): Term => ({ kind: "string", text: value });
export const named = (name: string): Term => ({ kind: "variable", name });
export const date = (ms: number): Term => ({ kind: "date", seconds: BigInt(Math.floor(ms / 1000)) });
export const setOf = (...values: readonly string[]): Term => ({ kind: "set", terms: values.map(text) });
export const pred = (name: string, ...terms: readonly (string | Term)[]): Predicate => ({
  name,
  terms: terms.map((term) => (typeof term === "string" ? text(term) : term)),
});
export const term = (of: Term): Expression => ({ kind: "term", term: of });
export const op = (left: Term | Expression, name: string, right: Term | Expression): Expression => {
  const side = (of: Term | Expression): Expression => (isExpression(of) ? of : term(of));
  return { kind: "binary", op: name, left: side(left), right: side(right) };
};
export const query = (body: readonly Predicate[], ...expressions: readonly Expression[]): Rule => ({
  head: pred("query"),
  body,
  expressions,
  scopes: [],
});
export const checkIf = (...queries: readonly Rule[]): Block["checks"][number] => ({ kind: "if", queries });

function isExpression(of: Term | Expression): of is Expression {
  return ["term", "unary", "binary", "closure"].includes(of.kind);
}

/** Why it is refused. Throws when it is taken. */
export function refusalOf(read: () => unknown): Refusal {
  try {
    read();
  } catch (error) {
    if (error instanceof TokenRefused) return error.refusal;
    throw error;
  }
  throw new Error("it was taken");
}
