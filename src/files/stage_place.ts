import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { binding } from "../platform/binding.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { MarkSpace } from "./overlay_marks.ts";
import { factsAt } from "./stage_object.ts";

/** What a stage was made for. The profile is kept whole: a commit decides by what held then, whatever its file says now. */
export type StageFacts = {
  readonly v: 1;
  readonly run: string;
  readonly workspace: string;
  /** Device and inode of the workspace. */
  readonly workspaceIdentity: string;
  readonly home: string;
  readonly profile: ResolvedProfile;
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly user: string | null;
  /** Nanoseconds since the epoch, as a decimal number: what the host changes in the workspace from then on is a conflict. */
  readonly beganNs: string;
};

/** What a commit has done already, by path relative to the workspace. */
export type StageProgress = {
  /** Directories that a commit made, or was about to make. */
  readonly made: ReadonlySet<string>;
  readonly done: ReadonlySet<string>;
};

export type Stage = {
  readonly directory: string;
  readonly upper: string;
  readonly marks: MarkSpace;
  readonly facts: StageFacts;
};

const FACTS = "stage.json";
const PROGRESS = "progress";
/** Says how the stage was mounted; until then nothing can be in it. */
const MARKS = "marks";
/** Held by a run that works in the stage, and by a commit. */
export const STAGE_LOCK = "owner";
/** One tick of the coarsest clock that stamps files (CONFIG_HZ=100): a change right after the start may seem older than it. */
const TICK_NS = 10_000_000n;

/**
 * Makes an empty stage below the state directory and gives its directory, which is for its owner only. The layer gets what the
 * workspace itself is like: the program sees it as the workspace. Throws SETUP when that can not be done.
 */
export function makeStage(
  state: string,
  facts: Omit<StageFacts, "v" | "beganNs" | "workspaceIdentity">,
): string {
  const directory = stageDirectory(state, facts.run);
  mkdirSync(join(directory, "upper"), { recursive: true, mode: 0o700 });
  mkdirSync(join(directory, "work"), { mode: 0o700 });
  const fd = openSync(join(directory, FACTS), "wx", 0o600);
  try {
    const beganNs = String(fstatSync(fd, { bigint: true }).ctimeNs - TICK_NS);
    const whole: StageFacts = {
      v: 1,
      ...facts,
      workspaceIdentity: identityOf(facts.workspace),
      beganNs,
    };
    writeFileSync(fd, JSON.stringify(whole));
    likeWorkspace(join(directory, "upper"), facts.workspace);
    return directory;
  } finally {
    closeSync(fd);
  }
}

/** Throws NOT_FOUND when there is none of this name. */
export function findStage(state: string, run: string): Stage {
  const directory = stageDirectory(state, run);
  if (!existsSync(join(directory, FACTS))) {
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot find a stage of run "${run}"; sallyport changes names those that are left`,
    );
  }
  const facts = JSON.parse(readFileSync(join(directory, FACTS), "utf8")) as StageFacts;
  const marks = existsSync(join(directory, MARKS)) ? readFileSync(join(directory, MARKS), "utf8") : "";
  const isUser = marks === "user.overlay.";
  return { directory, upper: join(directory, "upper"), marks: isUser ? marks : "trusted.overlay.", facts };
}

/** To be called once the overlay is mounted and before the program runs. */
export function noteMarks(directory: string, marks: MarkSpace): void {
  writeFileSync(join(directory, MARKS), marks, { flag: "wx", mode: 0o600 });
}

/** The runs that have a stage. */
export function listStages(state: string): string[] {
  const stages = join(state, "stages");
  if (!existsSync(stages)) return [];
  return readdirSync(stages)
    .filter((run) => existsSync(join(stages, run, FACTS)))
    .sort();
}

export function readProgress(stage: Stage): StageProgress {
  const progress = { made: new Set<string>(), done: new Set<string>() };
  const file = join(stage.directory, PROGRESS);
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  // What stands behind the last newline was cut by the end of its writer.
  for (const line of lines.slice(0, -1)) {
    const [what, path] = JSON.parse(line) as [keyof StageProgress, string];
    progress[what].add(path);
  }
  return progress;
}

export function noteProgress(stage: Stage, what: keyof StageProgress, path: string): void {
  appendFileSync(join(stage.directory, PROGRESS), `${JSON.stringify([what, path])}\n`, { mode: 0o600 });
}

/** Throws NOT_FOUND when the workspace is another directory by now, or none. */
export function checkSameWorkspace({ facts }: Stage): void {
  if (identityOf(facts.workspace) === facts.workspaceIdentity) return;
  throw new SallyportError(
    "NOT_FOUND",
    `Cannot compare the stage with "${facts.workspace}": that is not the directory which the run worked on`,
  );
}

function identityOf(directory: string): string {
  const found = statSync(directory, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? "" : `${found.dev}:${found.ino}`;
}

function likeWorkspace(upper: string, workspace: string): void {
  const { mode, uid, gid, atime, mtime } = statSync(workspace);
  try {
    chownSync(upper, uid, gid);
  } catch {
    throw new SallyportError(
      "SETUP",
      `Cannot stage "${workspace}": it belongs to uid ${uid} and gid ${gid}, which only root can stage for you`,
      { errno: "EPERM" },
    );
  }
  chmodSync(upper, mode & 0o7777);
  for (const [name, value] of factsAt(workspace)?.attributes ?? []) {
    if (name.startsWith("user.") || name.startsWith("system.")) binding.fsSetxattr(upper, name, value, 0);
  }
  utimesSync(upper, atime, mtime);
}

export function stageDirectory(state: string, run: string): string {
  if (!/^[0-9a-f]{12}$/.test(run)) {
    throw new SallyportError("INVALID", `Cannot use "${run}": a run is named by 12 hexadecimal digits`);
  }
  return join(state, "stages", run);
}
