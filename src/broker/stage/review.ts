import { closeSync } from "node:fs";
import { breachOf } from "../../files/file_limits.ts";
import type { Change } from "../../files/stage_changes.ts";
import { carriedAttributes } from "../../files/stage_changes.ts";
import { factsAt, namesIn, openContent } from "../../files/stage_object.ts";
import type { Stage, StageFacts } from "../../files/stage_place.ts";
import { linux } from "../../platform/linux.ts";
import { decidePath, type Policy } from "../../policy/decide.ts";
import { dirname, isWithin, joinPath } from "../../policy/path.ts";
import { limitsFiles } from "../../policy/profile.ts";
import { RIGHT } from "../../policy/rights.ts";
import { OPEN, type Request } from "../../protocol/message.ts";
import { printable } from "../denial.ts";
import { type Judging, stagingDirectory } from "./brokered.ts";

const SETUID_SETGID = 0o6000;
/** Attributes that the kernel or a security module sets by itself on whatever is made anew; capabilities of a file are not among them. */
const BY_ITSELF = /^(?:security\.(?!capability$)|trusted\.)/;

/**
 * Why a change is not carried out whatever the rules say, in words, or "". Looks at the change alone: what the rules say of its
 * paths is asked by `meaningOf`.
 */
export function obstacleTo({ path, is, was, conflict }: Change, facts: StageFacts, policy: Policy): string {
  if (conflict !== "") return conflict;
  if (isWithin(joinPath(facts.workspace, path === "" ? "." : path), stagingDirectory(facts)))
    return "its name is reserved";
  if (is === null) return "";
  if (is.kind === "socket" || is.kind === "device") return `a ${is.kind} is not committed`;
  if (is.kind !== "directory" && (is.mode & SETUID_SETGID) !== 0) return "it has the setuid or setgid bit";
  for (const name of is.attributes.keys()) {
    if (carriedAttributes(is).has(name) || BY_ITSELF.test(name)) continue;
    const before = was?.attributes.get(name);
    // A directory keeps what it has: it is not made anew.
    if (is.kind === "directory" && before !== undefined) continue;
    return `its attribute ${printable(name)} can not be carried over`;
  }
  return is.kind === "symlink" ? outwardLink(joinPath(facts.workspace, path), is.target, facts, policy) : "";
}

/** In which way a written file is beyond the limits of the profile, or "". To be called with the person's own authority. */
export function beyondLimits({ path, what, is, differs }: Change, { facts, upper }: Stage): string {
  const { fileLimits } = facts.profile;
  if (is?.kind !== "file" || !limitsFiles(fileLimits)) return "";
  if (what === "metadata" || (what === "modified" && !differs.includes("content"))) return "";
  const fd = openContent(joinPath(upper, path));
  try {
    const breach = breachOf(fd, fileLimits);
    return breach === null ? "" : `${breach.reason} (rule ${breach.rule})`;
  } finally {
    closeSync(fd);
  }
}

/**
 * A link is a way for whoever follows it. One that leads out of the workspace is committed when the run itself could have read
 * what it leads to.
 */
function outwardLink(link: string, target: string, facts: StageFacts, policy: Policy): string {
  const leadsTo = target.startsWith("/") ? target : `${dirname(link)}/${target}`;
  const real = linux.resolve(leadsTo, process.pid, process.pid, "follow");
  const ends = [normalized(leadsTo), ...(typeof real === "string" ? [real] : [])];
  for (const end of ends) {
    if (isWithin(end, facts.workspace)) continue;
    if (decidePath(policy, end, RIGHT.read).kind === "deny")
      return `the link leads out of the workspace, to ${printable(end)}, which the run could not read`;
  }
  return "";
}

function normalized(path: string): string {
  const steps: string[] = [];
  for (const step of path.split("/")) {
    if (step === "..") steps.pop();
    else if (step !== "" && step !== ".") steps.push(step);
  }
  return `/${steps.join("/")}`;
}

