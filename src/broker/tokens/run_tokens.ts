import type { Account } from "../../limits/quotas.ts";
import type { CapabilityChain } from "../../policy/capability/capability.ts";
import type { Proof } from "../../policy/capability/proof.ts";
import { subsumes } from "../../policy/capability/subsumes.ts";
import { SallyportError } from "../../protocol/errors.ts";
import type { IssuerKeys } from "../../tokens/envelope.ts";
import { refuseProof } from "../../tokens/proof.ts";
import type { Refusal } from "../../tokens/refusal.ts";
import { verifyToken } from "../../tokens/verify.ts";
import type { RefusingRule } from "../judgement.ts";
import type { RunOptions } from "../run_options.ts";
import type { Places } from "../workspace.ts";
import type { Presented } from "./agents.ts";
import { Authority, endOf } from "./authority.ts";
import { BudgetAccounts } from "./budget_accounts.ts";
import { CapabilityTable, type Held } from "./capability_table.ts";
import { BatchClock, type Clock, systemClock } from "./clock.ts";
import { type Floor, floorOfTokens } from "./floor.ts";
import type { Revocations } from "./revocations.ts";
import { chainOf, openTrust } from "./trust.ts";

/** Whom this host believes. */
export type Trust = {
  readonly issuers: IssuerKeys;
  readonly audience: string;
  readonly revocations: Pick<Revocations, "path" | "refresh" | "revoked">;
};

export type RunTokensParts = {
  readonly run: string;
  /** Verified. */
  readonly chains: readonly CapabilityChain[];
  readonly places: Places;
  /** null: nobody; then nothing can be presented. */
  readonly trust: Trust | null;
  readonly clock?: Clock;
};

type Verified =
  | { readonly kind: "valid"; readonly chain: CapabilityChain }
  | { readonly kind: "refused"; readonly rule: RefusingRule };

/** The tokens of one run: those that it was started with, and those that its programs present. */
export class RunTokens {
  readonly run: string;
  readonly table: CapabilityTable = new CapabilityTable();
  readonly clock: BatchClock;
  /** Of the run's first session; null: it has what the profile grants. */
  readonly root: Authority | null;
  readonly #places: Places;
  readonly #trust: Trust | null;
  #floor: Floor | null = null;
  #unreadable: string | null = null;
  #keepsWhatWasThere = true;

  /** `chains` are verified. Throws SETUP for one that is not good now, or not for this run. */
  constructor({ run, chains, places, trust, clock = systemClock }: RunTokensParts) {
    this.run = run;
    this.#trust = trust;
    this.clock = new BatchClock(clock);
    this.#places = places;
    const held = chains.map((chain) => {
      const taken = this.take(chain, null);
      if (!("rule" in taken)) return taken;
      const { reason, remedy } = taken.rule;
      throw new SallyportError("SETUP", `Cannot start with a token: ${reason}${remedy ? `; ${remedy}` : ""}`);
    });
    this.root = held.length === 0 ? null : this.authority(held, null, places.tmp);
  }

  /** Takes in a verified chain that somebody with `under` presents, or says why it is of no use. */
  take(chain: CapabilityChain, under: Authority | null): Held | { readonly rule: RefusingRule } {
    const stranger = chain.find(({ run }) => run !== null && run !== this.run);
    if (stranger !== undefined) {
      const reason = `capability "${stranger.id}" is for run ${stranger.run}, and this is run ${this.run}`;
      return { rule: { id: "token.wrong-run", reason } };
    }
    const now = this.clock.now();
    const held = this.table.add(chain, now, under?.all);
    const { accounts } = this.table;
    held.account = accounts === null ? null : accounts.of(held.chain);
    const rule =
      endOf(held, now) ??
      (accounts !== null && held.account === null ? { id: "token.in-use", reason: IN_USE } : null) ??
      (held.paths.limitsFiles && !this.#keepsWhatWasThere
        ? { id: "token.without-undo", reason: WITHOUT_UNDO }
        : null);
    if (rule === null) return held;
    this.table.drop(held);
    return { rule };
  }

  get mayCount(): "may come" | "never come" {
    return this.root !== null || this.#trust !== null ? "may come" : "never come";
  }

  /** Counts what the capabilities use below `account`, which is the run's. Before the first request. */
  countBelow(account: Account): void {
    this.table.accounts = new BudgetAccounts(account);
    for (const held of this.root?.held ?? []) held.account = this.table.accounts.of(held.chain);
  }

