/** Who is asked, beside the profile, before a capability is handed out or a run starts. Pure. */
import type { Parsed, Problem } from "../problem.ts";
import { type Fields, isFields } from "../profile_fields.ts";

export type Occasion = "issue" | "run" | "plan";

type Every = { readonly ask: readonly Occasion[]; readonly index: number };

export type PointConfig =
  /** `policies` is a file beside the configuration. */
  | (Every & { readonly kind: "cedar"; readonly policies: string })
  | (Every & {
      readonly kind: "opa";
      /** A policy compiled by opa build -t wasm, beside the configuration. */
      readonly bundle: string;
      readonly sha256: string;
      readonly entrypoint: string;
      readonly timeoutMs: number;
      readonly maxMemoryMiB: number;
    })
  | (Every & {
      readonly kind: "authzen";
      readonly url: string;
      readonly timeoutMs: number;
      /** Certificates in PEM of whom it trusts, beside the configuration; null: the ones that Node brings along. */
      readonly certificates: string | null;
      /** A bearer token, beside the configuration. */
      readonly token: string | null;
    });

const FIELDS: Readonly<Record<PointConfig["kind"], readonly string[]>> = {
  cedar: ["kind", "ask", "policies"],
  opa: ["kind", "ask", "bundle", "sha256", "entrypoint", "timeoutMs", "maxMemoryMiB"],
  authzen: ["kind", "ask", "url", "timeoutMs", "certificates", "token"],
};
const FOREIGN: Readonly<Record<string, string>> = {
  timeout: "write timeoutMs, in milliseconds",
  timeout_ms: "write timeoutMs",
  endpoint: "write url, with its path",
  host: "write url, with its path",
  insecure: "take it out: certificates are always checked; name your own with certificates",
  insecureSkipVerify: "take it out: certificates are always checked; name your own with certificates",
  failOpen: "take it out: who does not answer has not allowed",
  fail_open: "take it out: who does not answer has not allowed",
  default: "take it out: who does not answer has not allowed",
  retries: "take it out: it is asked once",
  rego: "compile it with opa build -t wasm, and write bundle",
  memory: "write maxMemoryMiB",
  ca: "write certificates",
  apiKey: "write token, a file beside this one",
};
const OCCASIONS = ["issue", "run", "plan"];
const MAX_TIMEOUT_MS = 30_000;
const MAX_MEMORY_MIB = 512;

type Say = (field: string, problem: string, remedy: string) => void;

export function parsePoints(value: unknown): Parsed<readonly PointConfig[]> {
  const problems: Problem[] = [];
  if (!isFields(value) || !Array.isArray(value["points"]))
    return {
      ok: false,
      problems: [{ field: "points", problem: "is no list", remedy: "write points: with a kind each" }],
    };
  for (const key of Object.keys(value))
    if (key !== "points") problems.push({ field: key, problem: "is unknown", remedy: "write points alone" });
  const points = value["points"].map((one, index) =>
    pointOf(one, index, (field, problem, remedy) =>
      problems.push({ field: `points[${index}]${field === "" ? "" : `.${field}`}`, problem, remedy }),
    ),
  );
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: points as PointConfig[] };
}

function pointOf(value: unknown, index: number, say: Say): PointConfig | null {
  if (!isFields(value)) {
    say("", "is no mapping", "write kind, ask, and what the kind needs");
    return null;
  }
  const { kind } = value;
  if (kind !== "cedar" && kind !== "opa" && kind !== "authzen") {
    say("kind", `is ${JSON.stringify(kind)}`, "write cedar, opa or authzen");
    return null;
  }
  for (const key of Object.keys(value))
    if (!FIELDS[kind].includes(key))
      say(key, "is unknown", FOREIGN[key] ?? `write one of ${FIELDS[kind].join(", ")}`);
  const { ask } = value;
  if (!Array.isArray(ask) || ask.length === 0)
    say("ask", "is missing or empty, so that it is never asked", "write ask: [issue, run]");
  else
    for (const one of ask)
      if (!OCCASIONS.includes(one as string))
        say("ask", `names ${JSON.stringify(one)}`, `write some of ${OCCASIONS.join(", ")}`);
  const every = { ask: ask as Occasion[], index };
  if (kind === "cedar") return { ...every, kind, policies: fileName(value, "policies", say) };
  if (kind === "opa") return opaOf(value, every, say);
  return authzenOf(value, every, say);
}

function opaOf(value: Fields, every: Every, say: Say): PointConfig {
  const { sha256, entrypoint } = value;
  if (typeof value["bundle"] === "string" && /\.(?:rego|tar\.gz)$/.test(value["bundle"]))
    say("bundle", `is "${value["bundle"]}"`, "write the policy.wasm out of what opa build -t wasm makes");
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256))
    say("sha256", "is missing or no digest", "write what sha256sum prints for the bundle");
  if (typeof entrypoint !== "string" || entrypoint === "")
    say("entrypoint", "is missing", "write the rule that opa build -e named, such as sallyport/decision");
  else if (/^data\.|\./.test(entrypoint))
    say(
      "entrypoint",
      `is "${entrypoint}", as queries write it`,
      `write ${entrypoint.replace(/^data\./, "").replaceAll(".", "/")}`,
    );
  return {
    ...every,
    kind: "opa",
    bundle: fileName(value, "bundle", say),
    sha256: sha256 as string,
    entrypoint: entrypoint as string,
    timeoutMs: numberOf(value, "timeoutMs", MAX_TIMEOUT_MS, say),
    maxMemoryMiB: numberOf(value, "maxMemoryMiB", MAX_MEMORY_MIB, say),
  };
}

function authzenOf(value: Fields, every: Every, say: Say): PointConfig {
  const { url } = value;
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) say("url", "is missing or no address", "write https://HOST/access/v1/evaluation");
  else if (parsed.protocol !== "https:")
    say(
      "url",
      `speaks ${parsed.protocol.slice(0, -1)}, so that anybody on the way answers`,
      `write ${String(url).replace(/^[a-z]+:/, "https:")}`,
    );
  else if (parsed.username !== "" || parsed.password !== "")
    say("url", "holds a password", "write token, a file beside this one");
  else if (parsed.search !== "" || parsed.hash !== "") say("url", "has a query or a fragment", "take it out");
  else if (!parsed.pathname.endsWith("/access/v1/evaluation"))
    say("url", `has the path ${parsed.pathname}`, "write the path /access/v1/evaluation of the AuthZEN API");
  return {
    ...every,
    kind: "authzen",
    url: url as string,
    timeoutMs: numberOf(value, "timeoutMs", MAX_TIMEOUT_MS, say),
    certificates: value["certificates"] === undefined ? null : fileName(value, "certificates", say),
    token: value["token"] === undefined ? null : fileName(value, "token", say),
  };
}

function numberOf(value: Fields, field: string, most: number, say: Say): number {
  const one = value[field];
  if (one === undefined)
    say(field, "is missing: what waits for ever stops every run", `write a number up to ${most}`);
  else if (!Number.isSafeInteger(one) || (one as number) < 1 || (one as number) > most)
    say(field, `is ${JSON.stringify(one)}`, `write a whole number from 1 to ${most}`);
  return one as number;
}

function fileName(value: Fields, field: string, say: Say): string {
  const one = value[field];
  if (typeof one !== "string" || one === "")
    say(field, "is missing", "write the name of a file beside this one");
  else if (/^[a-z]+:\/\//.test(one))
    say(field, `is "${one}", and nothing is fetched`, "put the file beside this one, and write its name");
  else if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(one))
    say(field, `is "${one}"`, "write the name of a file beside this one, without directories");
  return one as string;
}
