import type { ExecRequest } from "../../protocol/message.ts";
import type { Nonces } from "../../tokens/nonces.ts";
import type { Outcome } from "../outcome.ts";
import type { Session } from "../session.ts";
import type { Authority } from "./authority.ts";

/** What a session asks of the sub-agents of its run. */
export type Agents = {
  /** Whether the sender of a message is a process of the session. */
  belongs(pid: number, identity: number, session: Session): boolean;
  /** The host, as tokens name it. */
  readonly audience: string;
  /** A verified presentation for `session`: a handle that is good there alone, or the refusal. */
  present(presented: Presented, session: Session): Outcome;
  /** What a program that is launched by the handle would have; null: the session has no such handle. */
  authorityOf(handle: number, session: Session): Authority | null;
  /** Starts a program with that, and gives its pid. Rejects with a SallyportError. */
  launch(request: ExecRequest, session: Session, descriptors: readonly number[]): Promise<number>;
};

/** What is asked over one channel, and has not been answered. */
export type Presenting = { readonly name: string; readonly nonces: Nonces };

/** A token and the proof of its holder, and what that has to be made for. */
export type Presented = {
  readonly token: string;
  readonly proof: string | null;
  readonly channel: string;
  readonly nonces: Nonces;
};
