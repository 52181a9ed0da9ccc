import type { Platform } from "../platform/platform.ts";
import type { Policy, Rule } from "../policy/decide.ts";
import { ANY_ONE, ANY_RUN, parsePattern, type Segment } from "../policy/pattern.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Stat } from "../protocol/message.ts";

/** Names looked at in one directory that a pattern leaves open. */
const MAX_NAMES = 10_000;

type Denied = { readonly rule: Rule; readonly segments: readonly Segment[] };
type Disk = Pick<Platform, "list" | "stat">;

/**
 * Gives the rule that denies connecting to this very socket under another name: a hard link, a bind mount or another root shows
 * the same inode. The names on the disk are looked up anew each time, since daemons come and go.
 */
export function deniedUnderOtherName(found: Stat, policy: Policy, disk: Disk): Rule | null {
  for (const { rule, segments } of deniedOf(policy)) {
    for (const path of existing("", segments, disk)) {
      const other = disk.stat(path);
      if (typeof other === "number" || other.kind !== "socket") continue;
      if (other.inode === found.inode && other.device === found.device) return rule;
    }
  }
  return null;
}

const parsed = new WeakMap<Policy, readonly Denied[]>();

function deniedOf(policy: Policy): readonly Denied[] {
  const known = parsed.get(policy);
  if (known !== undefined) return known;
  const denied = policy.rules
    .filter(({ effect, rights }) => effect === "deny" && (rights & RIGHT.connect) !== 0)
    .map((rule) => ({ rule, segments: parsePattern(rule.pattern) }));
  parsed.set(policy, denied);
  return denied;
}

/** The paths on the disk that the pattern may mean. One that holds "**" names too much to be looked up. */
function* existing(directory: string, segments: readonly Segment[], disk: Disk): Generator<string> {
  const [first, ...rest] = segments;
  if (first === undefined) {
    yield directory;
    return;
  }
  if (first.kind === "deep") return;
  if (first.kind === "literal") {
    yield* existing(`${directory}/${first.text}`, rest, disk);
    return;
  }
  const names = disk.list(directory === "" ? "/" : directory, MAX_NAMES);
  if (typeof names === "number") return;
  const expression = first.kind === "any" ? /^/ : expressionOf(first.units);
  for (const name of names) {
    if (expression.test(name)) yield* existing(`${directory}/${name}`, rest, disk);
  }
}

/** For names on the disk only: what is decided goes through the trie. */
function expressionOf(units: readonly number[]): RegExp {
  const source = units.map((unit) => {
    if (unit === ANY_RUN) return ".*";
    return unit === ANY_ONE ? "." : `\\u${unit.toString(16).padStart(4, "0")}`;
  });
  return new RegExp(`^${source.join("")}$`, "s");
}
