import {
  ACTIONS,
  type Action,
  type Capability,
  type Grant,
  type OnRevoke,
} from "../policy/capability/capability.ts";
import { ON_REVOKE } from "../policy/capability/on_revoke.ts";
import { formatGrant, LIMIT_FIELDS, parseGrant } from "./action_fields.ts";
import { arrayOf, integerOf, objectOf, textOf, wordOf, wrong } from "./fields.ts";
import { type PublicJwk, parsePublicJwk } from "./jwk.ts";
import { MAX_ACTIONS, MAX_DEPTH } from "./limits.ts";
import { formatBudget, nameOf, parseBudget } from "./payload.ts";
import { TokenRefused } from "./refusal.ts";
import type { Json, JsonObject } from "./strict_json.ts";

/**
 * The claims of draft-niyikiza-oauth-attenuating-agent-tokens-01, section 3.2, as they are profiled here. The tools are our actions,
 * each with the one argument "target", whose constraint is a type of our own: a list of grants, of which one must hold as a whole. Its
 * `subsumes` is that of src/policy/capability. What is ours alone is the claims `run` and `sallyport`; `sub` is the subject. Claims
 * that are not known are refused, where the draft ignores them: they could be a limit.
 */
export type AatClaims = {
  readonly capability: Capability;
  readonly audience: string;
  readonly holder: PublicJwk;
  readonly depth: number;
  readonly maxDepth: number;
  /** null in a root. */
  readonly parentHash: string | null;
};

const TYPE = "attenuating_agent_token";
const TOOL = "urn:sallyport:action:";
const CONSTRAINT = "urn:sallyport:constraint:grants";
const REQUIRED = [
  "jti",
  "iss",
  "aud",
  "sub",
  "iat",
  "exp",
  "cnf",
  "del_depth",
  "del_max_depth",
  "authorization_details",
];
const OPTIONAL = ["nbf", "par_hash", "run", "sallyport"];
/** NumericDate in whole seconds, up to the year 9999. */
const MAX_SECONDS = 253_402_300_799;

export function parseAatClaims(value: Json, field: string): AatClaims {
  const claims = objectOf(value, field, REQUIRED, OPTIONAL);
  const at = (name: string): string => `${field}.${name}`;
  const seconds = (name: string): number => integerOf(claims[name], at(name), 0, MAX_SECONDS) * 1000;
  const own = objectOf(claims["sallyport"] ?? {}, at("sallyport"), [], ["budget", "on_revoke"]);
  const depth = integerOf(claims["del_depth"], at("del_depth"), 0, Number.MAX_SAFE_INTEGER);
  const maxDepth = integerOf(claims["del_max_depth"], at("del_max_depth"), 0, Number.MAX_SAFE_INTEGER);
  if (maxDepth > MAX_DEPTH)
    throw new TokenRefused("too-deep", at("del_max_depth"), `is ${maxDepth}`, `write at most ${MAX_DEPTH}`);
  const issuedMs = seconds("iat");
  return {
    capability: {
      id: nameOf(claims["jti"], at("jti")),
      subject: nameOf(claims["sub"], at("sub")),
      issuer: textOf(claims["iss"], at("iss"), "a URI of printable ASCII", isUri),
      run: claims["run"] === undefined ? null : nameOf(claims["run"], at("run")),
      issuedMs,
      notBeforeMs: claims["nbf"] === undefined ? issuedMs : seconds("nbf"),
      expiresMs: seconds("exp"),
      grants: parseDetails(claims["authorization_details"], at("authorization_details")),
      budget: own["budget"] === undefined ? {} : parseBudget(own["budget"], at("sallyport.budget")),
      delegationDepth: Math.max(0, maxDepth - depth),
      onRevoke:
        own["on_revoke"] === undefined
          ? "refuse"
          : wordOf<OnRevoke>(own["on_revoke"], at("sallyport.on_revoke"), ON_REVOKE),
    },
    audience: nameOf(claims["aud"], at("aud")),
    holder: parsePublicJwk(objectOf(claims["cnf"], at("cnf"), ["jwk"])["jwk"], at("cnf.jwk")),
    depth,
    maxDepth,
    parentHash:
      claims["par_hash"] === undefined
        ? null
        : textOf(claims["par_hash"], at("par_hash"), "43 characters", (text) => text.length === 43),
  };
}

