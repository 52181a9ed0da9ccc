/** What a program asked for and its profile does not grant, added up by path. Pure. */
import type { Op, Request } from "../../protocol/message.ts";
import { decidePath, type Policy } from "../decide.ts";
import { type PathRights, requestPaths } from "../request_paths.ts";

/** One path that was asked for. */
export type Observation = {
  readonly path: string;
  /** Bits of RIGHT that were asked for and that no rule of the base grants. */
  readonly rights: number;
  readonly operations: number;
  /** The first operation on it. */
  readonly op: Op;
};

/** The paths of a request with the rights that the base does not grant; of a path that a rule denies there is nothing. */
export function wantingPaths(base: Policy, request: Request): PathRights[] {
  const wanting: PathRights[] = [];
  // What makes a file by renaming will find it there the next time.
  const isNew = request.op === "rename" && request.existing === "refuse";
  const asked: Request = isNew ? { ...request, existing: "replace" } : request;
  for (const { path, rights } of requestPaths(asked)) {
    const verdict = decidePath(base, path, rights);
    if (verdict.kind === "deny" && verdict.rule === null) wanting.push({ path, rights: verdict.missing });
  }
  return wanting;
}

const MAX_PATHS = 50_000;

export class Observations {
  readonly #byPath = new Map<string, Observation>();
  /** Operations on paths beyond the bound: counted, not kept. */
  dropped = 0;

  add(op: Op, { path, rights }: PathRights): void {
    const seen = this.#byPath.get(path);
    if (seen === undefined && this.#byPath.size >= MAX_PATHS) {
      this.dropped++;
      return;
    }
    this.#byPath.set(path, {
      path,
      rights: (seen?.rights ?? 0) | rights,
      operations: (seen?.operations ?? 0) + 1,
      op: seen?.op ?? op,
    });
  }

  all(): Observation[] {
    return [...this.#byPath.values()];
  }
}
