import { type Change, changesOf } from "../../files/stage_changes.ts";
import { factsAt } from "../../files/stage_object.ts";
import { noteProgress, readProgress, type Stage } from "../../files/stage_place.ts";
import { errnoName } from "../../platform/errno.ts";
import { compilePolicy, decidePath } from "../../policy/decide.ts";
import { dirname, joinPath } from "../../policy/path.ts";
import { escapePattern } from "../../policy/pattern.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { Request } from "../../protocol/message.ts";
import { denialLine } from "../denial.ts";
import type { Outcome } from "../outcome.ts";
import { type Brokered, runRules, stagingDirectory } from "./brokered.ts";
import { type Flushes, placeDirectory, placeObject } from "./place.ts";
import { removeObject } from "./remove.ts";
import { beyondLimits, metadataRequests, obstacleTo, refusedPart } from "./review.ts";

/** Files that are prepared and flushed together. */
const BATCH = 64;

export type Kept = { readonly path: string; readonly reason: string };
export type Committed = {
  /** Relative to the workspace, in the order in which they were done. */
  readonly committed: readonly string[];
  /** What stays in the stage, and why; without what was not asked for. */
  readonly kept: readonly Kept[];
  /** Nothing is left in the stage. */
  readonly isComplete: boolean;
};

/** Why one change stays in the stage. Whatever was made on the way has been taken back. */
export class KeptBack extends Error {}

/**
 * Carries out the changes of a stage one by one. Each is done whole or not at all: it is prepared beside its target and put in
 * place in one step; what is there by then must be what was compared. Can be repeated after it was killed at any point.
 */
export async function commitStage(
  state: string,
  stage: Stage,
  brokered: Brokered,
  only: readonly string[],
): Promise<Committed> {
  await sweepLeftovers(stage, brokered);
  const changes = brokered.asPerson(() => [...changesOf(stage, readProgress(stage))]);
  return new Commit(state, stage, brokered).carryOut(changes, selection(stage, only));
}

/** Removes what a commit, or a killed one before it, has prepared. */
export async function sweepLeftovers({ facts }: Stage, brokered: Brokered): Promise<void> {
  await removeObject(stagingDirectory(facts), new Asking(brokered));
}

/** Asks one request after the other; anything but success keeps the change back. */
export class Asking {
  readonly #brokered: Brokered;

  constructor(brokered: Brokered) {
    this.#brokered = brokered;
  }

  async do(request: Request): Promise<Outcome> {
    const outcome = await this.#brokered.perform(request);
    if (outcome.kind === "denied") throw new KeptBack(denialLine(outcome.denial));
    if (outcome.kind === "failed") throw new KeptBack(`${request.op} failed: ${errnoName(outcome.errno)}`);
    return outcome;
  }

  asPerson<T>(act: () => T): T {
    return this.#brokered.asPerson(act);
  }
}

class Commit {
  readonly #stage: Stage;
  readonly #brokered: Brokered;
  readonly #asking: Asking;
  readonly #policy;
  readonly #committed: string[] = [];
  readonly #kept: Kept[] = [];
  /** By device and inode in the stage: the first name of a file that has several. */
  readonly #named = new Map<string, string>();
  #prepared = 0;
  /** What has been prepared ahead, by the path of its change. */
  readonly #ready = new Map<string, string>();

  constructor(state: string, stage: Stage, brokered: Brokered) {
    this.#stage = stage;
    this.#brokered = brokered;
    this.#asking = new Asking(brokered);
    this.#policy = compilePolicy(stage.facts.profile.name, runRules(state, stage));
  }

