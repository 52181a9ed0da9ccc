/** Whether one capability is within another. The first field that is wider is named as tokens write it, such as `actions[1].max_size`. */
export type Proof =
  | { readonly kind: "within" }
  | { readonly kind: "wider"; readonly field: string; readonly problem: string; readonly remedy: string };

export const WITHIN: Proof = { kind: "within" };

export function wider(field: string, problem: string, remedy: string): Proof {
  return { kind: "wider", field, problem, remedy };
}
