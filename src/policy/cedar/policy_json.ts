/** The parts of Cedar's JSON form of a policy that are looked at here. Everything else is left to Cedar. */
export type Entity = { readonly type: string; readonly id: string };
type EntityJson = Entity | { readonly __entity: Entity };

export type PolicyJson = {
  readonly effect: "permit" | "forbid";
  readonly principal: ScopeJson;
  readonly action: {
    readonly op: string;
    readonly entity?: EntityJson;
    readonly entities?: readonly EntityJson[];
  };
  readonly resource: ScopeJson;
  readonly conditions: readonly { readonly kind: "when" | "unless"; readonly body: unknown }[];
  readonly annotations?: Readonly<Record<string, string | null>>;
};

export type ScopeJson = {
  readonly op: string;
  readonly entity?: EntityJson;
  readonly slot?: string;
  readonly entity_type?: string;
  readonly in?: { readonly entity?: EntityJson };
};

export function entityOf(json: EntityJson | undefined): Entity | null {
  if (json === undefined) return null;
  return "__entity" in json ? json.__entity : json;
}

/** null: every action. */
export function actionsOf({ action }: PolicyJson): readonly string[] | null {
  if (action.op === "All") return null;
  const all = action.entities ?? (action.entity === undefined ? [] : [action.entity]);
  return all.map((one) => entityOf(one)!.id);
}
