import { SallyportError } from "../../protocol/errors.ts";
import type { Containment } from "../containment.ts";
import { type ControlRequest, textOf, type Verbs } from "./message.ts";

const MAX_REASON = 400;

/** What `status` answers. Times are milliseconds since the epoch. */
export type RunStatus = {
  readonly run: string;
  readonly state: "running" | "frozen" | "ending";
  /** Why it is frozen or ending; "" while it runs. */
  readonly reason: string;
  readonly by: string;
  /** When the state began. */
  readonly since: number;
  readonly started: number;
  /** Of the broker that serves it. */
  readonly pid: number;
  readonly profile: string;
  readonly workspace: string;
  readonly argv: readonly string[];
};

export type StatusFacts = Pick<RunStatus, "run" | "started" | "profile" | "workspace" | "argv">;

/** The verbs that every run understands. Others are added beside them: `{ ...containmentVerbs(…), revoke }`. */
export function containmentVerbs(containment: Containment, facts: StatusFacts): Verbs {
  const status = (): RunStatus => {
    const { state, cause, since } = containment;
    const { reason = "", by = "" } = cause ?? {};
    return { ...facts, state, reason, by, since: since || facts.started, pid: process.pid };
  };
  return {
    status,
    async freeze(request) {
      await containment.freeze({ by: "person", reason: reasonOf(request) });
      return status();
    },
    async resume(request) {
      await containment.resume("person", namesOf(request));
      return status();
    },
    kill(request) {
      containment.kill({ by: "person", reason: reasonOf(request) });
      return status();
    },
  };
}

function reasonOf(request: ControlRequest): string {
  return textOf(request, "reason", MAX_REASON, `sallyport ${request.verb}`);
}

/** Breakers that are to leave the run alone. */
function namesOf(request: ControlRequest): readonly string[] {
  const { disarm = [] } = request;
  if (Array.isArray(disarm) && disarm.length <= 16 && disarm.every((name) => typeof name === "string"))
    return disarm;
  throw new SallyportError("INVALID", "Cannot resume: disarm is no list of breakers", { field: "disarm" });
}
