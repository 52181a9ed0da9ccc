import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { appendHostLog } from "../audit/hostlog.ts";
import { openLogKey } from "../audit/key.ts";
import { printable } from "../broker/denial.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import {
  expireUndo,
  isInUse,
  type KeptRun,
  keptRunOf,
  keptRuns,
  openKept,
  readKept,
} from "../broker/undo/kept_run.ts";
import { userByUid } from "../broker/user.ts";
import type { Choice, Resolved } from "../files/undo/edited.ts";
import type { Item, Plan } from "../files/undo/plan.ts";
import { undoableOf } from "../files/undo/seal.ts";
import { type Shown, show } from "../files/undo/sides.ts";
import { SallyportError } from "../protocol/errors.ts";

type Flags = { readonly json?: boolean; readonly state?: string };
type ShowFlags = Flags & { readonly diff?: boolean };
type RestoreFlags = Flags & { readonly dryRun?: boolean; readonly edited: "keep" | Choice };
/** As they are told. */
type Told = Item & { readonly offers?: readonly Choice[]; readonly diff?: string | null };

/** Of all files together; more has to be asked for file by file. */
const MAX_DIFF_CHARACTERS = 8 << 20;

/** `sallyport undo list`: the runs whose changes are kept, and what became of them. */
export function undoList(flags: Flags): void {
  const state = stateOf(flags);
  for (const run of keptRuns(state)) {
    const tree = readKept(state, run);
    const { workspace, time, place } = tree.begin;
    const changes = undoableOf(tree);
    const status = isInUse(state, run)
      ? "running"
      : tree.restored !== null
        ? "restored"
        : tree.sealed === "no"
          ? "unsealed"
          : "kept";
    if (flags.json) console.log(JSON.stringify({ run, time, workspace, undo: place, changes, status }));
    else
      console.log(
        `${run} · ${new Date(time).toISOString()} · ${printable(workspace)} · ${changes} ${changes === 1 ? "change" : "changes"} · ${status}`,
      );
  }
}

/** `sallyport undo show RUN|FILE [FILE…]`: what a restore would do. */
export function undoShow(named: string, files: readonly string[], flags: ShowFlags): void {
  const { run, only } = chosen(named, files, flags);
  withKept(run, flags, (kept) => {
    const plan = kept.plan(only);
    const items = offered(plan, kept);
    if (flags.diff !== true) {
      tell(run, items, "show", flags);
      return;
    }
    const shown = plan.items.map((item) =>
      item.state === "done" ? null : show(item, plan.subjects.get(item)!, kept.store),
    );
    if (flags.json) {
      tell(
        run,
        items.map((item, at) => ({ ...item, diff: shown[at]?.diff ?? null })),
        "show",
        flags,
      );
      return;
    }
    let room = MAX_DIFF_CHARACTERS;
    for (const [at, item] of items.entries()) {
      if (item.state === "done") continue;
      console.log(item.state === "kept" ? keptLine(item) : line(item));
      const one = shown[at];
      if (one === null || one === undefined) continue;
      const text = room > 0 ? diffLines(one) : ["too much to show at once: name the file"];
      for (const each of text) console.log(`  ${printable(each)}`);
      room -= one.diff?.length ?? 0;
    }
    console.log(summary(run, items, "to restore"));
  });
}

/** `sallyport undo restore RUN|FILE [FILE…]`: exit 1 when something was kept as it is now. */
export async function undoRestore(
  named: string,
  files: readonly string[],
  flags: RestoreFlags,
): Promise<void> {
  const { run, only } = chosen(named, files, flags);
  const { edited } = flags;
  if (edited !== "keep" && only.length === 0) {
    throw new SallyportError(
      "INVALID",
      `Cannot ${edited} whatever was edited since the run: name the files behind the run`,
    );
  }
  if (flags.dryRun) {
    withKept(run, flags, (kept) => tell(run, offered(kept.plan(only), kept), "dry-run", flags));
    return;
  }
  const state = stateOf(flags);
  // No effect without its record.
  readKept(state, run);
  await appendHostLog(state, openLogKey(state), { kind: "restored", run, timeMs: Date.now() });
  withKept(run, flags, (kept) => {
    const { items, failures } = kept.restore(only);
    const resolved = edited === "keep" ? [] : kept.resolve(only, edited);
    const failed = new Map(failures.map(({ path, reason }) => [path, reason]));
    const isResolved = new Set(resolved.filter(({ how }) => how !== "kept").map(({ path }) => path));
    const reasons = new Map(resolved.flatMap((one) => (one.how === "kept" ? [[one.path, one.reason]] : [])));
    const plan = kept.plan(only);
    const offers = new Map(offered(plan, kept).map(({ path, offers: some = [] }) => [path, some]));
    const outcome = items
      .filter(({ path }) => !isResolved.has(path))
      .map((item) => {
        const reason = failed.get(item.path) ?? reasons.get(item.path);
        if (reason !== undefined && item.state !== "done")
          return { ...item, state: "kept" as const, reason, offers: offers.get(item.path) ?? [] };
        return item.state === "kept" ? { ...item, offers: offers.get(item.path) ?? [] } : item;
      });
    const unnamed = failures.filter(({ path }) => !items.some((item) => item.path === path));
    tell(run, outcome, "restore", flags, resolved);
    for (const { path, reason } of unnamed) console.log(`kept: ${printable(path)} — ${printable(reason)}`);
    if (failures.length > 0) process.exitCode = 1;
  });
}

