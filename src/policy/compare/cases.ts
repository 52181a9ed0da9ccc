/** A policy's own tests: what is asked, and what must be answered. Pure. */
import { compilePolicy, decidePath, type Policy, type Rule } from "../decide.ts";
import { NetworkPolicy, parseNetworkGrant } from "../network.ts";
import type { Parsed, Problem } from "../problem.ts";
import { isFields } from "../profile_fields.ts";
import { RIGHT, RIGHT_NAMES, type RightName } from "../rights.ts";

export type Case = {
  readonly op: RightName;
  /** Of an op on paths; variables are expanded. */
  readonly path: string | null;
  readonly host: string | null;
  readonly port: number;
  readonly expect: "allow" | "deny";
  /** The rule that must decide; null: any. */
  readonly rule: string | null;
  /** UTC, as Cedar policies see it. */
  readonly minuteOfDay: number;
  /** 0 is Sunday. */
  readonly dayOfWeek: number;
  /** Digest of the program, as Cedar policies see it; null: it can not be read. */
  readonly sha256: string | null;
};

/** What Cedar says of what the rules allow; null: nothing against it. */
export type CaseCedar = {
  connect(host: string, port: number): { readonly id: string } | null;
  execute(path: string, digest: () => string | null): { readonly id: string } | null;
};

export type CaseResult = {
  readonly verdict: "allow" | "deny";
  readonly rule: string;
  /** null: as expected; else what is not. */
  readonly problem: string | null;
  /** The rule as compiled, where one decided on a path. */
  readonly decided: Rule | null;
};

const FIELDS = ["op", "path", "host", "port", "expect", "rule", "minuteOfDay", "dayOfWeek", "sha256"];
/** A Wednesday at noon. */
const NOON = 720;
const WEDNESDAY = 3;
/** The first of January 1970. */
const THURSDAY = 4;
const DEFAULT_PORT = 443;

/** Reads the list `cases`; fields that it does not know are refused, so that no case says less than it seems to. */
export function parseCases(value: unknown): Parsed<readonly Case[]> {
  const problems: Problem[] = [];
  const list = isFields(value) && Array.isArray(value["cases"]) ? value["cases"] : null;
  if (list === null || list.length === 0) {
    return {
      ok: false,
      problems: [
        {
          field: "cases",
          problem: "is no list of cases",
          remedy: "write cases: with op, path and expect each",
        },
      ],
    };
  }
  const cases = list.map((one, index) => caseOf(one, `cases[${index}]`, problems));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: cases as Case[] };
}

/** Paths are expanded. `cedar` is asked as in a run: after the rules have allowed. */
export function runCase(
  policy: Policy,
  network: NetworkPolicy,
  one: Case,
  cedar: CaseCedar | null = null,
): CaseResult {
  if (one.host !== null) {
    const verdict = network.decide(one.host, one.port);
    if (verdict.kind === "deny") return judged(one, "deny", verdict.rule.id, null);
    const forbidden = cedar?.connect(one.host, one.port) ?? null;
    if (forbidden !== null) return judged(one, "deny", forbidden.id, null);
    return judged(one, "allow", verdict.rule, null);
  }
  const verdict = decidePath(policy, one.path!, RIGHT[one.op]);
  if (verdict.kind === "allow" && one.op === "execute") {
    const forbidden = cedar?.execute(one.path!, () => one.sha256) ?? null;
    if (forbidden !== null) return judged(one, "deny", forbidden.id, null);
  }
  return judged(one, verdict.kind, verdict.rule?.id ?? "default-deny", verdict.rule);
}

/** A moment of that day and minute. */
export function timeOf({ minuteOfDay, dayOfWeek }: Case): number {
  return (((dayOfWeek - THURSDAY + 7) % 7) * 1440 + minuteOfDay) * 60_000;
}

/** Policies of nothing but rules and hosts, for runCase. */
export function policiesOf(
  name: string,
  rules: readonly Rule[],
  hosts: readonly string[],
): [Policy, NetworkPolicy] {
  const grants = hosts.map(parseNetworkGrant).filter((grant) => grant !== null);
  return [compilePolicy(name, rules), new NetworkPolicy(grants)];
}

function judged(one: Case, verdict: "allow" | "deny", rule: string, decided: Rule | null): CaseResult {
  const wrong = verdict !== one.expect ? `is ${verdict}, expected ${one.expect}` : null;
  const other = one.rule !== null && one.rule !== rule ? `is decided by ${rule}, expected ${one.rule}` : null;
  return { verdict, rule, problem: wrong ?? other, decided };
}

function caseOf(value: unknown, field: string, problems: Problem[]): Case | null {
  const say = (at: string, problem: string, remedy: string): null => {
    problems.push({ field: at === "" ? field : `${field}.${at}`, problem, remedy });
    return null;
  };
  if (!isFields(value)) return say("", "is no mapping", "write op, path or host, and expect");
  const unknown = Object.keys(value).find((key) => !FIELDS.includes(key));
  if (unknown !== undefined) return say(unknown, "is unknown", `write one of ${FIELDS.join(", ")}`);
  const { op, path, host, port = DEFAULT_PORT, expect, rule } = value;
  const right = op === "exec" ? "execute" : op;
  if (!(RIGHT_NAMES as readonly unknown[]).includes(right))
    return say("op", "is no right", `write one of ${RIGHT_NAMES.join(", ")}`);
  if (expect !== "allow" && expect !== "deny")
    return say("expect", "is missing or neither", "write allow or deny");
  if ((typeof path === "string") === (typeof host === "string"))
    return say("path", "and host: one of the two is to be there", "write a path, or a host with op: connect");
  if (typeof host === "string" && right !== "connect")
    return say("op", "is not connect, and a host is named", "write op: connect");
  if (!Number.isInteger(port)) return say("port", "is no number", "write a port from 1 to 65535");
  if (rule !== undefined && typeof rule !== "string")
    return say("rule", "is no text", "write the id of a rule");
  const { minuteOfDay = NOON, dayOfWeek = WEDNESDAY, sha256 = null } = value;
  if (!isWithin(minuteOfDay, 1439)) return say("minuteOfDay", "is no minute", "write 0 to 1439, in UTC");
  if (!isWithin(dayOfWeek, 6)) return say("dayOfWeek", "is no day", "write 0 (Sunday) to 6");
  if (sha256 !== null && !(typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256)))
    return say("sha256", "is no digest", "write what sha256sum prints");
  return {
    minuteOfDay: minuteOfDay as number,
    dayOfWeek: dayOfWeek as number,
    sha256: sha256 as string | null,
    op: right as RightName,
    path: (path as string | undefined) ?? null,
    host: (host as string | undefined) ?? null,
    port: port as number,
    expect,
    rule: rule ?? null,
  };
}

function isWithin(value: unknown, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}
