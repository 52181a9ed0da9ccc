/**
 * What a verification finds: "checkpoint" and "head" are bad signed notes, "entry" a record that is not what was signed, "tile"
 * a stored hash that is not, "missing" and "extra" files, "cut" a log shorter than a signed head, "rewritten" one that differs from
 * it, "order" a broken rule between records, "segment" bytes that no append leaves.
 */
export type ProblemKind =
  | "checkpoint"
  | "head"
  | "entry"
  | "tile"
  | "missing"
  | "extra"
  | "cut"
  | "rewritten"
  | "order"
  | "segment";

/** `file` is below the log folder; `index` is a leaf; `offset` counts bytes in `file`. */
export type Problem = {
  readonly kind: ProblemKind;
  readonly file: string;
  readonly index?: number;
  readonly offset?: number;
  readonly detail: string;
};

export type Report = (problem: Problem) => void;
