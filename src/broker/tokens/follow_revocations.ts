import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import type { OnRevoke } from "../../policy/capability/capability.ts";
import type { Cause, Containment } from "../containment.ts";
import { type Held, strictest } from "./capability_table.ts";
import type { RunTokens } from "./run_tokens.ts";
import type { SubLaunches } from "./sub_launch.ts";

/** Should the kernel not tell of a change, it is seen after this time. */
const LOOK_AGAIN_MS = 1000;

export type Followed = {
  /** Looks now; gives the ids of all capabilities of the run that have been revoked. */
  refresh(): readonly string[];
  close(): void;
};

export type FollowParts = {
  readonly tokens: RunTokens;
  readonly agents: SubLaunches;
  readonly containment: Containment;
  asOwner<T>(act: () => T): T;
  note(extra: Record<string, string>): void;
};

/**
 * Follows the list of revocations as long as a run lives. What is revoked is of no use to any request that is looked at from then on; what
 * becomes of the descriptors that are out, the capability says. Event-loop thread; `file` is watched with the authority of the owner.
 */
export function followRevocations({ tokens, agents, containment, asOwner, note }: FollowParts): Followed {
  const refresh = (): readonly string[] => {
    const revoked = asOwner(() => tokens.refreshRevocations());
    for (const held of revoked)
      note({ revoked: held.capability.id, why: held.revoked ?? "", onRevoke: held.onRevoke });
    if (revoked.length > 0) act(revoked, tokens, agents, containment);
    return tokens.table.revoked;
  };
  const file = tokens.revocationsFile;
  if (file === null) return { refresh, close: () => {} };
  // Of the directory: the file may not be there yet, and is replaced when it has grown.
  const watcher: FSWatcher = asOwner(() => watch(dirname(file), { persistent: false }, () => refresh()));
  watcher.on("error", () => watcher.close());
  const timer = setInterval(refresh, LOOK_AGAIN_MS);
  timer.unref();
  return {
    refresh,
    close() {
      watcher.close();
      clearInterval(timer);
    },
  };
}

function act(
  revoked: readonly Held[],
  tokens: RunTokens,
  agents: SubLaunches,
  containment: Containment,
): void {
  const ofRoot = revoked.filter((held) => tokens.root?.held.includes(held));
  contain(containment, ofRoot);
  // Whoever has ended with the run needs no end of its own.
  if (containment.state !== "ending") {
    for (const one of agents.restingOn(revoked))
      contain(
        one.containment,
        revoked.filter((held) => one.authority.all.includes(held)),
      );
  }
}

function contain(containment: Containment, revoked: readonly Held[]): void {
  if (revoked.length === 0) return;
  const how: OnRevoke = strictest(revoked.map(({ onRevoke }) => onRevoke));
  const ids = revoked.map(({ capability }) => capability.id).join(", ");
  const cause: Cause = { by: "revocation", reason: `capability ${ids} was revoked: ${revoked[0]!.revoked}` };
  if (how === "kill") containment.kill(cause);
  // A run that ends meanwhile needs no freezing.
  if (how === "freeze") void containment.freeze(cause).catch(() => {});
}
