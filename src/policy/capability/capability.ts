import type { CellRange } from "../../protocol/message.ts";
import type { NetworkGrant } from "../network.ts";

export type { CellRange } from "../../protocol/message.ts";

/**
 * The one internal form of a capability. A token of whatever envelope is verified once, becomes this, and from then on only this
 * counts. Everything is a limit: a field that is absent limits nothing beyond what the profile of the run does.
 */
export type Capability = {
  /** 1 to 128 bytes of printable ASCII without space; revocation names it. */
  readonly id: string;
  /** Who may use it: an agent's name, or the thumbprint of the key that it must prove to hold. */
  readonly subject: string;
  /** Whose word it is: the name of the issuing key's owner. */
  readonly issuer: string;
  /** The only run that may use it, or null for any run of the subject. */
  readonly run: string | null;
  /** When it was made, by the clock of whoever made it; 0 where that is not said. Revocation by epoch goes by it. */
  readonly issuedMs: number;
  readonly notBeforeMs: number;
  /** Of the wall clock. A session adds a deadline of the boot clock, which nobody can set back. */
  readonly expiresMs: number;
  readonly grants: readonly Grant[];
  readonly budget: Budget;
  /** How many more times it may be handed on, each time narrower. */
  readonly delegationDepth: number;
  /** What happens to descriptors that are out when it is revoked. */
  readonly onRevoke: OnRevoke;
};

export type Action =
  | "read"
  | "write"
  | "append"
  | "create"
  | "delete"
  | "rename"
  | "list"
  | "stat"
  | "metadata"
  | "exec"
  | "connect"
  | "listen";

/** In the order of the documentation. */
export const ACTIONS: readonly Action[] = [
  "read",
  "write",
  "append",
  "create",
  "delete",
  "rename",
  "list",
  "stat",
  "metadata",
  "exec",
  "connect",
  "listen",
];

export type Grant = {
  readonly action: Action;
  readonly target: Target;
  /** The most that a file which is written may have. */
  readonly maxSizeBytes?: number;
  /** Types by content, as "application/pdf" or "image/*"; of what is read or written. */
  readonly mimeTypes?: readonly string[];
  /** Times of the day at which it holds, in UTC. */
  readonly window?: TimeWindow;
};

export type Target =
  /** An absolute pattern without variables, in the grammar of pattern.ts. */
  | { readonly kind: "path"; readonly pattern: string }
  /** A host or block with its port, for `connect`; a port of the loopback for `listen`. */
  | { readonly kind: "host"; readonly host: NetworkGrant }
  /** Cells of a workbook, for `read` and `write` through the brokered cell operations. Columns and rows count from 0, both ends within. */
  | { readonly kind: "cells"; readonly path: string; readonly sheet: string; readonly range: CellRange };

/**
 * Minutes from midnight UTC, `from` within and `to` (up to 1440) not; `to` at or below `from` goes over midnight, into the day
 * after one of `days`. Days count from Sunday, 0.
 */
export type TimeWindow = {
  readonly days: readonly number[];
  readonly fromMinute: number;
  readonly toMinute: number;
};

/** What never refills. Each use of a child is taken from all its ancestors too. */
export type Budget = {
  readonly maxUses?: number;
  /** Files made or changed. */
  readonly maxFiles?: number;
  readonly maxReadBytes?: number;
  readonly maxWriteBytes?: number;
  readonly maxDeletes?: number;
};

export type OnRevoke = "refuse" | "freeze" | "kill";

/** A capability with those that it was derived from, the issuer's own first and itself last. */
export type CapabilityChain = readonly [Capability, ...Capability[]];