/** Why a commit would keep the change back, as far as it can be said beforehand, or "". Changes come in the order of their paths. */
export function reasonToKeep(change: Change, stage: Stage, policy: Policy, judging: Judging): string {
  const { facts } = stage;
  const obstacle = obstacleTo(change, facts, policy) || beyondLimits(change, stage);
  if (obstacle !== "") return obstacle;
  const refused = refusedPart(change, facts, judging);
  if (refused !== null) return `rule ${refused.rule} refuses to ${refused.request.op} ${refused.path}`;
  if (change.is?.kind === "directory") judging.ownDirectory(joinPath(facts.workspace, change.path));
  return "";
}

/** The first request that the change stands for and that the rules refuse. */
export function refusedPart(
  change: Change,
  facts: StageFacts,
  { judge }: Judging,
): { readonly request: Request; readonly rule: string; readonly path: string } | null {
  for (const request of meaningOf(change, facts.workspace)) {
    const judgement = judge(request);
    if (judgement.kind === "deny")
      return { request, rule: judgement.rule?.id ?? "default-deny", path: judgement.path };
  }
  return null;
}

/** What the change means in terms of requests: each of them has to be allowed before anything is done. */
function meaningOf({ path, was, is, differs }: Change, workspace: string): Request[] {
  const target = path === "" ? workspace : joinPath(workspace, path);
  const requests: Request[] = [];
  const isGone = was !== null && (is === null || was.kind !== is.kind);
  if (isGone) requests.push(...removalsOf(target));
  if (is === null) return requests;
  const isNew = was === null || isGone;
  if (is.kind === "file" && (isNew || differs.includes("content")))
    requests.push({ op: "open", path: target, flags: OPEN.write | OPEN.create | OPEN.truncate, mode: 0 });
  if (is.kind === "symlink") requests.push({ op: "symlink", target: is.target, path: target });
  if (isNew && is.kind === "directory") requests.push({ op: "mkdir", path: target, mode: is.mode & 0o1777 });
  if (isNew && is.kind === "fifo") requests.push({ op: "mknod", path: target, kind: "fifo", mode: is.mode });
  if (!isNew) requests.push(...metadataRequests({ was, is, differs }, target));
  return requests;
}

/** A tree goes with everything in it. */
function removalsOf(path: string): Request[] {
  const found = factsAt(path);
  if (found === null) return [];
  if (found.kind !== "directory") return [{ op: "unlink", path, kind: "file" }];
  const below = namesIn(path).flatMap((name) => (name === null ? [] : removalsOf(joinPath(path, name))));
  return [...below, { op: "unlink", path, kind: "directory" }];
}

/** Makes `target`, which is like `was`, like `is`. */
export function metadataRequests(
  { was, is, differs }: Pick<Change, "was" | "is" | "differs">,
  target: string,
): Request[] {
  if (is === null) return [];
  const requests: Request[] = [];
  const attributes = carriedAttributes(is);
  const before = was === null ? new Map<string, Uint8Array>() : carriedAttributes(was);
  if (differs.includes("attributes")) {
    for (const [name, value] of attributes)
      requests.push({ op: "setxattr", path: target, name, value, existing: "any", follow: "nofollow" });
    for (const name of before.keys())
      if (!attributes.has(name)) requests.push({ op: "removexattr", path: target, name, follow: "nofollow" });
  }
  if (differs.includes("owner"))
    requests.push({ op: "chown", path: target, uid: is.uid, gid: is.gid, follow: "nofollow" });
  if (differs.includes("mode") && is.kind !== "symlink")
    requests.push({ op: "chmod", path: target, mode: is.mode & 0o1777, follow: "nofollow" });
  if (differs.includes("times"))
    requests.push({
      op: "utimens",
      path: target,
      accessed: "keep",
      modified: is.modifiedNs,
      follow: "nofollow",
    });
  return requests;
}
