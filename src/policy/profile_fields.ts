/** Checks one profile file, as parsed, field by field. What it accepts is what profiles/schema.json describes. */
import { parseNetworkGrant } from "./network.ts";
import type { Problem } from "./problem.ts";
import { profileCredential } from "./profile_credential.ts";
import { RIGHT_NAMES } from "./rights.ts";

export type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown, field: string, report: Report) => void;
type Report = (field: string, problem: string, remedy: string) => void;

export const PROFILE_NAME: RegExp = /^(?:pack)?:?[a-z0-9][a-z0-9-]*$/;
/** Of a key of gpg: its fingerprint (40 digits, or 64 for version 5 and 6) or its keygrip. */
export const GPG_KEY: RegExp = /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/;
/** A file beside the profile. */
const CEDAR_FILE = /^[A-Za-z0-9][A-Za-z0-9._-]*\.cedar$/;
const RULE_ID = /^[a-z0-9][a-z0-9.-]*$/;
const VARIABLES = ["workspace", "home", "tmp", "state"];

const RULE: Readonly<Record<string, Check>> = {
  id: matching(RULE_ID, 'a name such as "workspace.write"'),
  effect: oneOf("allow", "deny"),
  rights: listOf(oneOf(...RIGHT_NAMES), 1),
  paths: listOf(pattern, 1),
  sha256: listOf(matching(/^[0-9a-f]{64}$/, "a digest as sha256sum prints it"), 1),
  owner: listOf(owner, 1),
  except: listOf(pattern, 0),
  reason: text,
  remedy: text,
};

const NATIVE: Readonly<Record<string, Check>> = {
  read: listOf(nativePath, 0),
  execute: listOf(nativePath, 0),
};