/** The run that is meant, and the paths to which the command is limited. */
function chosen(
  named: string,
  files: readonly string[],
  flags: Flags,
): { readonly run: string; readonly only: readonly string[] } {
  const path = asPath(named);
  const run = keptRunOf(stateOf(flags), named, path);
  return { run, only: [...(run === named ? [] : [path]), ...files.map(asPath)] };
}

function offered(plan: Plan, kept: KeptRun): Told[] {
  return plan.items.map((item) =>
    item.state === "kept" ? { ...item, offers: kept.choices(item, plan) } : item,
  );
}

function diffLines({ diff, beforeBytes, nowBytes }: Shown): string[] {
  if (diff === null) return [`binary, or too much text: ${beforeBytes} bytes before, ${nowBytes} bytes now`];
  return diff === "" ? [] : diff.trimEnd().split("\n");
}

/** `sallyport undo prune`: removes what runs have kept for longer. */
export function undoPrune(flags: Flags & { readonly olderThan: number }): void {
  const expired = expireUndo(stateOf(flags), flags.olderThan, Number.POSITIVE_INFINITY);
  if (flags.json) console.log(JSON.stringify(expired));
  else for (const run of expired) console.log(`removed: ${run}`);
}

function withKept(run: string, flags: Flags, act: (kept: KeptRun) => void): void {
  const kept = openKept(stateOf(flags), run);
  try {
    if (kept.tree.sealed === "late") {
      process.stderr.write(
        "sallyport: the broker of this run was killed: what is there now was taken for what the run left, edits that came later included\n",
      );
    }
    act(kept);
  } finally {
    kept.close();
  }
}

function tell(
  run: string,
  items: readonly Told[],
  how: "show" | "dry-run" | "restore",
  flags: Flags,
  resolved: readonly Resolved[] = [],
): void {
  const kept = items.filter(({ state }) => state === "kept");
  const done = resolved.filter((one) => one.how !== "kept");
  process.exitCode = kept.length > 0 && how === "restore" ? 1 : 0;
  if (flags.json) {
    const words = {
      todo: how === "restore" ? "restored" : "to restore",
      done: "nothing to do",
      kept: "kept",
    };
    for (const item of items) console.log(JSON.stringify({ ...item, state: words[item.state] }));
    for (const one of done) console.log(JSON.stringify({ ...one, state: one.how }));
    return;
  }
  if (how !== "restore")
    for (const item of items.filter(({ state }) => state === "todo")) console.log(line(item));
  for (const one of done) console.log(resolvedLine(one));
  for (const item of kept) console.log(keptLine(item));
  console.log(summary(run, items, how === "restore" ? "restored" : "to restore"));
  const open = kept.find(({ offers = [] }) => offers.length > 0);
  if (open === undefined) return;
  const word = open.offers?.includes("merge") ? "merge" : "replace";
  console.log(
    `to join an edit with what was there before, or to take the old file: sallyport undo restore --edited ${word === "merge" ? "merge|replace" : word} ${run} FILE…`,
  );
}

function summary(run: string, items: readonly Told[], verb: string): string {
  const count = (state: Item["state"]): number => items.filter((item) => item.state === state).length;
  return `run ${run}: ${count("todo")} ${verb} · ${count("kept")} kept as they are now`;
}

function resolvedLine(one: Exclude<Resolved, { how: "kept" }>): string {
  const conflicts =
    one.how === "replaced" || one.conflicts === 0 ? "" : ` with ${one.conflicts} conflicts marked in it`;
  return `${one.how}: ${printable(one.path)}${conflicts} (what was there: ${one.keptAs} in the folder undo of the run)`;
}

function keptLine({ path, reason, offers = [] }: Told): string {
  const ways = offers.length === 0 ? "" : ` (can be ${offers.map((one) => `${one}d`).join(" or ")})`;
  return `kept: ${printable(path)} — ${printable(reason ?? "")}${ways}`;
}

function line({ what, path, other }: Item): string {
  return `${what}: ${printable(path)}${other === undefined ? "" : ` (now ${printable(other)})`}`;
}

/** As the journal writes it: absolute, without links on the way. */
function asPath(file: string): string {
  const path = resolve(file);
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    // Its directory is gone: the run may have removed it.
    return path;
  }
}

function stateOf(flags: Flags): string {
  return openState(stateDirectory(flags.state, userByUid(process.geteuid!()).home));
}
