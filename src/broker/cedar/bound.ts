import { createHash } from "node:crypto";
import type { AskedOfCedar, IndexedPolicy } from "../../policy/cedar/asked.ts";
import { compileCedar } from "../../policy/cedar/compile.ts";
import type { Layer, LayerKind } from "../../policy/layers/layer.ts";
import type { ResolvedProfile } from "../../policy/profile.ts";
import { SallyportError } from "../../protocol/errors.ts";
import { CedarPolicies } from "./engine.ts";

/**
 * The policies of a Cedar file for one agent, as a layer: permits bound, forbids deny. What the rules of a run can not say is left to be
 * asked of Cedar. Throws INVALID with the line of what neither can decide.
 */
export function cedarLayer(kind: LayerKind, file: string, text: string, agent: string): Layer {
  const { policies } = CedarPolicies.parse(file, text);
  const { rules, remainder, asked } = compileCedar(
    policies.map(({ json }) => json),
    agent,
  );
  const left = remainder[0];
  if (left !== undefined)
    throw new SallyportError(
      "INVALID",
      `Cannot use the Cedar policies of "${file}":\n  ${file}:${policies[left.index]!.place.line}: speaks of paths, and ${left.why}; name paths by resource in Dir`,
    );
  const digest = createHash("sha256").update(text).digest("hex");
  const placed = (indexes: readonly number[]): IndexedPolicy[] =>
    indexes.map((index) => ({ ...policies[index]!, index }));
  const toAsk: AskedOfCedar = {
    whose: kind,
    file,
    digest,
    policies: { connect: placed(asked.connect), execute: placed(asked.execute) },
  };
  return {
    kind,
    file,
    digest,
    rules: rules.map(({ index, effect, rights, pattern }) => {
      const { place, json } = policies[index]!;
      const id = json.annotations?.["id"] ?? `policy-${index + 1}`;
      const reason = json.annotations?.["reason"] ?? `Cedar policy ${id}`;
      return { id, effect, rights, paths: [{ text: pattern, place }], except: [], reason, remedy: "", place };
    }),
    ...(asked.connect.length + asked.execute.length === 0 ? {} : { asked: toAsk }),
    profiles: null,
    network: { allow: null, listen: null },
    fields: {},
    where: () => `${file}:1`,
  };
}

/** The Cedar policies that a profile brings along, as layers below all others. Throws INVALID. */
export function ownCedar({ cedar }: ResolvedProfile, agent: string): Layer[] {
  return cedar.map(({ file, text }) => cedarLayer("profile", file, text, agent));
}
