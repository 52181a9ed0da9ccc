import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { claim } from "../../audit/owner.ts";
import { makeStage, noteMarks, STAGE_LOCK, stageDirectory } from "../../files/stage_place.ts";
import { removeTree } from "../../files/stage_removal.ts";
import { binding } from "../../platform/binding.ts";
import { errnoName } from "../../platform/errno.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { RIGHT } from "../../policy/rights.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { launcherPath } from "../launcher_path.ts";
import { holds } from "../workspace.ts";
import { mountsOf } from "./mounts.ts";

const PRIVATE_PARENT = "/tmp";
const CHANGES = RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata;
/** What a grant of writing may start with: the stage itself, and what is gone with the run or keeps nothing. */
const HARMLESS = ["${workspace}", "${tmp}", "/dev/", "/proc/"];

export type StageRequest = {
  readonly run: string;
  readonly state: string;
  /** As checkWorkspace gives it. */
  readonly workspace: string;
  readonly home: string;
  readonly profile: ResolvedProfile;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly user: string | null;
};

/** How the run's writes are held back. */
export type StageKind = "overlay" | "overlay in a user namespace";

/**
 * Makes a stage and starts this program again inside it, with `argv` (of which element `outcomeIndex` becomes what came of the
 * mount) and the descriptors of `keep`. Does not return: throws SETUP when the run can not be staged at all.
 */
export function enterStage(
  request: StageRequest,
  argv: readonly string[],
  outcomeIndex: number,
  keep: readonly number[],
): never {
  checkStageable(request);
  const { run, workspace, home, profile, reads, writes, user } = request;
  const directory = makeStage(request.state, { run, workspace, home, profile, reads, writes, user });
  // The lock names this process by its pid and start, which stay what they are.
  claim(join(directory, STAGE_LOCK));
  const launcher = launcherPath();
  return binding.replaceProcess(
    launcher,
    [launcher, "stage", workspace, directory, label(run), String(outcomeIndex), process.execPath, ...argv],
    keep,
  );
}

/** To be asked by the program that was started again: says how it is staged, or throws SETUP with the way out. */
export function stageEntered(run: string, outcome: string, state: string, workspace: string): StageKind {
  const directory = stageDirectory(state, run);
  if (outcome !== "done") {
    removeTree(directory);
    throw refusal(outcome);
  }
  const mount = mountsOf().findLast((one) => one.at === workspace);
  if (mount?.type !== "overlay" || mount.source !== label(run)) {
    throw new SallyportError(
      "SETUP",
      `Cannot stage the run: no stage of run "${run}" is mounted at "${workspace}"`,
      {
        stage: "stage",
      },
    );
  }
  const inUserNamespace = mount.options.includes("userxattr");
  noteMarks(directory, inUserNamespace ? "user.overlay." : "trusted.overlay.");
  return inUserNamespace ? "overlay in a user namespace" : "overlay";
}

/** Gives the stage free for a commit. */
export function leaveStage(run: string, state: string): void {
  unlinkSync(join(stageDirectory(state, run), STAGE_LOCK));
}

function checkStageable({ workspace, profile, writes, state }: StageRequest): void {
  const refuse = (why: string, wayOut: string): never => {
    throw new SallyportError("SETUP", `Cannot stage the run: ${why}; ${wayOut}`, { stage: "stage" });
  };
  if (holds(workspace, PRIVATE_PARENT))
    refuse(
      `"${workspace}" holds ${PRIVATE_PARENT}, where the run has its private directory`,
      "use a directory below it",
    );
  const outside = writes.find((path) => !holds(workspace, path));
  if (outside !== undefined)
    refuse(
      `--write "${outside}" lies outside the workspace, and only that is staged`,
      "leave it out, or copy it in",
    );
  for (const { id, effect, rights, patterns } of profile.rules) {
    if (effect !== "allow" || (rights & CHANGES) === 0) continue;
    const direct = patterns.find((pattern) => !HARMLESS.some((start) => pattern.startsWith(start)));
    if (direct !== undefined)
      refuse(
        `rule ${id} of profile "${profile.name}" grants writing to ${direct}, outside the workspace`,
        'take the rule out by name with "without" in a profile of your own',
      );
  }
  const inner = mountsOf().find(({ at }) => at !== workspace && holds(workspace, at));
  if (inner !== undefined)
    refuse(
      `"${inner.at}" is a mount of its own, which the stage would hide`,
      "unmount it, or run without --stage",
    );
  if (Buffer.byteLength(state) > 2000)
    refuse("the path of the state directory is too long", "choose another with --state DIR");
}

/** What the launcher says is the call that failed, and its errno. */
function refusal(outcome: string): SallyportError {
  const colon = outcome.lastIndexOf(":");
  const call = outcome.slice(0, colon);
  const errno = errnoName(Number(outcome.slice(colon + 1)));
  const wayOut =
    call === "mount overlay"
      ? "the state directory has to lie on a file system that can be the upper layer of an overlay, such as ext4, xfs, btrfs or tmpfs: choose one with --state DIR"
      : "run as root, or let users make namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)";
  return new SallyportError("SETUP", `Cannot stage the run: ${call} failed: ${errno}; ${wayOut}`, {
    errno,
    stage: "stage",
  });
}

function label(run: string): string {
  return `sallyport-${run}`;
}
