/** The Datalog of one block, as it stands there. */
export type Block = {
  readonly facts: readonly Predicate[];
  readonly rules: readonly Rule[];
  readonly checks: readonly Check[];
  /** Whom the whole block trusts, as text. */
  readonly scopes: readonly string[];
};

export type Check = { readonly kind: "if" | "all" | "reject"; readonly queries: readonly Rule[] };

/** Of a query the head means nothing. */
export type Rule = {
  readonly head: Predicate;
  readonly body: readonly Predicate[];
  readonly expressions: readonly Expression[];
  readonly scopes: readonly string[];
};

export type Predicate = { readonly name: string; readonly terms: readonly Term[] };

export type Term =
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "integer"; readonly value: bigint }
  /** Seconds since 1970. */
  | { readonly kind: "date"; readonly seconds: bigint }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "bytes"; readonly hex: string }
  | { readonly kind: "null" }
  | { readonly kind: "set" | "array"; readonly terms: readonly Term[] }
  | { readonly kind: "map"; readonly entries: readonly (readonly [Term, Term])[] };

export type Expression =
  | { readonly kind: "term"; readonly term: Term }
  | { readonly kind: "unary"; readonly op: string; readonly of: Expression }
  | { readonly kind: "binary"; readonly op: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "closure"; readonly params: readonly string[]; readonly body: Expression };
