import { RIGHT, rightNames } from "../policy/rights.ts";
import type { Denial, Op } from "../protocol/message.ts";

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
export type AnyDenial = Omit<Denial, "op"> & { readonly op: Op | "accept" };

/** Makes what a denied caller and the person are told. `missing` is the set of rights that no rule grants. */
export function denialOf(
  op: Op,
  path: string,
  rule: { readonly id: string; readonly reason: string; readonly remedy?: string | undefined } | null,
  missing: number,
  profile: string,
): Denial {
  const rights = rightNames(missing);
  const flag = grantFlag(missing);
  if (rule !== null) {
    return { op, path, rule: rule.id, reason: rule.reason, nextSteps: rule.remedy ? [rule.remedy] : [] };
  }
  return {
    op,
    path,
    rule: "default-deny",
    reason: `no rule of profile "${profile}" grants ${rights.join(", ")} here`,
    nextSteps: [`sallyport run ${flag} ${shellWord(path)} …`],
  };
}

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
