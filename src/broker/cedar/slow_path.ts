/** Cedar while a run goes on: at a new host and at a new program, and never for an operation on a file. */
import {
  type AskedOfCedar,
  type IndexedPolicy,
  policyName,
  readsDigest,
  readsTime,
} from "../../policy/cedar/asked.ts";
import type { AskedAction } from "../../policy/cedar/compile.ts";
import type { Layer } from "../../policy/layers/layer.ts";
import { formatEndpoint, type NetworkRule } from "../../policy/network.ts";
import { directoriesOf } from "./engine.ts";
import { cedarContext, type PreparedAsk, PreparedCedar } from "./prepared.ts";

const MAX_DECISIONS = 4096;
/** Cedar has no loops, and a file is at most 256 KiB: what takes so long is a machine that stands still. */
const MAX_MS = 500;
const MINUTE_MS = 60_000;

/** A decision that Cedar has made, for the record: `by` are FILE:LINE of the policies that permit it, or why it is refused. */
export type CedarDecision = {
  readonly cedar: AskedAction;
  readonly on: string;
  readonly verdict: "allow" | "deny";
  readonly by: string;
};

export type SlowPathParts = {
  readonly agent: string;
  readonly run: string;
  readonly uid: number;
  readonly nowMs?: () => number;
  readonly prepare?: (key: string, action: AskedAction, policies: Readonly<Record<string, string>>) => Asked;
};

type Asked = Pick<PreparedCedar, "ask">;

type Source = {
  readonly file: string;
  readonly whose: string;
  readonly policies: readonly IndexedPolicy[];
  readonly engine: Asked;
};
type ByAction = {
  readonly sources: readonly Source[];
  readonly readsTime: boolean;
  readonly readsDigest: boolean;
};
type Resource = Pick<PreparedAsk, "resource" | "parents">;
type Answer = { readonly refusal: NetworkRule | null; readonly permits: readonly string[] };

/**
 * The Cedar policies of one run that rules can not say, with what they have decided. Every file must allow: one without a permit on an
 * action refuses only what it forbids. The policies stay the same while the run lasts, so what was decided does too, but for its minute
 * where one of them reads the time. What fails or is late refuses. Event-loop thread only.
 */
export class SlowPath {
  readonly #parts: SlowPathParts;
  readonly #actions: Readonly<Record<AskedAction, ByAction>>;
  readonly #decided = new Map<string, NetworkRule | null>();
  readonly #untold: CedarDecision[] = [];
  #tell = (decision: CedarDecision): void => void this.#untold.push(decision);

  constructor(asked: readonly AskedOfCedar[], parts: SlowPathParts) {
    this.#parts = parts;
    const prepare = parts.prepare ?? ((...of) => new PreparedCedar(...of));
    const byAction = (action: AskedAction): ByAction => {
      const speaking = asked.filter(({ policies }) => policies[action].length > 0);
      const all = speaking.flatMap(({ policies }) => policies[action]);
      return {
        sources: speaking.map(({ file, whose, digest, policies: { [action]: policies } }) => ({
          file,
          whose,
          policies,
          engine: prepare(
            `${digest} ${action} ${policies.map(({ index }) => index).join()}`,
            action,
            Object.fromEntries(policies.map((one) => [String(one.index), one.text])),
          ),
        })),
        readsTime: readsTime(all),
        readsDigest: readsDigest(all),
      };
    };
    this.#actions = { connect: byAction("connect"), execute: byAction("execute") };
  }

