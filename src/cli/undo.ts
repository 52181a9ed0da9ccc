import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { appendHostLog } from "../audit/hostlog.ts";
import { openLogKey } from "../audit/key.ts";
import { printable } from "../broker/denial.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import { isInUse, type KeptRun, keptRuns, openKept, readKept } from "../broker/undo/kept_run.ts";
import { userByUid } from "../broker/user.ts";
import type { Item } from "../files/undo/plan.ts";
import { undoableOf } from "../files/undo/seal.ts";

type Flags = { readonly json?: boolean; readonly state?: string };
type RestoreFlags = Flags & { readonly dryRun?: boolean };

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

/** `sallyport undo show RUN [FILE…]`: what a restore would do. */
export function undoShow(run: string, files: readonly string[], flags: Flags): void {
  withKept(run, flags, (kept) => {
    const { items } = kept.plan(files.map(asPath));
    tell(run, items, "show", flags);
  });
}

/** `sallyport undo restore RUN [FILE…]`: exit 1 when something was kept as it is now. */
export async function undoRestore(run: string, files: readonly string[], flags: RestoreFlags): Promise<void> {
  const only = files.map(asPath);
  if (flags.dryRun) {
    withKept(run, flags, (kept) => tell(run, kept.plan(only).items, "dry-run", flags));
    return;
  }
  const state = stateOf(flags);
  // No effect without its record.
  readKept(state, run);
  await appendHostLog(state, openLogKey(state), { kind: "restored", run, timeMs: Date.now() });
  withKept(run, flags, (kept) => {
    const { items, failures } = kept.restore(only);
    const failed = new Map(failures.map(({ path, reason }) => [path, reason]));
    const outcome = items.map((item) => {
      const reason = failed.get(item.path);
      return reason === undefined || item.state !== "todo"
        ? item
        : { ...item, state: "kept" as const, reason };
    });
    const unnamed = failures.filter(({ path }) => !items.some((item) => item.path === path));
    tell(run, outcome, "restore", flags);
    for (const { path, reason } of unnamed) console.log(`kept: ${printable(path)} — ${printable(reason)}`);
    if (failures.length > 0) process.exitCode = 1;
  });
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

function tell(run: string, items: readonly Item[], how: "show" | "dry-run" | "restore", flags: Flags): void {
  const kept = items.filter(({ state }) => state === "kept");
  const done = items.filter(({ state }) => state === "todo");
  process.exitCode = kept.length > 0 && how === "restore" ? 1 : 0;
  if (flags.json) {
    const words = {
      todo: how === "restore" ? "restored" : "to restore",
      done: "nothing to do",
      kept: "kept",
    };
    for (const item of items) console.log(JSON.stringify({ ...item, state: words[item.state] }));
    return;
  }
  if (how !== "restore") for (const item of done) console.log(line(item));
  for (const item of kept) console.log(`kept: ${printable(item.path)} — ${printable(item.reason ?? "")}`);
  const verb = how === "restore" ? "restored" : "to restore";
  console.log(`run ${run}: ${done.length} ${verb} · ${kept.length} kept as they are now`);
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
