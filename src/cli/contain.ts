import { askRun, runsWithControl } from "../broker/control/client.ts";
import type { ControlRequest } from "../broker/control/message.ts";
import type { RunStatus } from "../broker/control/verbs.ts";
import { printable } from "../broker/denial.ts";
import { openState, stateDirectory } from "../broker/state.ts";
import { userByUid } from "../broker/user.ts";
import { SallyportError } from "../protocol/errors.ts";

type Flags = { readonly json?: boolean; readonly state?: string; readonly agent?: string };

/** `sallyport runs`: the runs that live, each with its state. */
export async function runs(flags: Flags): Promise<void> {
  const state = stateOf(flags);
  for (const run of runsWithControl(state)) {
    const status = await askRun(state, run, { verb: "status" }).catch((error: unknown) => {
      // What a killed broker has left.
      if (error instanceof SallyportError && error.code === "GONE") return null;
      throw error;
    });
    if (status !== null) tell(status as RunStatus, flags);
  }
}

/** `sallyport freeze RUN`: stops every process of it. */
export async function freeze(run: string, flags: Flags & { readonly reason?: string }): Promise<void> {
  await act(run, { verb: "freeze", ...reasonOf(flags) }, flags);
}

/** `sallyport resume RUN`: lets it go on. */
export async function resume(run: string, flags: Flags & { readonly disarm: string[] }): Promise<void> {
  await act(run, { verb: "resume", disarm: flags.disarm }, flags);
}

/** `sallyport kill RUN`: ends it. */
export async function kill(run: string, flags: Flags & { readonly reason?: string }): Promise<void> {
  await act(run, { verb: "kill", ...reasonOf(flags) }, flags);
}

async function act(run: string, request: ControlRequest, flags: Flags): Promise<void> {
  const about = flags.agent === undefined ? {} : { agent: flags.agent };
  tell((await askRun(stateOf(flags), run, { ...request, ...about })) as RunStatus, flags);
}

function tell(status: RunStatus, flags: Flags): void {
  if (flags.json) {
    console.log(JSON.stringify(status));
    return;
  }
  const { run, started, profile, workspace, argv, agents } = status;
  const begun = new Date(started).toISOString();
  console.log(
    printable(
      `${run} · ${stateText(status)} · ${profile} · ${workspace} · ${argv.join(" ")} · started ${begun}`,
    ),
  );
  for (const agent of agents)
    console.log(printable(`${run} · agent of capability ${agent.capability} · ${stateText(agent)}`));
}

function stateText({ state, since, reason }: Pick<RunStatus, "state" | "since" | "reason">): string {
  return state === "running" ? state : `${state} since ${new Date(since).toISOString()} (${reason})`;
}

function reasonOf({ reason }: { readonly reason?: string }): { reason?: string } {
  return reason === undefined ? {} : { reason };
}

function stateOf(flags: Flags): string {
  return openState(stateDirectory(flags.state, userByUid(process.geteuid!()).home));
}
