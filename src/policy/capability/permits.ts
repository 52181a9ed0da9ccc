import { covers, limitsContent, SIZED, TYPED } from "./acts.ts";
import type { Action, Capability, Grant, Target } from "./capability.ts";
import { cellsHold } from "./cell_target.ts";
import { checkHost } from "./host_target.ts";
import { checkLifetime } from "./lifetime.ts";
import { checkMaxSize } from "./max_size.ts";
import { checkMimeType } from "./mime_types.ts";
import { checkPath } from "./path_target.ts";
import { checkWindow } from "./time_window.ts";

/** One thing that somebody wants to do. */
export type Act = {
  readonly action: Action;
  readonly target: ActTarget;
  readonly timeMs: number;
  /** What the file will have when it is done; of a write or an append. */
  readonly sizeBytes?: number;
  /** The type by content; of a read, a write or an append. */
  readonly mimeType?: string;
};
export type ActTarget =
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "host"; readonly host: string; readonly port: number }
  | Extract<Target, { readonly kind: "cells" }>;

/**
 * Whether the capability by itself lets it be done: in its life, by one of its grants as a whole. The budget is counted elsewhere,
 * for it needs what was spent. What a limit asks about and the act does not say is refused.
 */
export function permits(capability: Capability, act: Act): boolean {
  return checkLifetime(capability, act.timeMs) && capability.grants.some((grant) => grantPermits(grant, act));
}

function grantPermits(grant: Grant, act: Act): boolean {
  const { action } = act;
  if (!covers(grant.action, action) || !checkWindow(grant.window, act.timeMs)) return false;
  if (SIZED.includes(action) && !checkMaxSize(grant.maxSizeBytes, act.sizeBytes)) return false;
  if (TYPED.includes(action) && !checkMimeType(grant.mimeTypes, act.mimeType)) return false;
  return targetHolds(grant, act.target);
}

/** Whether a grant is about what is asked for, whatever the action. */
export function targetHolds(grant: Grant, asked: ActTarget): boolean {
  const { target } = grant;
  if (target.kind === "path" && asked.kind === "path") return checkPath(target.pattern, asked.path);
  if (target.kind === "host" && asked.kind === "host") return checkHost(target.host, asked.host, asked.port);
  if (asked.kind !== "cells") return false;
  if (target.kind === "cells") return cellsHold(target, asked);
  return target.kind === "path" && !limitsContent(grant) && checkPath(target.pattern, asked.path);
}