const ENVIRONMENT: Readonly<Record<string, Check>> = {
  allow: listOf(matching(/^[A-Za-z_][A-Za-z0-9_]*\*?$/, "NAME or PREFIX_*"), 0),
  set: mapOf(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of a variable", text),
};

const FINGERPRINT = matching(/^SHA256:[A-Za-z0-9+/]{43}$/, "a fingerprint as ssh-add -l shows it");
const SSH_KEYS: Readonly<Record<string, Check>> = {
  sign: listOf(FINGERPRINT, 0),
  login: listOf(FINGERPRINT, 0),
};

const GPG_KEYS: Readonly<Record<string, Check>> = {
  sign: listOf(matching(GPG_KEY, "a fingerprint or keygrip: 40 hexadecimal digits"), 0),
};

const NETWORK: Readonly<Record<string, Check>> = {
  allow: listOf(networkGrant, 0),
  listen: listOf(port, 0),
  credentials: listOf(profileCredential, 0),
};

const MIME_TYPE = matching(/^[a-z]+\/(?:\*|[a-z0-9][a-z0-9.+-]*)$/, "a type such as image/png or text/*");

const EXECUTION: Readonly<Record<string, Check>> = {
  programs: oneOf("any", "listed"),
  interpreters: oneOf("allowed", "refused"),
  watch: oneOf("off", "where-possible", "required"),
};

const BUCKET: Readonly<Record<string, Check>> = {
  perSecond: positive,
  burst: positive,
  above: oneOf("wait", "refuse"),
};
const QUOTA_FIELDS: Readonly<Record<string, Check>> = {
  files: positive,
  bytesRead: positive,
  bytesWritten: positive,
  deletes: positive,
  hosts: positive,
  uses: positive,
};
const STORM = object({ count: positive, seconds: positive }, ["count", "seconds"]);
const BREAKERS: Readonly<Record<string, Check>> = {
  errors: STORM,
  denials: STORM,
  deletes: STORM,
  renames: STORM,
  entropy: STORM,
  endAfterSeconds: positive,
};

const PROFILE: Readonly<Record<string, Check>> = {
  name: matching(PROFILE_NAME, "lower-case words joined by dashes"),
  version: oneOf(1),
  description: text,
  extends: listOf(matching(PROFILE_NAME, "the name of a profile"), 1),
  without: listOf(matching(RULE_ID, "the id of an inherited rule"), 0),
  enforcement: oneOf("hard", "best-effort"),
  landlock: object({ minimumAbi: positive }, ["minimumAbi"]),
  mediation: oneOf("kernel", "writes", "strict"),
  reads: oneOf("native", "brokered", "auto"),
  syscalls: matching(/^[a-z0-9][a-z0-9-]*$/, "the name of a file in profiles/linux"),
  memfd: oneOf("noexec", "any"),
  unixSockets: oneOf("refused", "brokered"),
  native: object(NATIVE, []),
  execution: object(EXECUTION, []),
  sshKeys: object(SSH_KEYS, []),
  gpgKeys: object(GPG_KEYS, []),
  environment: object(ENVIRONMENT, []),
  network: object(NETWORK, []),
  linuxCapabilities: listOf(matching(/^CAP_[A-Z_]+$/, "a name such as CAP_NET_RAW"), 0),
  limits: mapOf(
    /^(?:read|write|delete|metadata|exec|connect|transfer)$/,
    "an operation class: read, write, delete, metadata, exec, connect or transfer",
    object(BUCKET, ["perSecond", "burst"]),
  ),
  quotas: object(QUOTA_FIELDS, []),
  breakers: object(BREAKERS, []),
  rlimits: mapOf(
    /^(?:as|core|cpu|data|fsize|memlock|nofile|nproc|stack)$/,
    "a resource limit such as nofile",
    rlimit,
  ),
  cedar: matching(CEDAR_FILE, "the name of a .cedar file beside the profile"),
  undo: oneOf("journaled", "off"),
  undoLimits: object({ maxBytes: positive, maxEntries: positive, keepDays: positive }, []),
  fileLimits: object({ maxBytes: positive, maxFiles: positive, mimeTypes: listOf(MIME_TYPE, 1) }, []),
  rules: listOf(rule, 0),
};

/** What a layer may say: what it asks at least, and what it lets be granted at most. */
const LAYER: Readonly<Record<string, Check>> = {
  layer: oneOf("managed", "user", "project"),
  version: oneOf(1),
  description: text,
  profiles: listOf(matching(PROFILE_NAME, "the name of a profile"), 1),
  enforcement: oneOf("hard"),
  mediation: oneOf("writes", "strict"),
  reads: oneOf("auto", "brokered"),
  memfd: oneOf("noexec"),
  unixSockets: oneOf("refused"),
  undo: oneOf("journaled"),
  execution: object(EXECUTION, []),
  sshKeys: object(SSH_KEYS, []),
  gpgKeys: object(GPG_KEYS, []),
  environment: object({ allow: ENVIRONMENT["allow"]! }, []),
  network: object(NETWORK, []),
  linuxCapabilities: PROFILE["linuxCapabilities"]!,
  limits: PROFILE["limits"]!,
  quotas: PROFILE["quotas"]!,
  breakers: PROFILE["breakers"]!,
  rlimits: PROFILE["rlimits"]!,
  fileLimits: PROFILE["fileLimits"]!,
  rules: listOf(layerRule, 0),
};

/** Everything wrong with one file; `field` is relative to it. */
export function profileProblems(value: unknown): Problem[] {
  return problemsOf(object(PROFILE, ["name", "version", "description"]), value);
}

/** The same of a layer. */
export function layerProblems(value: unknown): Problem[] {
  return problemsOf(object(LAYER, ["layer", "version", "description"]), value);
}

function problemsOf(check: Check, value: unknown): Problem[] {
  const problems: Problem[] = [];
  check(value, "", (field, problem, remedy) => {
    problems.push({ field, problem, remedy });
  });
  return problems;
}

function layerRule(value: unknown, field: string, report: Report): void {
  rule(value, field, report);
  if (!isFields(value)) return;
  for (const key of ["sha256", "owner"])
    if (value[key] !== undefined)
      report(join(field, key), "is not looked at in a layer", "name programs in a profile");
  if (value["effect"] === "allow" && value["except"] !== undefined)
    report(join(field, "except"), "is not for the allow rules of a layer", "write a deny rule for it");
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(checks: Readonly<Record<string, Check>>, required: readonly string[]): Check {
  return (value, field, report) => {
    if (!isFields(value)) {
      report(field, `is ${show(value)}`, "write a mapping");
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
      if (check === undefined)
        report(join(field, key), "is unknown", `write one of ${Object.keys(checks).join(", ")}`);
      else check(item, join(field, key), report);
    }
    for (const key of required) {
      if (!Object.hasOwn(value, key)) report(join(field, key), "is missing", "write it");
    }
  };
}

function mapOf(keys: RegExp, what: string, check: Check): Check {
  return (value, field, report) => {
    if (!isFields(value)) {
      report(field, `is ${show(value)}`, "write a mapping");
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      if (!keys.test(key)) report(join(field, key), "is unknown", `write ${what}`);
      else check(item, join(field, key), report);
    }
  };
}

function listOf(check: Check, minimum: number): Check {
  return (value, field, report) => {
    if (!Array.isArray(value)) {
      report(field, `is ${show(value)}`, "write a list");
      return;
    }
    if (value.length < minimum) report(field, "is empty", "give at least one, or take the field out");
    for (const [index, item] of value.entries()) check(item, `${field}[${index}]`, report);
  };
}

function oneOf(...allowed: readonly (string | number)[]): Check {
  return (value, field, report) => {
    if (!allowed.some((one) => one === value))
      report(field, `is ${show(value)}`, `write ${allowed.join(" or ")}`);
  };
}

function matching(expression: RegExp, what: string): Check {
  return (value, field, report) => {
    if (typeof value !== "string" || !expression.test(value))
      report(field, `is ${show(value)}`, `write ${what}`);
  };
}

function rule(value: unknown, field: string, report: Report): void {
  object(RULE, ["id", "effect", "rights", "paths", "reason"])(value, field, report);
  if (!isFields(value) || (value["sha256"] === undefined && value["owner"] === undefined)) return;
  const { rights } = value;
  if (Array.isArray(rights) && rights.length === 1 && rights[0] === "execute") return;
  const remedy = "write [execute]: what a file is, sha256 and owner, is looked at when it is to be executed";
  report(join(field, "rights"), `is ${show(rights)} beside sha256 or owner`, remedy);
}

function owner(value: unknown, field: string, report: Report): void {
  if (typeof value === "string" && /^[a-z_][a-z0-9_.-]*$/i.test(value)) return;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32) return;
  report(field, `is ${show(value)}`, "write the name of a user, or a uid");
}

function text(value: unknown, field: string, report: Report): void {
  // A NUL would end the string for the kernel, and not for us.
  if (typeof value !== "string" || value.includes("\0")) report(field, `is ${show(value)}`, "write a text");
}

function positive(value: unknown, field: string, report: Report): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    report(field, `is ${show(value)}`, "write a whole number from 1");
}

