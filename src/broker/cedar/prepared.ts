import type { AskedAction } from "../../policy/cedar/compile.ts";
import type { Entity } from "../../policy/cedar/policy_json.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { cedar, cedarSchema } from "./engine.ts";

export type PreparedAsk = {
  readonly agent: string;
  readonly resource: Entity & { readonly attributes: Readonly<Record<string, unknown>> };
  /** Directories that hold the resource, nearest first. */
  readonly parents: readonly Entity[];
  readonly context: Readonly<Record<string, unknown>>;
};

/** By the ids of the policies; an error of evaluation is one of a policy. */
export type PreparedAnswer = {
  readonly forbidding: readonly string[];
  readonly permitting: readonly string[];
  readonly failed: readonly { readonly policy: string; readonly message: string }[];
};

const SCHEMA = "sallyport";
let hasSchema = false;

/** Policies on one action that are parsed once and asked often: some 100 µs for ten of them. */
export class PreparedCedar {
  readonly #action: AskedAction;
  readonly #key: string;

  /** `key` names these policies and no others in this process. Throws INVALID where they are no policies. */
  constructor(key: string, action: AskedAction, policies: Readonly<Record<string, string>>) {
    this.#action = action;
    this.#key = key;
    if (!hasSchema) mustParse(cedar().preparseSchema(SCHEMA, cedarSchema()));
    hasSchema = true;
    mustParse(cedar().preparsePolicySet(key, { staticPolicies: policies }));
  }

  /** Throws where the question is none of the schema, or Cedar fails. */
  ask({ agent, resource: { type, id, attributes }, parents, context }: PreparedAsk): PreparedAnswer {
    const answer = cedar().statefulIsAuthorized({
      principal: { type: "Agent", id: agent },
      action: { type: "Action", id: this.#action },
      resource: { type, id },
      context: context as never,
      preparsedSchemaName: SCHEMA,
      validateRequest: true,
      preparsedPolicySetId: this.#key,
      entities: [
        { uid: { type: "Agent", id: agent }, attrs: {}, parents: [] },
        { uid: { type, id }, attrs: attributes as never, parents: [...parents] },
        ...parents.map((uid, at) => ({ uid, attrs: {}, parents: parents.slice(at + 1) })),
      ],
    });
    if (answer.type === "failure") throw new Error(answer.errors[0]?.message ?? "no reason was given");
    const { decision, diagnostics } = answer.response;
    return {
      forbidding: decision === "deny" ? diagnostics.reason : [],
      permitting: decision === "allow" ? diagnostics.reason : [],
      failed: diagnostics.errors.map(({ policyId, error }) => ({ policy: policyId, message: error.message })),
    };
  }
}

/** What the schema calls Request. Times are UTC. */
export function cedarContext(run: string, uid: number, nowMs: number): Readonly<Record<string, unknown>> {
  const date = new Date(nowMs);
  return {
    run,
    uid,
    minuteOfDay: date.getUTCHours() * 60 + date.getUTCMinutes(),
    dayOfWeek: date.getUTCDay(),
  };
}

function mustParse(answer: {
  readonly type: string;
  readonly errors?: readonly { message: string }[];
}): void {
  if (answer.type === "success") return;
  throw new SallyportError("INVALID", `Cannot use Cedar policies: ${answer.errors?.[0]?.message ?? ""}`);
}
