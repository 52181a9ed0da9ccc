import { isFields } from "../profile_fields.ts";

/** What a policy point says, or all of them together. */
export type PointVerdict =
  | { readonly kind: "allow"; readonly maxLifetimeSeconds: number | null; readonly redact: readonly string[] }
  | { readonly kind: "deny"; readonly reason: string };

const MAX_REDACT = 64;
const MAX_REASON = 300;
const KNOWN = ["allow", "deny", "max_ttl", "redact"];

/** {allow, deny?, max_ttl?, redact?} of a Rego policy. What is not understood is a denial: an obligation may be in it. */
export function parseObligations(value: unknown): PointVerdict {
  if (!isFields(value)) return no("its result is no object");
  const unknown = Object.keys(value).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) return no(`its result has the unknown obligation "${unknown.slice(0, 64)}"`);
  const { allow, deny = [], max_ttl: ttl = null, redact = [] } = value;
  if (typeof allow !== "boolean") return no("its result has no truth value allow");
  if (!isTexts(deny) || !isTexts(redact)) return no("deny and redact of its result are no lists of texts");
  if (ttl !== null && !(Number.isSafeInteger(ttl) && (ttl as number) > 0))
    return no("max_ttl of its result is no number of seconds");
  if (deny.length > 0) return no(deny.join("; "));
  if (!allow) return no("it does not allow it");
  return { kind: "allow", maxLifetimeSeconds: ttl as number | null, redact };
}

/** A response of the AuthZEN Authorization API 1.0: {decision, context?}. Obligations are looked for in context.obligations. */
export function parseAuthzen(value: unknown): PointVerdict {
  if (!isFields(value) || typeof value["decision"] !== "boolean")
    return no("its answer has no truth value decision");
  const { context } = value;
  if (context !== undefined && !isFields(context)) return no("the context of its answer is no object");
  if (value["decision"] === false) {
    const reason = isFields(context) ? context["reason"] : undefined;
    return no(typeof reason === "string" ? reason : "it does not allow it");
  }
  const obligations = isFields(context) ? (context["obligations"] ?? {}) : {};
  return isFields(obligations)
    ? parseObligations({ ...obligations, allow: true })
    : no("the obligations of its answer are no object");
}

/** Both must allow; the shorter lifetime and all redactions hold. */
export function bothOf(a: PointVerdict, b: PointVerdict): PointVerdict {
  if (a.kind === "deny") return a;
  if (b.kind === "deny") return b;
  const lifetimes = [a.maxLifetimeSeconds, b.maxLifetimeSeconds].filter((one) => one !== null);
  return {
    kind: "allow",
    maxLifetimeSeconds: lifetimes.length === 0 ? null : Math.min(...lifetimes),
    redact: [...new Set([...a.redact, ...b.redact])],
  };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_REDACT && value.every((one) => typeof one === "string");
}

function no(reason: string): PointVerdict {
  return { kind: "deny", reason: reason.slice(0, MAX_REASON) };
}
