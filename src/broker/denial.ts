import { allowedRoots } from "../policy/allowed_roots.ts";
import type { Policy } from "../policy/decide.ts";
import { RIGHT, rightNames } from "../policy/rights.ts";
import type { Denial, DenialLayer, Op } from "../protocol/message.ts";
import type { RefusingRule } from "./judgement.ts";

// Controls, formats (bidirectional, zero-width, tags), line ends and lone surrogates: a file name must not be able to rewrite the
// line that reports it.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Shows text from outside on a terminal: what does not print is escaped. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

/** The same for a message whose further lines are indented: none begins as a message does. */
export function printableMessage(text: string): string {
  return text.split("\n  ").map(printable).join("\n  ");
}

/** A denial as records and reports have it: of a request, or of the network. */
export type AnyDenial = Omit<Denial, "op"> & { readonly op: AnyOp };
export type AnyOp = Op | "accept";

/**
 * Makes what a denied caller, the person and who asks `sallyport why` are told. `missing` is the set of rights that were denied or
 * that no rule grants; `rule` is null for the latter.
 */
export function denialOf(
  op: Op,
  path: string,
  rule: RefusingRule | null,
  missing: number,
  policy: Policy,
): Denial {
  if (rule !== null) return { ...refusal(op, path, rule), allowedRoots: allowedRoots(policy, missing, path) };
  return {
    ...refusal(op, path, {
      id: "default-deny",
      reason: `no rule of profile "${policy.name}" grants ${rightNames(missing).join(", ")} here`,
      remedy: `sallyport run ${grantFlag(missing)} ${shellWord(path)} …`,
    }),
    allowedRoots: allowedRoots(policy, missing, path),
  };
}

/** A refusal that no directory has to do with. It stands until something is changed, unless its rule says for how long. */
export function refusal<Of extends AnyOp>(
  op: Of,
  path: string,
  { id, reason, remedy, retryAfterMs = null }: RefusingRule,
): Omit<Denial, "op"> & { readonly op: Of } {
  return {
    op,
    path,
    rule: id,
    reason,
    nextSteps: remedy ? [remedy] : [],
    layer: layerOf(op, id),
    allowedRoots: [],
    retry: retryAfterMs === null ? "never" : "later",
    retryAfterMs: retryAfterMs === null ? null : Math.ceil(retryAfterMs),
  };
}

/** By the first word of a rule's name; what no other layer claims is a rule of the profile. */
function layerOf(op: string, rule: string): DenialLayer {
  if (op === "refused") return "surface";
  return LAYERS[rule.slice(0, Math.max(rule.indexOf("."), 0))] ?? "profile";
}

const LAYERS: Readonly<Record<string, DenialLayer>> = {
  secrets: "protected",
  protected: "protected",
  sockets: "protected",
  process: "protected",
  undo: "limit",
  files: "limit",
  limit: "limit",
  session: "capability",
  token: "capability",
  breaker: "breaker",
  capability: "capability",
  execution: "execution",
  network: "network",
  policy: "policy",
};

/** The option of `sallyport run` that grants such rights. */
export function grantFlag(rights: number): "--read" | "--write" | "--socket" {
  if ((rights & RIGHT.connect) !== 0) return "--socket";
  return (rights & ~(RIGHT.read | RIGHT.list | RIGHT.stat)) === 0 ? "--read" : "--write";
}

/** One line for a person: what, which rule, what to do next. */
export function denialLine(denial: AnyDenial): string {
  const next =
    denial.nextSteps.length > 0 ? ` · to allow: ${denial.nextSteps.map(printable).join(" or ")}` : "";
  const what = denial.op === "refused" ? "" : `${denial.op} `;
  return `denied: ${what}${printable(denial.path)} — ${printable(denial.reason)} (rule ${denial.rule})${next}`;
}

function shellWord(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
