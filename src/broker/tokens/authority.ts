import { type FileLimit, type RuleSet, ruleSetOf } from "../../policy/capability/compile.ts";
import type { NetworkRule } from "../../policy/network.ts";
import { requestPaths } from "../../policy/request_paths.ts";
import { RIGHT, rightNames } from "../../policy/rights.ts";
import type { Request } from "../../protocol/message.ts";
import { denied, type Judgement, type RefusingRule } from "../judgement.ts";
import type { Held } from "./capability_table.ts";
import type { BatchClock, Instant } from "./clock.ts";
import { type Floor, floorRights } from "./floor.ts";
import { leaseState } from "./lease.ts";

/** What a session has of each thing it asks for. */
export type Narrowed =
  | {
      readonly kind: "allow";
      /** The capability that the right comes from; null: the floor has it. */
      readonly held: Held | null;
    }
  | Extract<Judgement, { kind: "deny" }>;

/**
 * What a session with tokens may do: the floor, and what its capabilities grant while they are good, and never more than the session
 * has that it comes from. The profile of the run is asked besides, and a deny rule of it always wins.
 */
export class Authority {
  readonly held: readonly Held[];
  readonly parent: Authority | null;
  readonly tmp: string;
  readonly #floor: Floor;
  readonly #clock: BatchClock;

  constructor(parts: {
    readonly held: readonly Held[];
    readonly parent: Authority | null;
    readonly floor: Floor;
    readonly tmp: string;
    readonly clock: BatchClock;
  }) {
    this.held = parts.held;
    this.parent = parts.parent;
    this.tmp = parts.tmp;
    this.#floor = parts.floor;
    this.#clock = parts.clock;
  }