  /** Each decision that is not known yet is told from here on, and those that were made before are now. */
  tellTo(tell: (decision: CedarDecision) => void): void {
    for (const decision of this.#untold.splice(0)) tell(decision);
    this.#tell = tell;
  }

  /** How many decisions are remembered. */
  get size(): number {
    return this.#decided.size;
  }

  /** What refuses a connection that the grants allow; null: nothing. `host` is a name in lower case, or an address as text. */
  connect(host: string, port: number): NetworkRule | null {
    const id = formatEndpoint(host, port);
    if (this.#actions.connect.sources.length === 0) return null;
    return this.#decide("connect", id, "", () => ({
      resource: { type: "Host", id, attributes: { name: host, port } },
      parents: [],
    }));
  }

  /**
   * What refuses a program that the rules allow; null: nothing. `path` has no symbolic links; `digest` gives that of its content, or null
   * where it can not be read.
   */
  execute(path: string, digest: () => string | null): NetworkRule | null {
    const { sources, readsDigest } = this.#actions.execute;
    if (sources.length === 0) return null;
    const sha256 = readsDigest ? digest() : "";
    // A digest that can not be known is the denied one.
    if (sha256 === null)
      return failed(`${path} can not be read, and a Cedar policy asks for its digest (${whereOf(sources)})`);
    return this.#decide("execute", path, sha256, () => ({
      resource: { type: "Program", id: path, attributes: sha256 === "" ? {} : { sha256 } },
      parents: directoriesOf(path),
    }));
  }

  #decide(action: AskedAction, id: string, detail: string, of: () => Resource): NetworkRule | null {
    const nowMs = (this.#parts.nowMs ?? Date.now)();
    const minute = this.#actions[action].readsTime ? Math.floor(nowMs / MINUTE_MS) : 0;
    const key = `${action}\0${id}\0${detail}\0${minute}`;
    const known = this.#decided.get(key);
    if (known !== undefined) return known;
    const { refusal, permits } = this.#ask(action, of(), nowMs);
    const by =
      refusal === null ? permits.join(", ") || "nothing forbids it" : `${refusal.id}: ${refusal.reason}`;
    this.#tell({ cedar: action, on: id, verdict: refusal === null ? "allow" : "deny", by });
    // What failed may not fail again.
    if (refusal?.id === FAILED) return refusal;
    if (this.#decided.size >= MAX_DECISIONS) this.#decided.delete(this.#decided.keys().next().value!);
    this.#decided.set(key, refusal);
    return refusal;
  }

  #ask(action: AskedAction, resource: Resource, nowMs: number): Answer {
    const { agent, run, uid } = this.#parts;
    const permits: string[] = [];
    for (const source of this.#actions[action].sources) {
      const started = performance.now();
      let answer: ReturnType<Asked["ask"]>;
      try {
        answer = source.engine.ask({ agent, ...resource, context: cedarContext(run, uid, nowMs) });
      } catch (error) {
        const why = String((error as Error).message ?? error).slice(0, 200);
        return refusing(failed(`Cedar has failed: ${why} (${source.file})`));
      }
      if (performance.now() - started > MAX_MS)
        return refusing(failed(`Cedar has not answered within ${MAX_MS} ms (${source.file})`));
      const refusal = refusalBy(source, action, answer);
      if (refusal !== null) return refusing(refusal);
      permits.push(...answer.permitting.map((policy) => placeOf(source, byId(source, policy))));
    }
    return { refusal: null, permits };
  }
}

/** null where the layers leave nothing to be asked. Throws INVALID. */
export function startCedar(layers: readonly Layer[], parts: SlowPathParts): SlowPath | null {
  const asked = layers.flatMap((layer) => layer.asked ?? []);
  return asked.length === 0 ? null : new SlowPath(asked, parts);
}

const FAILED = "policy.failed";
const NO_PERMIT = "policy.no-permit";

function refusalBy(
  source: Source,
  action: AskedAction,
  answer: ReturnType<Asked["ask"]>,
): NetworkRule | null {
  const { file, whose, policies } = source;
  const remedy =
    whose === "managed" ? "Ask whoever administers this machine" : `Change ${file} outside of the run`;
  const [broken] = answer.failed;
  if (broken !== undefined) {
    const policy = byId(source, broken.policy);
    const why = broken.message.slice(0, 200);
    return failed(
      `Cedar policy "${policyName(policy)}" can not be evaluated: ${why} (${placeOf(source, policy)})`,
    );
  }
  const forbidding = answer.forbidding.map((id) => byId(source, id)).sort((a, b) => a.index - b.index)[0];
  if (forbidding !== undefined) {
    const reason = forbidding.json.annotations?.["reason"];
    const why = reason ? `${reason}: ` : "";
    const name = policyName(forbidding);
    return {
      id: `policy.${name}`,
      reason: `${why}Cedar policy "${name}" forbids it (${placeOf(source, forbidding)})`,
      remedy,
    };
  }
  const permits = policies.filter(({ json }) => json.effect === "permit");
  if (permits.length === 0 || answer.permitting.length > 0) return null;
  const lines = permits.slice(0, 5).map((one) => placeOf(source, one));
  return {
    id: NO_PERMIT,
    reason: `no Cedar policy that permits to ${action} holds for it (${lines.join(", ")})`,
    remedy,
  };
}

/** Of a policy that is not known nothing could be said: that is a bug. */
function byId({ policies }: Source, id: string): IndexedPolicy {
  return policies.find(({ index }) => String(index) === id)!;
}

function placeOf({ file }: Source, { place }: IndexedPolicy): string {
  return `${file}:${place.line}`;
}

function whereOf(sources: readonly Source[]): string {
  return sources.map(({ file }) => file).join(", ");
}

function refusing(refusal: NetworkRule): Answer {
  return { refusal, permits: [] };
}

function failed(reason: string): NetworkRule {
  return { id: FAILED, reason, remedy: "Mend the policy, or ask whoever administers this machine" };
}