export function formatAatClaims({
  capability,
  audience,
  holder,
  depth,
  maxDepth,
  parentHash,
}: AatClaims): object {
  const { id, issuer, subject, run, issuedMs, notBeforeMs, expiresMs, grants, budget, onRevoke } = capability;
  const parts = formatBudget(budget);
  const own = {
    ...(Object.keys(parts).length === 0 ? {} : { budget: parts }),
    ...(onRevoke === "refuse" ? {} : { on_revoke: onRevoke }),
  };
  return {
    jti: id,
    iss: issuer,
    aud: audience,
    sub: subject,
    iat: issuedMs / 1000,
    ...(notBeforeMs === issuedMs ? {} : { nbf: notBeforeMs / 1000 }),
    exp: expiresMs / 1000,
    cnf: { jwk: holder },
    del_depth: depth,
    del_max_depth: maxDepth,
    ...(parentHash === null ? {} : { par_hash: parentHash }),
    ...(run === null ? {} : { run }),
    ...(Object.keys(own).length === 0 ? {} : { sallyport: own }),
    authorization_details: [{ type: TYPE, tools: formatTools(grants) }],
  };
}

function formatTools(grants: readonly Grant[]): object {
  const tools: { [tool: string]: { target: { constraint_type: string; any: object[] } } } = {};
  for (const grant of grants) {
    const { action, ...rest } = formatGrant(grant);
    tools[`${TOOL}${action}`] ??= { target: { constraint_type: CONSTRAINT, any: [] } };
    tools[`${TOOL}${action}`]!.target.any.push(rest);
  }
  return tools;
}

/** Entries of other types grant what is not ours, and are left alone (RFC 9396); of ours there is exactly one. */
function parseDetails(value: Json | undefined, field: string): readonly Grant[] {
  const entries = [...arrayOf(value, field, 16).entries()].filter(([at, entry]) => {
    const type = (entry as JsonObject | null)?.["type"];
    return textOf(type, `${field}[${at}].type`, "a type", (text) => text !== "") === TYPE;
  });
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw wrong(field, `${entries.length} entries of type ${TYPE}`, "exactly one");
  const there = `${field}[${entry[0]}]`;
  const tools = objectOf(entry[1], there, ["type", "tools"])["tools"];
  const named = objectOf(
    tools,
    `${there}.tools`,
    [],
    ACTIONS.map((action) => `${TOOL}${action}`),
  );
  const grants = Object.entries(named).flatMap(([tool, constraints]) =>
    parseTool(tool.slice(TOOL.length) as Action, constraints, `${there}.tools.${tool}`),
  );
  if (grants.length > MAX_ACTIONS) throw wrong(there, `${grants.length} grants`, `at most ${MAX_ACTIONS}`);
  return grants;
}

function parseTool(action: Action, value: Json, field: string): readonly Grant[] {
  const target = objectOf(objectOf(value, field, ["target"])["target"], `${field}.target`, [
    "constraint_type",
    "any",
  ]);
  wordOf(target["constraint_type"], `${field}.target.constraint_type`, [CONSTRAINT]);
  return arrayOf(target["any"], `${field}.target.any`, MAX_ACTIONS).map((entry, at) => {
    const there = `${field}.target.any[${at}]`;
    return parseGrant(action, objectOf(entry, there, [], ["path", "host", "cells", ...LIMIT_FIELDS]), there);
  });
}

function isUri(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:[\x21-\x7e]{1,255}$/.test(text);
}