  /** `request` names things as rules do. */
  narrow(request: Request, now: Instant = this.#clock.now()): Narrowed {
    if (request.op === "ssh-sign")
      return denied(request.key, { id: NOT_GRANTED, reason: "no capability grants signatures" }, 0);
    if (request.op === "bind" || request.op === "resolve") {
      const refusal = this.refusesNetwork();
      if (refusal !== null)
        return denied(request.op === "bind" ? String(request.port) : request.host, refusal, 0);
    }
    const set = ruleSetOf(request);
    let used: Held | null = null;
    for (const { path, rights } of requestPaths(request)) {
      const missing = rights & ~floorRights(this.#floor, this.tmp, path);
      if (missing === 0) continue;
      let wanting = missing;
      for (const held of this.held) {
        if (stateOf(held, now) !== "good") continue;
        const granted =
          request.op === "read-cells" || request.op === "write-cells"
            ? held.paths.cellRights(request, now.wallMs)
            : held.paths.rights(path, set, now.wallMs);
        if ((granted & wanting) !== 0) used ??= held;
        wanting &= ~granted;
      }
      if (wanting !== 0) return denied(path, this.#why(wanting, now), wanting);
    }
    const above = this.parent?.narrow(request, now) ?? null;
    if (above?.kind === "deny") return above;
    return { kind: "allow", held: used };
  }

  /** Why one of its capabilities, or of those above, is of no use any more; null: all are good. */
  end(now: Instant = this.#clock.now()): RefusingRule | null {
    for (const held of this.all) {
      const rule = endOf(held, now);
      if (rule !== null) return rule;
    }
    return null;
  }

  /** Whether it has all of `rights` on a path now: for what the kernel is told at a launch. */
  has(path: string, rights: number, set: RuleSet = "exec"): boolean {
    const now = this.#clock.now();
    let wanting = rights & ~floorRights(this.#floor, this.tmp, path);
    for (const held of this.held)
      if (stateOf(held, now) === "good") wanting &= ~held.paths.rights(path, set, now.wallMs);
    return wanting === 0 && (this.parent?.has(path, rights, set) ?? true);
  }

  /** What a file must be that is read or written here: one out of each list. */
  limits(path: string, action: "read" | "write"): readonly (readonly FileLimit[])[] {
    const now = this.#clock.now();
    const right = RIGHT[action];
    const above = this.parent?.limits(path, action) ?? [];
    if ((right & ~floorRights(this.#floor, this.tmp, path)) === 0) return above;
    const own: FileLimit[] = [];
    for (const held of this.held) {
      if (stateOf(held, now) !== "good" || (held.paths.rights(path, "files", now.wallMs) & right) === 0)
        continue;
      const limits = held.paths.limits(path, action, now.wallMs);
      if (limits.length === 0) return above;
      own.push(...limits);
    }
    return own.length === 0 ? above : [...above, own];
  }

  /** The most that a file may have that any of its grants lets be written; null: some grant does not say. */
  get maxFileBytes(): number | null {
    const sizes = this.held.flatMap(({ capability: { grants } }) =>
      grants.flatMap(({ action, target, maxSizeBytes }) =>
        action === "write" && target.kind === "path" ? [maxSizeBytes ?? Number.POSITIVE_INFINITY] : [],
      ),
    );
    const own = sizes.length === 0 ? Number.POSITIVE_INFINITY : Math.max(...sizes);
    const all = Math.min(own, this.parent?.maxFileBytes ?? Number.POSITIVE_INFINITY);
    return all === Number.POSITIVE_INFINITY ? null : all;
  }

  /** Whether some grant limits what files may be. */
  get limitsFiles(): boolean {
    return this.all.some(({ paths }) => paths.limitsFiles);
  }

  /** Why nothing new goes to the network; null: what was granted at the start still is. */
  refusesNetwork(): NetworkRule | null {
    const now = this.#clock.now();
    for (const held of this.held)
      if (
        stateOf(held, now) === "good" &&
        held.capability.grants.some(({ target }) => target.kind === "host")
      )
        return this.parent?.refusesNetwork() ?? null;
    const ended = this.held.map((held) => endOf(held, now)).find((rule) => rule !== null);
    return ended ?? { id: NOT_GRANTED, reason: "no capability grants the network", remedy: "" };
  }

  /** Trees that the kernel may let it read by itself. */
  get floorTrees(): readonly string[] {
    return this.#floor.trees;
  }

  get floor(): Floor {
    return this.#floor;
  }

  /** Every capability that it rests on, its own first. */
  get all(): readonly Held[] {
    return [...this.held, ...(this.parent?.all ?? [])];
  }

  /** For the records of a session: the capability that it stands for. */
  get id(): string {
    return this.held.map(({ capability }) => capability.id).join(" ");
  }

  /** The refusal that a person can do most about: what ended first, else what is not granted. */
  #why(wanting: number, now: Instant): RefusingRule {
    for (const held of this.held) {
      const rule = endOf(held, now);
      if (rule !== null) return rule;
    }
    const names = this.held.map(({ capability }) => `"${capability.id}"`).join(", ");
    return {
      id: NOT_GRANTED,
      reason: `capability ${names} does not grant ${rightNames(wanting).join(", ")} here`,
      remedy: "start with a token that grants it as well: sallyport run --token FILE …",
    };
  }
}

/** Refused as what no rule grants: what is not there is not there. */
export const NOT_GRANTED = "capability.not-granted";

function stateOf(held: Held, now: Instant): "good" | "not yet" | "expired" | "revoked" {
  return held.revoked !== null ? "revoked" : leaseState(held.lease, now);
}

/** Why a capability is of no use now; null: it is good. */
export function endOf(held: Held, now: Instant): (RefusingRule & { readonly remedy: string }) | null {
  const { capability, lease } = held;
  switch (stateOf(held, now)) {
    case "good":
      return null;
    case "revoked":
      return {
        id: "capability.revoked",
        reason: `capability "${capability.id}" was revoked: ${held.revoked}`,
        remedy: `ask "${capability.issuer}" for a new token`,
      };
    case "expired":
      return {
        id: "capability.expired",
        reason: `capability "${capability.id}" has expired, at ${when(lease.expiresMs)}`,
        remedy: `ask "${capability.issuer}" for a new token (sallyport token mint), and start again with --token FILE`,
      };
    case "not yet":
      return {
        id: "capability.not-yet",
        reason: `capability "${capability.id}" is not good before ${when(lease.notBeforeMs)}`,
        remedy: "wait until then",
      };
  }
}

function when(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}
