import { randomBytes } from "node:crypto";
import { readdirSync, unlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { claim, isAlive, ownerOf } from "../audit/owner.ts";
import { layeredProfile } from "../broker/layers/bind.ts";
import { chosenProfile } from "../broker/saved_profiles.ts";
import { enterStage } from "../broker/stage/enter.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import { allHomes, userByName, userByUid } from "../broker/user.ts";
import { checkWorkspace } from "../broker/workspace.ts";
import { findStage, listStages, STAGE_LOCK, type Stage } from "../files/stage_place.ts";
import { removeTree } from "../files/stage_removal.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { RunFlags } from "./run.ts";
import { descriptorsOf } from "./secrets.ts";

/** What the program that was started in its stage is told. */
export type Restarted = { readonly run: string; readonly reportFd: number; readonly outcome: string };

/** `--staged RUN,FD --staged-outcome …`: only this program itself passes it on. */
export function parseStaged(text: string | undefined): Restarted | null {
  if (text === undefined) return null;
  const [run = "", fd = "", ...outcome] = text.split(",");
  if (!/^[0-9a-f]{12}$/.test(run) || !/^\d+$/.test(fd)) {
    throw new SallyportError("INVALID", "Cannot use --staged: sallyport passes it to itself, use --stage");
  }
  return { run, reportFd: Number(fd), outcome: outcome.join(",") };
}

/** Starts this very command again, inside a stage. Does not return; throws SETUP when the run can not be staged. */
export async function startInStage(flags: RunFlags, reportFd: number): Promise<never> {
  const self = userByUid(process.geteuid!());
  const user = flags.user === undefined ? self : userByName(flags.user);
  const state = openState(
    stateDirectory(flags.state === undefined ? undefined : resolve(flags.state), self.home),
  );
  const workspace = checkWorkspace(process.cwd(), [...allHomes(), user.home], state);
  const here = { workspace, home: self.home, uid: self.uid, state };
  const { profile } = await layeredProfile(
    { profile: chosenProfile(flags.profile, flags.state).profile },
    here,
  );
  const run = randomBytes(6).toString("hex");
  const argv = [process.argv0, ...process.execArgv, ...process.argv.slice(1)];
  const at = process.execArgv.length + 3;
  argv.splice(at, 0, `--staged=${run},${reportFd},`);
  return enterStage(
    {
      run,
      state,
      workspace,
      home: user.home,
      profile,
      reads: flags.read.map((path) => resolve(path)),
      writes: flags.write.map((path) => resolve(path)),
      user: flags.user ?? null,
    },
    argv,
    at,
    // Node has marked them all to be closed.
    [...new Set([0, 1, 2, reportFd, ...descriptorsOf(flags)])],
  );
}

/** Removes the stage of a run that did not start. */
export function dropStage(run: string, flags: Pick<StageFlags, "state">): void {
  const state = stateOf(flags);
  if (!listStages(state).includes(run)) return;
  const stage = findStage(state, run);
  if (readdirSync(stage.upper).length === 0) removeTree(stage.directory);
}

export type StageFlags = { readonly json?: boolean; readonly state?: string };

export function stateOf(flags: StageFlags): string {
  return openState(
    stateDirectory(
      flags.state === undefined ? undefined : resolve(flags.state),
      userByUid(process.geteuid!()).home,
    ),
  );
}

/** The stage of a run that is at work, or that is being committed. */
export function isLive(stage: Stage): boolean {
  const holder = ownerOf(join(stage.directory, STAGE_LOCK));
  return holder !== undefined && isAlive(holder);
}

/** Takes the stage for this process; nobody else may change it until `release`, or the end. */
export function holdStage(state: string, run: string): { readonly stage: Stage; release(): void } {
  const stage = findStage(state, run);
  const lock = join(stage.directory, STAGE_LOCK);
  if (claim(lock) === undefined) {
    throw new SallyportError(
      "BUSY",
      `Cannot use the stage of run "${run}": the run, or a commit of it, is still at work`,
    );
  }
  return { stage, release: () => unlinkSync(lock) };
}