  async carryOut(changes: readonly Change[], isSelected: (path: string) => boolean): Promise<Committed> {
    const wanted = withParents(changes, isSelected);
    const keptDirectories = new Set<string>();
    const finished: Change[] = [];
    for (const [at, change] of wanted.entries()) {
      if (at % BATCH === 0) await this.#prepareAhead(wanted.slice(at, at + BATCH));
      const reason = isBelow(change.path, keptDirectories)
        ? "its directory is kept"
        : await this.#carryOut(change).catch((error: unknown) => {
            asKeptBack(error);
            return (error as Error).message;
          });
      if (reason === "") {
        this.#committed.push(change.path);
        if (change.is?.kind === "directory") finished.push(change);
      } else {
        this.#kept.push({ path: change.path, reason });
        if (change.is?.kind === "directory" && change.what !== "metadata") keptDirectories.add(change.path);
      }
    }
    await sweepLeftovers(this.#stage, this.#brokered);
    // What a directory is like is set after it was filled: it may not let itself be written to, and has its own times.
    for (const change of finished.reverse()) await this.#finishDirectory(change);
    return {
      committed: this.#committed,
      kept: this.#kept,
      isComplete: this.#kept.length === 0 && wanted.length === changes.length,
    };
  }

  /** Copies what is to take the place of files, and flushes all of it together: one by one, the disk is waited for each time. */
  async #prepareAhead(changes: readonly Change[]): Promise<void> {
    const { facts } = this.#stage;
    const flushes: Flushes = [];
    for (const change of changes) {
      if (change.is?.kind !== "file" || change.is.linkCount > 1 || change.was?.kind !== "file") continue;
      if (change.what === "metadata" || obstacleTo(change, facts, this.#policy) !== "") continue;
      if (refusedPart(change, facts, this.#brokered) !== null) continue;
      const staged = await this.#place(change, flushes).catch(asKeptBack);
      // What can not be prepared now is tried again in its turn, and says why it can not be.
      if (staged !== null) this.#ready.set(change.path, staged);
    }
    await Promise.all(flushes);
  }

  /** Gives the path in the staging directory. */
  async #place(change: Change, flushes: Flushes | null): Promise<string> {
    const { facts, upper } = this.#stage;
    const is = change.is!;
    const staging = stagingDirectory(facts);
    if (this.#prepared === 0) await this.#asking.do({ op: "mkdir", path: staging, mode: 0o700 });
    const staged = joinPath(staging, String(this.#prepared++));
    const first = is.linkCount > 1 ? this.#named.get(`${is.device}:${is.inode}`) : undefined;
    const source = joinPath(upper, change.path);
    try {
      await placeObject(is, { source, staged, first }, flushes, this.#asking);
    } catch (error) {
      if (factsAt(staged) !== null) await removeObject(staged, this.#asking);
      throw error;
    }
    return staged;
  }

  /** Gives the reason for which the change is kept back, or "". */
  async #carryOut(change: Change): Promise<string> {
    const { path, is, was } = change;
    const { workspace } = this.#stage.facts;
    const obstacle = obstacleTo(change, this.#stage.facts, this.#policy);
    if (obstacle !== "") return obstacle;
    const beyond = this.#brokered.asPerson(() => beyondLimits(change, this.#stage));
    if (beyond !== "") return beyond;
    if (path !== "" && factsAt(dirname(joinPath(workspace, path)))?.kind !== "directory")
      return "its directory is not there any more";
    const refused = refusedPart(change, this.#stage.facts, this.#brokered);
    if (refused !== null) {
      // Asked for all the same: the refusal belongs on record.
      await this.#asking.do(refused.request);
      return `rule ${refused.rule} refuses it`;
    }
    const target = path === "" ? workspace : joinPath(workspace, path);
    if (change.what === "metadata") {
      for (const request of metadataRequests(change, target)) await this.#asking.do(request);
    } else if (is?.kind === "directory" && was === null) {
      this.#note("made", path);
      await placeDirectory(change, target, this.#asking);
    } else {
      if (is?.kind === "directory") this.#note("made", path);
      await this.#replace(change, target);
    }
    this.#note("done", path);
    return "";
  }

  async #replace(change: Change, target: string): Promise<void> {
    if (change.is === null) {
      const staging = stagingDirectory(this.#stage.facts);
      if (this.#prepared === 0) await this.#asking.do({ op: "mkdir", path: staging, mode: 0o700 });
      const staged = joinPath(staging, String(this.#prepared++));
      await this.#asking.do({ op: "rename", from: target, to: staged, existing: "refuse" });
      await this.#verified(change, staged, { op: "rename", from: staged, to: target, existing: "refuse" });
      await removeObject(staged, this.#asking);
      return;
    }
    const flushes: Flushes = [];
    const staged =
      this.#ready.get(change.path) ?? (await this.#place(change, change.was === null ? null : flushes));
    await Promise.all(flushes);
    if (change.was === null) {
      await this.#asking
        .do({ op: "rename", from: staged, to: target, existing: "refuse" })
        .catch(async (error: unknown) => {
          await removeObject(staged, this.#asking);
          throw error;
        });
    } else {
      await this.#exchange(change, staged, target);
    }
    const { device, inode, kind, linkCount } = change.is;
    if (kind === "file" && linkCount > 1) this.#named.set(`${device}:${inode}`, target);
  }

  async #exchange(change: Change, staged: string, target: string): Promise<void> {
    const swap: Request = { op: "rename", from: staged, to: target, existing: "exchange" };
    await this.#asking.do(swap).catch(async (error: unknown) => {
      await removeObject(staged, this.#asking);
      throw error;
    });
    await this.#verified(change, staged, swap).catch(async (error: unknown) => {
      await removeObject(staged, this.#asking);
      throw error;
    });
    await removeObject(staged, this.#asking);
  }

  /** What was taken out of its place must be what was compared; else it goes back. Its change time is new by the rename itself. */
  async #verified({ was }: Change, at: string, back: Request): Promise<void> {
    const found = factsAt(at);
    const isSame =
      found !== null &&
      was !== null &&
      found.inode === was.inode &&
      found.device === was.device &&
      found.modifiedNs === was.modifiedNs &&
      found.sizeBytes === was.sizeBytes;
    if (isSame) return;
    await this.#asking.do(back);
    throw new KeptBack("changed meanwhile");
  }

  async #finishDirectory({ path, what, is, was }: Change): Promise<void> {
    if (is === null || what === "metadata") return;
    const target = joinPath(this.#stage.facts.workspace, path);
    const now = factsAt(target);
    if (now === null || was?.kind === "directory") return;
    const differs: Change["differs"] = ["attributes", "times"];
    const all = (now.mode & 0o1777) === (is.mode & 0o1777) ? differs : [...differs, "mode" as const];
    const isOwners = now.uid === is.uid && now.gid === is.gid;
    for (const request of metadataRequests(
      { was: now, is, differs: isOwners ? all : [...all, "owner"] },
      target,
    )) {
      // The directory is there and filled: what it could not be given shows as a change that is left.
      await this.#brokered.perform(request);
    }
  }

  #note(what: "made" | "done", path: string): void {
    if (what === "made") this.#brokered.ownDirectory(joinPath(this.#stage.facts.workspace, path));
    this.#brokered.asPerson(() => noteProgress(this.#stage, what, path));
  }
}

/** null for what keeps one change back; anything else is thrown on. */
function asKeptBack(error: unknown): null {
  if (error instanceof KeptBack || (error instanceof SallyportError && error.code === "SYSTEM")) return null;
  throw error;
}

/** The changes asked for, each with the new directories that it lies in, which come before it. */
function withParents(changes: readonly Change[], isSelected: (path: string) => boolean): Change[] {
  const wanted = new Set<string>();
  for (const { path } of changes) {
    if (!isSelected(path)) continue;
    wanted.add(path);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
      wanted.add(path.slice(0, end));
  }
  return changes.filter(({ path }) => wanted.has(path));
}

/** A glob without "/" is meant at any depth, and one that names a directory means what is in it too. */
function selection({ facts }: Stage, only: readonly string[]): (path: string) => boolean {
  if (only.length === 0) return () => true;
  const root = escapePattern(facts.workspace);
  const policy = compilePolicy(
    "--only",
    only.flatMap((glob) => {
      const whole = glob.includes("/") ? glob.replace(/^\.?\//, "").replace(/\/$/, "") : `**/${glob}`;
      return [`${root}/${whole}`, `${root}/${whole}/**`].map((pattern) => ({
        id: "only",
        effect: "allow" as const,
        rights: RIGHT.write,
        pattern,
        except: [],
        reason: "",
        remedy: "",
      }));
    }),
  );
  return (path) => decidePath(policy, joinPath(facts.workspace, path), RIGHT.write).kind === "allow";
}

function isBelow(path: string, directories: ReadonlySet<string>): boolean {
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    if (directories.has(path.slice(0, end))) return true;
  return false;
}
