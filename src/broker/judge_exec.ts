import { RIGHT } from "../policy/rights.ts";
import { type ExecRequest, OPEN, type Request } from "../protocol/message.ts";
import type { Caller } from "./caller.ts";
import { denied, type Judgement, type Looked } from "./judgement.ts";
import type { Session } from "./session.ts";

/**
 * Decides on the program that lies at the path; `byPath` is what the rules on paths say. What the kernel executes then is bounded by the
 * same rules, on the object.
 */
export function judgeExec(request: ExecRequest, session: Session, byPath: Judgement): Judgement {
  const { verdict, owner, sha256 } = session.programs.judge(request.path);
  const looked: Looked = {
    ...(owner === null ? {} : { owner }),
    ...(sha256 === null ? {} : { sha256 }),
  };
  if (verdict.kind === "deny") return { ...denied(request.path, verdict.rule, RIGHT.execute), looked };
  if (byPath.kind === "deny") return { ...byPath, looked };
  const forbidden = session.cedar?.execute(
    request.path,
    () => sha256 ?? session.programs.digest(request.path, -1),
  );
  if (forbidden) return { ...denied(request.path, forbidden, RIGHT.execute), looked };
  return { ...byPath, rule: verdict.kind === "allow" ? verdict.rule : byPath.rule, looked };
}

const CHANGES = OPEN.write | OPEN.append | OPEN.truncate;

/** What keeps programs what they were found to be, and the loader from running what is no program of the run; null: nothing to say. */
export function judgeAroundPrograms(request: Request, caller: Caller, session: Session): Judgement | null {
  const { programs, platform } = session;
  if (!programs.isOn) return null;
  if (request.op === "open" && (request.flags & OPEN.pathOnly) === 0) {
    const refusal = programs.refusalOf(caller.pid);
    if (refusal !== null) return denied(request.path, refusal, RIGHT.read);
  }
  if (request.op !== "truncate" && (request.op !== "open" || (request.flags & CHANGES) === 0)) return null;
  const found = platform.stat(request.path);
  if (typeof found === "number" || !programs.holds(found.device, found.inode)) return null;
  return denied(request.path, GRANTED, RIGHT.write);
}

const GRANTED = {
  id: "execution.granted",
  reason: "it is another name of a program that the run may execute",
};