  /** Throws SETUP where tokens limit what files may be, and nothing could put back one that is not. */
  needsUndo(undo: "journaled" | "off"): void {
    this.#keepsWhatWasThere = undo === "journaled";
    if (!this.#keepsWhatWasThere && this.root?.limitsFiles)
      throw new SallyportError("SETUP", `Cannot start with a token: ${WITHOUT_UNDO}`);
  }

  get audience(): string {
    return this.#trust?.audience ?? "nobody";
  }

  /** Holds a token against the keys that are trusted here, and its proof against the channel and this run. */
  verify({ token, proof, channel, nonces }: Presented): Verified {
    if (this.#trust === null) return { kind: "refused", rule: refusal("no-issuer", NO_ISSUER) };
    const { audience, issuers } = this.#trust;
    const { wallMs, bootMs } = this.clock.now();
    const verdict = verifyToken(token, { issuers, audience, nowMs: wallMs, run: this.run });
    if (verdict.kind === "refused") return { kind: "refused", rule: ruleOf(verdict.refusal) };
    const session = { run: this.run, channel, audience };
    const wrong = refuseProof(proof, verdict.token, session, nonces, { nowMs: wallMs, monotonicMs: bootMs });
    if (wrong !== null) return { kind: "refused", rule: ruleOf(wrong) };
    const why = this.#whyRevoked(verdict.token.chain);
    return why === null
      ? { kind: "valid", chain: verdict.token.chain }
      : { kind: "refused", rule: refusal("revoked", `the token was revoked: ${why}`) };
  }

  /** The file to be watched; null: nobody can revoke anything here. */
  get revocationsFile(): string | null {
    return this.#trust?.revocations.path ?? null;
  }

  /** Reads what was added, and revokes. A list that can not be read revokes everything: nobody knows what is in it. */
  refreshRevocations(): readonly Held[] {
    if (this.#trust === null) return [];
    try {
      if (!this.#trust.revocations.refresh()) return [];
    } catch (error) {
      this.#unreadable = `the list of revocations can not be read (${(error as Error).message})`;
    }
    return this.table.revokeWhere((chain) => this.#whyRevoked(chain));
  }

  #whyRevoked(chain: CapabilityChain): string | null {
    if (this.#unreadable !== null) return this.#unreadable;
    const found = this.#trust?.revocations.revoked(chain) ?? null;
    if (found === null) return null;
    const { by, value, reason } = found;
    return `${by}${value === "" ? "" : ` ${value}`}${reason === "" ? "" : `, ${reason}`}`;
  }

  /** Why a chain gives more than the session has that presents it; null: it does not. */
  wider(chain: CapabilityChain, authority: Authority | null): RefusingRule | null {
    if (authority === null) return null;
    const leaf = chain.at(-1)!;
    let first: Extract<Proof, { kind: "wider" }> | null = null;
    for (const { capability } of authority.held) {
      if (capability.id === leaf.id) return null;
      const proof = subsumes(capability, leaf);
      if (proof.kind === "within") return null;
      first ??= proof;
    }
    return first === null
      ? null
      : {
          id: "token.wider",
          reason: `"${leaf.id}" is not within what the session has: ${first.field} ${first.problem}`,
          remedy: first.remedy,
        };
  }

  authority(held: readonly Held[], parent: Authority | null, tmp: string): Authority {
    this.#floor ??= floorOfTokens(this.#places);
    return new Authority({ held, parent, floor: this.#floor, tmp, clock: this.clock });
  }
}

/** The tokens of a run that is about to start. Throws INVALID and SETUP. */
export function tokensOf(run: string, options: RunOptions, places: Places): RunTokens {
  const trust = options.trust ?? openTrust(places.state);
  const given = (options.tokens ?? []).map((text) => chainOf(text, trust));
  const chains = [...given, ...(options.capabilities ?? [])];
  return new RunTokens({ run, chains, places, trust, clock: options.clock ?? systemClock });
}

/** For the start line and the first record: each capability, what it was derived from, and its end. */
export function describeTokens(authority: Authority | null): string {
  if (authority === null) return "";
  return authority.held
    .map(({ capability, chain, lease }) => {
      const above = chain.slice(0, -1).map(({ id }) => id);
      const from = above.length === 0 ? "" : ` of ${above.join(" › ")}`;
      return `${capability.id}${from} until ${new Date(lease.expiresMs).toISOString()}`;
    })
    .join(", ");
}

const WITHOUT_UNDO =
  "it limits what files may be, and a file beyond that is put back; leave out --undo off and --stage";
const IN_USE =
  "it is in use in this run below another token, from whose budget what it uses is taken; derive another one";
const NO_ISSUER = "no key of an issuer is known here; sallyport token mint makes one";

function refusal(what: string, reason: string): RefusingRule {
  return { id: `token.${what}`, reason };
}

function ruleOf({ reason, field, problem, remedy }: Refusal): RefusingRule {
  return { id: `token.${reason}`, reason: `the token is refused: ${field} ${problem}`.trim(), remedy };
}
