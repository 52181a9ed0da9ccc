import { SallyportError } from "../../protocol/errors.ts";
import type { Containment } from "../containment.ts";
import { type ControlRequest, textOf, type Verbs } from "./message.ts";

const MAX_REASON = 400;
const MAX_NAME = 128;

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
  /** Its sub-agents, each by the id of the capability that it was launched with. */
  readonly agents: readonly (StateFacts & { readonly capability: string })[];
};

type StateFacts = Pick<RunStatus, "state" | "reason" | "by" | "since">;

/** A sub-agent that lives. */
export type SubAgent = { readonly capability: string; readonly containment: Containment };

export type StatusFacts = Pick<RunStatus, "run" | "started" | "profile" | "workspace" | "argv">;

/**
 * The verbs that every run understands; with `agent`, the id of a capability, they are about the sub-agents that were launched with it, and
 * those alone. Others are added beside them: `{ ...containmentVerbs(…), revoke }`.
 */
export function containmentVerbs(
  containment: Containment,
  facts: StatusFacts,
  agents: () => readonly SubAgent[],
): Verbs {
  const stateOf = ({ state, cause, since }: Containment): StateFacts => {
    const { reason = "", by = "" } = cause ?? {};
    return { state, reason, by, since: since || facts.started };
  };
  const status = (): RunStatus => ({
    ...facts,
    ...stateOf(containment),
    pid: process.pid,
    agents: agents().map((one) => ({ capability: one.capability, ...stateOf(one.containment) })),
  });
  const chosen = (request: ControlRequest): readonly Containment[] => {
    if (request["agent"] === undefined) return [containment];
    const agent = textOf(request, "agent", MAX_NAME, "");
    const found = agents().filter(({ capability }) => capability === agent);
    if (found.length > 0) return found.map((one) => one.containment);
    throw new SallyportError(
      "NOT_FOUND",
      `Cannot ${request.verb}: no sub-agent of this run has the capability ${JSON.stringify(agent)}`,
      { field: "agent" },
    );
  };
  return {
    status,
    async freeze(request) {
      const cause = { by: "person", reason: reasonOf(request) } as const;
      await Promise.all(chosen(request).map((one) => one.freeze(cause)));
      return status();
    },
    async resume(request) {
      const disarmed = namesOf(request);
      const those = chosen(request);
      // Its processes would go on in a run that stands still.
      if (request["agent"] !== undefined && containment.state !== "running")
        throw new SallyportError("INVALID", `Cannot resume one agent: the run is ${containment.state}`, {
          field: "agent",
        });
      const frozen = those.filter(({ state }) => state === "frozen");
      await Promise.all((frozen.length === 0 ? those : frozen).map((one) => one.resume("person", disarmed)));
      return status();
    },
    kill(request) {
      for (const one of chosen(request)) one.kill({ by: "person", reason: reasonOf(request) });
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
