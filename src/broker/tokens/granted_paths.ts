import { covers } from "../../policy/capability/acts.ts";
import { askedCells } from "../../policy/capability/asked_cells.ts";
import type { CapabilityChain, Grant } from "../../policy/capability/capability.ts";
import {
  type CompiledCapability,
  compileCapability,
  type FileLimit,
  fileLimitsOf,
  type RuleSet,
} from "../../policy/capability/compile.ts";
import { targetHolds } from "../../policy/capability/permits.ts";
import { compilePolicy, type Policy } from "../../policy/decide.ts";
import { ALL_RIGHTS, RIGHT } from "../../policy/rights.ts";
import type { Rule } from "../../policy/rule.ts";
import { matchPath } from "../../policy/trie.ts";
import type { ReadCellsRequest, WriteCellsRequest } from "../../protocol/message.ts";

type Policies = { readonly [set in RuleSet]: Policy | null };

/** What a chain grants on paths, ready to be asked, and made anew when a time of the day opens or closes something. */
export class GrantedPaths {
  readonly #chain: CapabilityChain;
  #policies!: Policies;
  /** Kept only where it has to be asked: the rules are in the policies. */
  #limited!: CompiledCapability | null;
  /** Those that hold now; the objects are the chain's. */
  #grants!: readonly Grant[];
  #fromMs = 0;
  #untilMs = 0;

  constructor(chain: CapabilityChain, wallMs: number) {
    this.#chain = chain;
    this.#compile(wallMs);
  }

  /** The rights that it gives on a path at a time, to a request of this set. */
  rights(path: string, set: RuleSet, wallMs: number): number {
    this.#turn(wallMs);
    const policy = this.#policies[set];
    if (policy === null) return 0;
    const masks = matchPath(policy.compiled, path);
    return masks < 0 ? 0 : masks & ALL_RIGHTS;
  }

  /** The right to the cells of a workbook that a request is about: of a grant that names them, or the whole file without a limit. */
  cellRights(request: ReadCellsRequest | WriteCellsRequest, wallMs: number): number {
    this.#turn(wallMs);
    const action = request.op === "read-cells" ? "read" : "write";
    const asked = askedCells(request);
    const isGranted = this.#grants.some((grant) => covers(grant.action, action) && targetHolds(grant, asked));
    return isGranted ? RIGHT[action] : 0;
  }

  /** What a file must be that is read or written here: one of these. Empty: anything. */
  limits(path: string, action: "read" | "write", wallMs: number): readonly FileLimit[] {
    this.#turn(wallMs);
    if (this.#limited === null) return [];
    const limits = fileLimitsOf(this.#limited, action, path);
    const isFree = limits.some(({ maxSizeBytes, mimeTypes }) => maxSizeBytes === null && mimeTypes === null);
    return isFree ? [] : limits;
  }

  /** Whether some grant limits what files may be. */
  get limitsFiles(): boolean {
    return this.#limited !== null;
  }

  #turn(wallMs: number): void {
    if (wallMs >= this.#untilMs || wallMs < this.#fromMs) this.#compile(wallMs);
  }

  #compile(wallMs: number): void {
    const compiled = compileCapability(this.#chain, wallMs);
    this.#policies = sharedPolicies(compiled.rules);
    this.#limited = compiled.limits === "some" ? compiled : null;
    this.#grants = compiled.grants;
    this.#fromMs = wallMs;
    this.#untilMs = compiled.validUntilMs;
  }
}

const shared = new Map<string, WeakRef<Policies>>();
const gone = new FinalizationRegistry<string>((key) => {
  if (shared.get(key)?.deref() === undefined) shared.delete(key);
});

/** The same object for equal rules, as long as somebody has it: ten thousand sub-agents of one kind share one table. */
function sharedPolicies(rules: CompiledCapability["rules"]): Policies {
  const key = JSON.stringify(
    [rules.files, rules.rename, rules.exec].map((set) => set.map(({ rights, pattern }) => [rights, pattern])),
  );
  const known = shared.get(key)?.deref();
  if (known !== undefined) return known;
  const compiled = (set: readonly Rule[]): Policy | null =>
    set.length === 0 ? null : compilePolicy("capability", set);
  const made: Policies = {
    files: compiled(rules.files),
    rename: compiled(rules.rename),
    exec: compiled(rules.exec),
  };
  shared.set(key, new WeakRef(made));
  gone.register(made, key);
  return made;
}
