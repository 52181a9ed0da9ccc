/** What one policy grants and denies that another does not. Proven by subsumption: what can not be shown to be covered is named. */
import { hostWithin } from "../layers/hosts.ts";
import { isWithinPatterns } from "../lint/stand_in.ts";
import { parseNetworkGrant } from "../network.ts";
import type { ProfileRule, ResolvedProfile } from "../profile.ts";
import { RIGHT, type RightName, rightNames } from "../rights.ts";

export type Change = {
  readonly kind: "grants" | "denies" | "host" | "field";
  readonly side: "appears" | "disappears" | "changes";
  /** Of grants and denies. */
  readonly rights: readonly RightName[];
  /** The pattern, the host, or the name of the field with both values. */
  readonly what: string;
  readonly rule: string;
};

const FIELDS = ["enforcement", "mediation", "reads", "syscalls", "memfd", "unixSockets", "undo"] as const;
const STRUCTURES = [
  "execution",
  "sshKeys",
  "environment",
  "linuxCapabilities",
  "limits",
  "rlimits",
  "undoLimits",
  "fileLimits",
] as const;

export function differencesOf(before: ResolvedProfile, after: ResolvedProfile): Change[] {
  const changes: Change[] = [];
  for (const effect of ["allow", "deny"] as const) {
    changes.push(...beyond(after, before, effect, "appears"), ...beyond(before, after, effect, "disappears"));
  }
  changes.push(...hostsBeyond(after, before, "appears"), ...hostsBeyond(before, after, "disappears"));
  for (const field of [...FIELDS, ...STRUCTURES]) {
    const [left, right] = [JSON.stringify(before[field]), JSON.stringify(after[field])];
    if (left !== right)
      changes.push({
        kind: "field",
        side: "changes",
        rights: [],
        what: `${field}: ${left} → ${right}`,
        rule: "",
      });
  }
  return changes;
}

/** Patterns of `one` that no rule of `other` with the same effect covers. */
function beyond(
  one: ResolvedProfile,
  other: ResolvedProfile,
  effect: "allow" | "deny",
  side: Change["side"],
): Change[] {
  const found: Change[] = [];
  const covering = (right: RightName): ProfileRule[] =>
    other.rules.filter((rule) => rule.effect === effect && (rule.rights & RIGHT[right]) !== 0);
  for (const rule of one.rules) {
    if (rule.effect !== effect) continue;
    for (const pattern of rule.patterns) {
      const rights = rightNames(rule.rights).filter((right) => {
        const patterns = covering(right).flatMap((wide) =>
          coversExceptions(wide, rule) ? wide.patterns : [],
        );
        return !isWithinPatterns(pattern, patterns);
      });
      if (rights.length > 0)
        found.push({
          kind: effect === "allow" ? "grants" : "denies",
          side,
          rights,
          what: pattern,
          rule: rule.id,
        });
    }
  }
  return found;
}

/** What the wide rule leaves alone must be left alone by the narrow one too. */
function coversExceptions(wide: ProfileRule, narrow: ProfileRule): boolean {
  return wide.except.every((pattern) => isWithinPatterns(pattern, narrow.except));
}

function hostsBeyond(one: ResolvedProfile, other: ResolvedProfile, side: Change["side"]): Change[] {
  const wide = other.network.allow.map(parseNetworkGrant).filter((grant) => grant !== null);
  return one.network.allow
    .filter((text) => !hostWithin(parseNetworkGrant(text)!, wide))
    .map((text) => ({ kind: "host", side, rights: [], what: text, rule: "network.allow" }));
}
