/** What is wrong with a data file: where, what, and the way out. One line for a person is made of it. */
export type Problem = {
  /** Path of the field, such as `rules[2].paths[0]`; "" is the whole file. */
  readonly field: string;
  readonly problem: string;
  readonly remedy: string;
};

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** `field "rules[2].effect" is "maybe": write "allow" or "deny"`. */
export function formatProblem({ field, problem, remedy }: Problem): string {
  return `${field === "" ? "the file" : `field "${field}"`} ${problem}: ${remedy}`;
}
