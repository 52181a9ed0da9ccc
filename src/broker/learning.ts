import { readRecords } from "../audit/read.ts";
import type { AuditRecord } from "../audit/record.ts";
import { compilePolicy, type Policy } from "../policy/decide.ts";
import { type Learned, learnProfile } from "../policy/learn/learned_profile.ts";
import { Observations, wantingPaths } from "../policy/learn/observations.ts";
import { joinPath } from "../policy/path.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { TEMPORARY_NAME } from "../policy/request_paths.ts";
import { SallyportError } from "../protocol/errors.ts";
import { OPEN, type Request } from "../protocol/message.ts";
import { LEARNED, type Observed } from "./observer.ts";
import { observingPolicy } from "./observing.ts";
import { rulesOf } from "./rules.ts";
import { allHomes } from "./user.ts";
import type { Places } from "./workspace.ts";

/** The rules that a run would have needed beside its profile. `policy` is what it was observed under. */
export function learnFrom(
  profile: ResolvedProfile,
  observed: Observed,
  policy: Policy,
  places: Places,
): Learned {
  const { workspace, home, tmp, state } = places;
  const learned = learnProfile({
    observations: observed.observations,
    executed: observed.executed,
    bounds: { policy, places: [...allHomes(), home, workspace, state, tmp], whole: [workspace, tmp] },
    variables: { workspace, home, tmp },
    taken: profile.rules.map(({ id }) => id),
  });
  const dropped = `${observed.dropped} operations were on more names than are kept: what they need is left out`;
  return observed.dropped === 0 ? learned : { ...learned, warnings: [...learned.warnings, dropped] };
}

/** What an earlier run was refused for want of a rule, or was granted while it was learned from, by its log. */
export type Remembered = {
  readonly observed: Observed;
  readonly places: Places;
  readonly argv: readonly string[];
  /** Refused by a rule, and how often: none of it is learned. */
  readonly denied: readonly {
    readonly op: string;
    readonly path: string;
    readonly rule: string;
    count: number;
  }[];
};

/** Name of the profile that a run had, or null when its log does not say. Throws NOT_FOUND without a log. */
export function profileOfRun(directory: string): string | null {
  for (const { agent } of readRecords(directory)) if (agent !== undefined) return agent;
  return null;
}

/** Reads a log. The base profile decides anew what is wanting, so that it need not be the one of that run. */
export function remember(
  directory: string,
  profile: ResolvedProfile,
  around: Omit<Places, "workspace">,
): Remembered {
  let start: AuditRecord | undefined;
  let base: Policy | undefined;
  const places = (): Places => ({ ...around, workspace: String(start?.extra?.["workspace"] ?? "") });
  const observations = new Observations();
  const executed = new Set<string>();
  const denied = new Map<string, Remembered["denied"][number]>();
  for (const record of readRecords(directory)) {
    if (record.kind === "run.start") start = record;
    if (start === undefined) continue;
    const program = record.kind === "note" ? record.extra?.["executed"] : undefined;
    if (typeof program === "string") executed.add(program);
    base ??= compilePolicy(profile.name, rulesOf({ profile }, places()));
    if (isWanting(record)) {
      for (const request of requestsOf(record)) {
        for (const wanting of wantingPaths(base, request)) observations.add(request.op, wanting);
      }
    } else if (record.kind === "deny" && record.errno !== "ENOENT") {
      const { op = "", path = "", rule = "" } = record;
      const key = `${op} ${rule} ${path}`;
      const seen = denied.get(key);
      if (seen === undefined) denied.set(key, { op, path, rule, count: 1 });
      else seen.count++;
    }
  }
  if (start === undefined || base === undefined)
    throw new SallyportError("NOT_FOUND", `Cannot learn from "${directory}": its log has no start`);
  return {
    observed: { observations: observations.all(), executed: [...executed], dropped: observations.dropped },
    places: places(),
    argv: JSON.parse(String(start.extra?.["argv"] ?? "[]")) as string[],
    denied: [...denied.values()],
  };
}

/** The bounds of what a log may teach: the same as for a run that is watched. */
export function boundsOf(profile: ResolvedProfile, places: Places): Policy {
  return observingPolicy(profile, rulesOf({ profile }, places), places);
}

// Of other processes, by a number that means nothing any more.
const PROCESS = /^\/proc\/\d+(?:\/|$)/;

function isWanting({ kind, rule, errno, path = "" }: AuditRecord): boolean {
  if (PROCESS.test(path) || errno === "ENOENT") return false;
  return (kind === "deny" && rule === "default-deny") || (kind === "intent" && rule === LEARNED);
}

/** The request behind a record, as far as it can be told; a refused path of a rename or link stands in place of the first. */
function requestsOf(record: AuditRecord): Request[] {
  const { op, path = "", to = "", flags = 0, kind } = record;
  switch (op) {
    case "open": {
      if ((flags & OPEN.temporary) === 0 || kind === "intent") return [{ op, path, flags, mode: 0 }];
      const directory = path.slice(0, path.lastIndexOf("/")) || "/";
      return joinPath(directory, TEMPORARY_NAME) === path ? [{ op, path: directory, flags, mode: 0 }] : [];
    }
    case "rename":
      return [{ op, from: path, to, existing: "replace" }];
    case "link":
      return [{ op, from: path, to, follow: "nofollow" }];
    case "begin":
    case "commit":
      return [{ op: "begin", path, mode: 0 }];
    case "mkdir":
      return [{ op, path, mode: 0 }];
    case "mknod":
      return [{ op, path, kind: "file", mode: 0 }];
    case "symlink":
      return [{ op, path, target: to }];
    case "unlink":
      return [{ op, path, kind: "file" }];
    case "truncate":
      return [{ op, path, sizeBytes: 0 }];
    case "list":
      return [{ op, path }];
    case "stat":
      return [{ op, path, follow: "follow" }];
    case "chmod":
    case "chown":
    case "utimens":
    case "setxattr":
    case "removexattr":
      return [{ op: "chmod", path, mode: 0, follow: "follow" }];
    case "exec":
      return [{ op, path, argv: [], env: [], cwd: "/" }];
    default:
      return [];
  }
}
