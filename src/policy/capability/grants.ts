import type { Effort } from "../segment_subsumes.ts";
import { covers, limitsContent, SIZED, TYPED, touches } from "./acts.ts";
import type { Grant, Target } from "./capability.ts";
import { cellsHold, formatCells } from "./cell_target.ts";
import { hostSubsumes } from "./host_target.ts";
import { maxSizeSubsumes } from "./max_size.ts";
import { mimeTypesSubsume } from "./mime_types.ts";
import { checkPath, pathSubsumes } from "./path_target.ts";
import { type Proof, WITHIN, wider } from "./proof.ts";
import { windowSubsumes } from "./time_window.ts";

/**
 * Whether all that `child` lets be done is let by `parents` together: those that let its action be done and whose limits are
 * no tighter than its own must hold its target. `field` is where the child stands; without effort left it is taken for wider.
 */
export function grantSubsumes(parents: readonly Grant[], child: Grant, field: string, effort: Effort): Proof {
  const { action } = child;
  const acting = parents.filter((parent) => covers(parent.action, action));
  if (acting.length === 0)
    return wider(`${field}.action`, `is "${action}", which the parent does not grant`, "leave it out");
  const able = acting.filter((parent) => limitOf(parent, child) === null);
  if (targetHolds(able, child, effort)) return WITHIN;
  if (effort.left < 0)
    return wider(
      `${field}.path`,
      "can not be compared with the parent's in time",
      "write fewer or plainer patterns",
    );
  const near = acting.filter((parent) => targetHolds([parent], child, effort));
  const limited = near.map((parent) => limitOf(parent, child)).find((limit) => limit !== null);
  if (limited !== undefined && limited !== null)
    return wider(`${field}.${limited.name}`, limited.problem, limited.remedy);
  const name = child.target.kind;
  return wider(
    `${field}.${name}`,
    `is ${JSON.stringify(targetText(child.target))}, which is not within what the parent grants for "${action}"`,
    "write a narrower one",
  );
}

type Limit = { readonly name: string; readonly problem: string; readonly remedy: string };

/** The first limit of the parent that the child does not keep to. */
function limitOf(parent: Grant, child: Grant): Limit | null {
  const { action } = child;
  if (touches(action, SIZED) && !maxSizeSubsumes(parent.maxSizeBytes, child.maxSizeBytes)) {
    const most = parent.maxSizeBytes!;
    return {
      name: "max_size",
      problem: `is ${said(child.maxSizeBytes)}, and the parent has ${most}`,
      remedy: `write at most ${most}`,
    };
  }
  if (touches(action, TYPED) && !mimeTypesSubsume(parent.mimeTypes, child.mimeTypes)) {
    const types = parent.mimeTypes!.join(", ");
    return {
      name: "mime",
      problem: `is ${said(child.mimeTypes)}, and the parent has ${types}`,
      remedy: "write some of these",
    };
  }
  if (!windowSubsumes(parent.window, child.window))
    return {
      name: "window",
      problem: `is ${said(child.window)}, which is not within the parent's`,
      remedy: "write the parent's or a part of it",
    };
  return null;
}

function targetHolds(parents: readonly Grant[], child: Grant, effort: Effort): boolean {
  const { target } = child;
  switch (target.kind) {
    case "path":
      return pathSubsumes(patternsOf(parents), target.pattern, effort);
    case "host":
      return hostSubsumes(
        parents.flatMap((parent) => (parent.target.kind === "host" ? [parent.target.host] : [])),
        target.host,
      );
    case "cells":
      return parents.some((parent) => cellsAreIn(parent, target));
  }
}

/** Whoever may read or write a whole workbook, whatever its size and type, may do so with its cells. */
function cellsAreIn(parent: Grant, cells: Extract<Target, { readonly kind: "cells" }>): boolean {
  if (parent.target.kind === "cells") return cellsHold(parent.target, cells);
  if (parent.target.kind !== "path" || limitsContent(parent)) return false;
  return checkPath(parent.target.pattern, cells.path);
}

function patternsOf(grants: readonly Grant[]): readonly string[] {
  return grants.flatMap(({ target }) => (target.kind === "path" ? [target.pattern] : []));
}

function targetText(target: Target): string {
  if (target.kind === "path") return target.pattern;
  if (target.kind === "cells") return formatCells(target);
  return target.host.kind === "host" ? target.host.name : target.host.block.address.join(".");
}

function said(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
