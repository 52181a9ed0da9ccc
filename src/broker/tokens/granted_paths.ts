import { compilePolicy, type Policy } from "../../policy/decide.ts";
import type { Action, Grant, TimeWindow } from "../../policy/capability/capability.ts";
import { ALL_RIGHTS, RIGHT } from "../../policy/rights.ts";
import type { Rule } from "../../policy/rule.ts";
import { matchPath } from "../../policy/trie.ts";
import type { FileLimits } from "../../policy/profile.ts";

const LOOK = RIGHT.read | RIGHT.stat;

/**
 * The rights that an action stands for. A rename takes a name away in one place and makes one in another, so both places need it;
 * `append` stands for none: a program may take O_APPEND off a descriptor that it holds.
 */
const RIGHTS: Readonly<Record<Action, number>> = {
  read: LOOK,
  write: RIGHT.write | RIGHT.stat,
  append: 0,
  create: RIGHT.create | RIGHT.stat,
  delete: RIGHT.delete | RIGHT.stat,
  rename: RIGHT.delete | RIGHT.create | RIGHT.write | RIGHT.stat,
  list: RIGHT.list | RIGHT.stat,
  stat: RIGHT.stat,
  metadata: RIGHT.metadata | RIGHT.stat,
  exec: RIGHT.execute | LOOK,
  connect: RIGHT.connect | RIGHT.stat,
  listen: RIGHT.create | RIGHT.stat,
};

type Part = {
  readonly policy: Policy;
  /** null: at any time. */
  readonly window: TimeWindow | null;
  /** null: files of any size and type. */
  readonly limits: FileLimits | null;
  /** "rename": only for a rename. */
  readonly only: "any" | "rename";
};

/** What the grants of one capability on paths come to, ready to be asked. Shared by all sessions with equal grants. */
export class GrantedPaths {
  readonly #parts: readonly Part[];

  constructor(grants: readonly Grant[]) {
    const parts = new Map<string, { part: Omit<Part, "policy">; rules: Rule[] }>();
    for (const grant of grants) {
      if (grant.target.kind !== "path" || RIGHTS[grant.action] === 0) continue;
      const part = { window: grant.window ?? null, limits: limitsOf(grant), only: onlyFor(grant.action) };
      const key = JSON.stringify(part);
      const known = parts.get(key) ?? { part, rules: [] };
      parts.set(key, known);
      known.rules.push({
        id: "capability",
        effect: "allow",
        rights: RIGHTS[grant.action],
        pattern: grant.target.pattern,
        reason: "",
      });
    }
    this.#parts = [...parts.values()].map(({ part, rules }) => ({
      ...part,
      policy: compilePolicy("capability", rules),
    }));
  }

  /** The rights that it gives on a path at a time. */
  rights(path: string, use: "any" | "rename", wallMs: number): number {
    let rights = 0;
    for (const part of this.#parts) if (isOpen(part, use, wallMs)) rights |= rightsIn(part.policy, path);
    return rights;
  }

  /**
   * What a file must be that is used with any of `rights` at the path: one of these. An empty list: anything. Grants that hold at the
   * same place are alternatives.
   */
  limits(path: string, rights: number, use: "any" | "rename", wallMs: number): readonly FileLimits[] {
    const found: FileLimits[] = [];
    for (const part of this.#parts) {
      if (!isOpen(part, use, wallMs) || (rightsIn(part.policy, path) & rights) === 0) continue;
      if (part.limits === null) return [];
      found.push(part.limits);
    }
    return found;
  }

  /** Whether some grant limits what files may be. */
  get limitsFiles(): boolean {
    return this.#parts.some(({ limits }) => limits !== null);
  }
}

function rightsIn(policy: Policy, path: string): number {
  const masks = matchPath(policy.compiled, path);
  return masks < 0 ? 0 : masks & ALL_RIGHTS;
}

function isOpen(part: Part, use: "any" | "rename", wallMs: number): boolean {
  return (part.only === "any" || part.only === use) && (part.window === null || isWithin(part.window, wallMs));
}

/** A window that goes over midnight belongs to the day on which it began. */
export function isWithin({ days, fromMinute, toMinute }: TimeWindow, wallMs: number): boolean {
  const minutes = Math.floor(wallMs / 60_000);
  const minute = minutes % 1440;
  // The epoch was a Thursday.
  const day = (Math.floor(minutes / 1440) + 4) % 7;
  if (fromMinute < toMinute) return days.includes(day) && minute >= fromMinute && minute < toMinute;
  return (days.includes(day) && minute >= fromMinute) || (days.includes((day + 6) % 7) && minute < toMinute);
}

function onlyFor(action: Action): "any" | "rename" {
  return action === "rename" ? "rename" : "any";
}

function limitsOf({ maxSizeBytes, mimeTypes }: Grant): FileLimits | null {
  if (maxSizeBytes === undefined && (mimeTypes === undefined || mimeTypes.length === 0)) return null;
  return { maxBytes: maxSizeBytes ?? null, maxFiles: null, mimeTypes: mimeTypes ?? [] };
}

const shared = new Map<string, WeakRef<GrantedPaths>>();
const gone = new FinalizationRegistry<string>((key) => {
  if (shared.get(key)?.deref() === undefined) shared.delete(key);
});

/** The same object for equal grants, as long as a session has it: ten thousand sub-agents of one kind share one table. */
export function grantedPaths(grants: readonly Grant[]): GrantedPaths {
  const key = JSON.stringify(grants);
  const known = shared.get(key)?.deref();
  if (known !== undefined) return known;
  const made = new GrantedPaths(grants);
  shared.set(key, new WeakRef(made));
  gone.register(made, key);
  return made;
}
