/** The policies of one Cedar file that Cedar itself is asked by while a run goes on. Pure. */
import { isFields } from "../profile_fields.ts";
import type { AskedAction } from "./compile.ts";
import type { PlacedPolicy } from "./lint.ts";

export type AskedOfCedar = {
  /** "managed", "user", "project" or "profile". */
  readonly whose: string;
  readonly file: string;
  /** SHA-256 of its text, hex. */
  readonly digest: string;
  readonly policies: Readonly<Record<AskedAction, readonly IndexedPolicy[]>>;
};

/** A policy with its number in the file. */
export type IndexedPolicy = PlacedPolicy & { readonly index: number };

/** The name of a policy in rules and records: its @id without what is no plain character, or its number. */
export function policyName({ json, index }: IndexedPolicy): string {
  const id = json.annotations?.["id"];
  if (id === undefined || id === null || id === "") return `policy-${index + 1}`;
  return id.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 64);
}

/** Whether an answer by these holds for its minute alone. */
export function readsTime(policies: readonly IndexedPolicy[]): boolean {
  return policies.some(({ json }) => json.conditions.some(({ body }) => readsMore(body)));
}

/** Whether they ask for what a file is. */
export function readsDigest(policies: readonly IndexedPolicy[]): boolean {
  return policies.some(({ json }) => json.conditions.some(({ body }) => namesAttribute(body, "sha256")));
}

const LASTING = ["run", "uid"];

/** Says whether the context is read, but for what stays as it is while the run lasts. */
function readsMore(expression: unknown): boolean {
  if (Array.isArray(expression)) return expression.some(readsMore);
  if (!isFields(expression)) return false;
  if (expression["Var"] === "context") return true;
  return Object.entries(expression).some(([op, inner]) => {
    const isLasting =
      (op === "." || op === "has") &&
      isFields(inner) &&
      isFields(inner["left"]) &&
      inner["left"]["Var"] === "context" &&
      LASTING.includes(String(inner["attr"]));
    return !isLasting && readsMore(inner);
  });
}

function namesAttribute(expression: unknown, name: string): boolean {
  if (Array.isArray(expression)) return expression.some((one) => namesAttribute(one, name));
  if (!isFields(expression)) return false;
  return Object.entries(expression).some(
    ([key, inner]) => (key === "attr" && inner === name) || namesAttribute(inner, name),
  );
}