function networkGrant(value: unknown, field: string, report: Report): void {
  if (typeof value === "string" && parseNetworkGrant(value) !== null) return;
  report(
    field,
    `is ${show(value)}`,
    "write HOST, HOST:PORT, *.DOMAIN:PORT, an address or a CIDR; * is any port",
  );
}

function port(value: unknown, field: string, report: Report): void {
  if (!Number.isInteger(value) || (value as number) < 1 || (value as number) > 65535)
    report(field, `is ${show(value)}`, "write a port, 1 to 65535");
}

function rlimit(value: unknown, field: string, report: Report): void {
  if (value === "unlimited" || (Number.isSafeInteger(value) && (value as number) >= 0)) return;
  report(field, `is ${show(value)}`, "write a whole number from 0, or unlimited");
}

function pattern(value: unknown, field: string, report: Report): void {
  const problem = typeof value === "string" ? patternProblem(value) : `is ${show(value)}`;
  if (problem !== null)
    report(field, problem, "start it with / or with one of the variables workspace, home, tmp and state");
}

function nativePath(value: unknown, field: string, report: Report): void {
  pattern(value, field, report);
  if (typeof value === "string" && value.split("/").includes("**")) {
    report(field, `is "${value}", and a kernel rule covers what is below it anyway`, "take ** out");
  }
}

function patternProblem(value: string): string | null {
  const variable = /^\$\{([a-z]+)\}(?=\/|$)/.exec(value);
  if (variable !== null && !VARIABLES.includes(variable[1]!))
    return `names the unknown variable "${variable[1]}"`;
  if (variable === null && !value.startsWith("/")) return `is "${value}", which is not absolute`;
  const rest = variable === null ? value : value.slice(variable[0].length);
  if (rest === "/" && variable === null) return null;
  for (const segment of rest.split("/").slice(1)) {
    if (segment === "" || segment === "." || segment === "..")
      return `is "${value}", which has the segment "${segment}"`;
    if (segment !== "**" && segment.includes("**")) return `is "${value}", where ** is not a whole segment`;
    if (/[\0${}]/.test(segment)) return `is "${value}", which has a variable that does not stand first`;
  }
  return null;
}

function join(field: string, key: string): string {
  return field === "" ? key : `${field}.${key}`;
}

function show(value: unknown): string {
  return value === undefined ? "missing" : (JSON.stringify(value) ?? String(value)).slice(0, 80);
}
