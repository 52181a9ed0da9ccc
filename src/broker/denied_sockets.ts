import type { Platform } from "../platform/platform.ts";
import type { Policy, Rule } from "../policy/decide.ts";
import { ANY_ONE, ANY_RUN, parsePattern, type Segment } from "../policy/pattern.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Stat } from "../protocol/message.ts";

/** Names looked at in one directory that a pattern leaves open. */
const MAX_NAMES = 10_000;

/** How long one look at all denied names answers for, at most. */
const GOOD_MS = 1000;
/** Between a change and the time that the kernel writes down for it lies less. */
const CLOCK_MS = 100;

/** A directory that has changed more lately may change again without another time of change. */
const SETTLED_MS = 1000;

type Denied = { readonly rule: Rule; readonly segments: readonly Segment[] };
type Disk = Pick<Platform, "list" | "stat">;
/** Names that match one segment in one directory, good as long as the directory has this identity and time of change. */
type Matches = { readonly stamp: string; readonly names: readonly string[] };
type Known = {
  readonly denied: readonly Denied[];
  readonly matches: Map<string, Matches>;
  /** All sockets that a rule denies, by identity, as they were at a time of both clocks. */
  looked: {
    readonly wallMs: number;
    readonly steadyMs: number;
    readonly rules: ReadonlyMap<string, Rule>;
  } | null;
};
/** One look at the disk: no directory is listed twice. */
type Look = { readonly disk: Disk; readonly known: Known; readonly listed: Map<string, readonly string[]> };

/**
 * Gives the rule that denies connecting to this very socket under another name: a hard link, a bind mount or another root shows
 * the same inode. `changedMs` is the time of its last change (ctime): one that was there before the last look at all denied names
 * is among them or is not, and a name more would have changed it. One that is newer is looked for anew, since daemons come and go.
 */
export function deniedUnderOtherName(
  found: Stat,
  changedMs: number,
  policy: Policy,
  disk: Disk,
  clock: Clock = CLOCK,
): Rule | null {
  const known = knownOf(policy);
  const [wallMs, steadyMs] = [clock.wallMs(), clock.steadyMs()];
  const before = known.looked;
  const age = before === null ? Number.POSITIVE_INFINITY : steadyMs - before.steadyMs;
  // A clock that was set says nothing about what came first.
  const isSteady = before !== null && Math.abs(wallMs - before.wallMs - age) < CLOCK_MS / 2;
  if (before === null || age > GOOD_MS || !isSteady || !(changedMs + CLOCK_MS < before.wallMs))
    known.looked = { wallMs, steadyMs, rules: deniedSockets(known, disk) };
  return known.looked?.rules.get(keyOf(found)) ?? null;
}

export type Clock = { wallMs(): number; steadyMs(): number };
const CLOCK: Clock = { wallMs: () => Date.now(), steadyMs: () => performance.now() };

function deniedSockets(known: Known, disk: Disk): ReadonlyMap<string, Rule> {
  const look: Look = { disk, known, listed: new Map() };
  const rules = new Map<string, Rule>();
  for (const { rule, segments } of known.denied) {
    for (const path of existing("", segments, look)) {
      const other = disk.stat(path);
      if (typeof other === "number" || other.kind !== "socket") continue;
      if (!rules.has(keyOf(other))) rules.set(keyOf(other), rule);
    }
  }
  return rules;
}

function keyOf({ device, inode }: Stat): string {
  return `${device}:${inode}`;
}

const knownPolicies = new WeakMap<Policy, Known>();

function knownOf(policy: Policy): Known {
  const known = knownPolicies.get(policy);
  if (known !== undefined) return known;
  const denied = policy.rules
    .filter(({ effect, rights }) => effect === "deny" && (rights & RIGHT.connect) !== 0)
    .map((rule) => ({ rule, segments: parsePattern(rule.pattern) }));
  const made: Known = { denied, matches: new Map(), looked: null };
  knownPolicies.set(policy, made);
  return made;
}

/** The paths on the disk that the pattern may mean. One that holds "**" names too much to be looked up. */
function* existing(directory: string, segments: readonly Segment[], look: Look): Generator<string> {
  const [first, ...rest] = segments;
  if (first === undefined) {
    yield directory;
    return;
  }
  if (first.kind === "deep") return;
  if (first.kind === "literal") {
    yield* existing(`${directory}/${first.text}`, rest, look);
    return;
  }
  const expression = first.kind === "any" ? /^/ : expressionOf(first.units);
  for (const name of matching(directory === "" ? "/" : directory, expression, look)) {
    yield* existing(`${directory}/${name}`, rest, look);
  }
}

function matching(directory: string, expression: RegExp, { disk, known, listed }: Look): readonly string[] {
  const found = disk.stat(directory);
  if (typeof found === "number" || found.kind !== "directory") return [];
  const key = `${directory}\0${expression.source}`;
  const stamp = `${found.device}:${found.inode}:${found.modifiedMs}`;
  const before = known.matches.get(key);
  if (before?.stamp === stamp) return before.names;
  const all = listed.get(directory) ?? disk.list(directory, MAX_NAMES);
  if (typeof all === "number") return [];
  listed.set(directory, all);
  const names = all.filter((name) => expression.test(name));
  if (Date.now() - found.modifiedMs > SETTLED_MS) known.matches.set(key, { stamp, names });
  return names;
}

/** For names on the disk only: what is decided goes through the trie. */
function expressionOf(units: readonly number[]): RegExp {
  const source = units.map((unit) => {
    if (unit === ANY_RUN) return ".*";
    return unit === ANY_ONE ? "." : `\\u${unit.toString(16).padStart(4, "0")}`;
  });
  return new RegExp(`^${source.join("")}$`, "s");
}
