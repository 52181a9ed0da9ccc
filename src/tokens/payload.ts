import { BUDGET_FIELDS } from "../policy/capability/budget.ts";
import type { Budget, Capability, OnRevoke } from "../policy/capability/capability.ts";
import { ON_REVOKE } from "../policy/capability/on_revoke.ts";
import { isName } from "../policy/capability/subject.ts";
import { type ActionFields, formatGrant, parseActions } from "./action_fields.ts";
import { below, integerOf, objectOf, textOf, wordOf } from "./fields.ts";
import { type PublicJwk, parsePublicJwk } from "./jwk.ts";
import { MAX_DEPTH } from "./limits.ts";
import type { Json, JsonObject } from "./strict_json.ts";
import { formatTime, timeOf } from "./time_text.ts";

/** The plain payload: what the JSON and the COSE envelope carry, and what `sallyport token mint` reads from a file. */
export type Payload = {
  readonly capability_id: string;
  readonly subject: string;
  readonly actions: readonly ActionFields[];
  readonly expires_at: string;
  readonly issued_by: string;
  readonly issued_at?: string;
  readonly not_before?: string;
  readonly audience?: string;
  readonly run?: string;
  readonly budget?: { readonly [field: string]: number };
  readonly delegation_depth?: number;
  readonly on_revoke?: OnRevoke;
  readonly holder?: PublicJwk;
};

/** What each field of the payload means; docs/capabilities.md has a table made of this. */
export const PAYLOAD_FIELDS: { readonly [field in keyof Required<Payload>]: string } = {
  capability_id: "names it: 1 to 128 printable ASCII characters without space; revocation goes by it",
  subject:
    "who may use it; a capability derived from it is for the same, or for a name below it: `planner/search`",
  actions: "what may be done, at most 64 entries; see below",
  expires_at: "from then on it is refused: RFC 3339 in UTC, `2026-11-24T18:00:00Z`",
  issued_by: "whose word it is: the name of an issuer whose keys are trusted here",
  issued_at: "when it was made; without it every revocation by epoch or subject counts",
  not_before: "before then it is refused",
  audience: "the host that it is for; may be left out only where that host made it itself",
  run: "the only run that may use it",
  budget: "what may be used up, and never comes back; see below",
  delegation_depth: "how many more times it may be handed on, 0 to 8; default 0",
  on_revoke:
    "what becomes of descriptors that are out when it is revoked: `refuse` (default), `freeze`, `kill`",
  holder: "the key that whoever uses it must prove to hold: an Ed25519 JWK of kty, crv and x",
};

const REQUIRED = ["capability_id", "subject", "actions", "expires_at", "issued_by"];
const OPTIONAL = Object.keys(PAYLOAD_FIELDS).filter((name) => !REQUIRED.includes(name));
const NAME = "1 to 128 printable ASCII characters without space";

/** What a payload says beside the capability itself. */
export type ParsedPayload = {
  readonly capability: Capability;
  readonly audience: string | null;
  readonly holder: PublicJwk | null;
};

/** Throws TokenRefused with the field. Nothing is trusted of it yet but its signature. */
export function parsePayload(value: Json, field: string): ParsedPayload {
  const payload = objectOf(value, field, REQUIRED, OPTIONAL);
  const at = (name: string): string => below(field, name);
  const optional = <T>(name: string, none: T, read: (value: Json, there: string) => T): T =>
    payload[name] === undefined ? none : read(payload[name], at(name));
  const issuedMs = optional("issued_at", 0, timeOf);
  return {
    capability: {
      id: nameOf(payload["capability_id"], at("capability_id")),
      subject: nameOf(payload["subject"], at("subject")),
      issuer: nameOf(payload["issued_by"], at("issued_by")),
      run: optional<string | null>("run", null, nameOf),
      issuedMs,
      notBeforeMs: optional("not_before", issuedMs, timeOf),
      expiresMs: timeOf(payload["expires_at"], at("expires_at")),
      grants: parseActions(payload["actions"], at("actions")),
      budget: optional("budget", {}, parseBudget),
      delegationDepth: optional("delegation_depth", 0, (depth, there) =>
        integerOf(depth, there, 0, MAX_DEPTH),
      ),
      onRevoke: optional<OnRevoke>("on_revoke", "refuse", (word, there) => wordOf(word, there, ON_REVOKE)),
    },
    audience: optional<string | null>("audience", null, nameOf),
    holder: optional<PublicJwk | null>("holder", null, parsePublicJwk),
  };
}

/** The payload that parsePayload reads so. */
export function formatPayload({ capability, audience, holder }: ParsedPayload): Payload {
  const { issuedMs, notBeforeMs, run, budget, delegationDepth, onRevoke } = capability;
  const parts = formatBudget(budget);
  return {
    capability_id: capability.id,
    subject: capability.subject,
    actions: capability.grants.map(formatGrant),
    expires_at: formatTime(capability.expiresMs),
    issued_by: capability.issuer,
    ...(issuedMs === 0 ? {} : { issued_at: formatTime(issuedMs) }),
    ...(notBeforeMs === issuedMs ? {} : { not_before: formatTime(notBeforeMs) }),
    ...(audience === null ? {} : { audience }),
    ...(run === null ? {} : { run }),
    ...(Object.keys(parts).length === 0 ? {} : { budget: parts }),
    ...(delegationDepth === 0 ? {} : { delegation_depth: delegationDepth }),
    ...(onRevoke === "refuse" ? {} : { on_revoke: onRevoke }),
    ...(holder === null ? {} : { holder }),
  };
}

export function nameOf(value: Json | undefined, field: string): string {
  return textOf(value, field, NAME, isName);
}

export function parseBudget(value: Json, field: string): Budget {
  const parts: JsonObject = objectOf(value, field, [], Object.values(BUDGET_FIELDS));
  return Object.fromEntries(
    Object.entries(BUDGET_FIELDS).flatMap(([name, written]) =>
      parts[written] === undefined
        ? []
        : [[name, integerOf(parts[written], `${field}.${written}`, 0, Number.MAX_SAFE_INTEGER)]],
    ),
  );
}

export function formatBudget(budget: Budget): { readonly [field: string]: number } {
  return Object.fromEntries(
    Object.entries(BUDGET_FIELDS).flatMap(([name, written]) => {
      const part = budget[name as keyof Budget];
      return part === undefined ? [] : [[written, part]];
    }),
  );
}
