/** Reads the syscall sets of profiles/linux, given as parsed YAML, into a FilterSpec. */
import { constants } from "node:os";
import type { Parsed, Problem } from "../../policy/problem.ts";
import type {
  Action,
  Condition,
  FilterSpec,
  InetPolicy,
  MemfdPolicy,
  SyscallRule,
  UnixPolicy,
} from "./spec.ts";
import { SYSCALLS } from "./syscalls.ts";

type Report = (field: string, problem: string, remedy: string) => void;
type Fields = Readonly<Record<string, unknown>>;

const SET_FIELDS = ["name", "version", "description", "sets", "rules", "allow"];
const RULE_FIELDS = [
  "id",
  "syscalls",
  "action",
  "errno",
  "from",
  "unmediated",
  "only",
  "any",
  "all",
  "reason",
];
const CONDITION_FIELDS = ["arg", "mask", "equals", "as"];

/**
 * Joins the sets that `files[name]` lists, in that order. `files` holds parsed YAML by file name without ending. The result
 * is well formed; `lintFilterSpec` says whether it is wise.
 */
export function loadFilterSpec(name: string, files: Readonly<Record<string, unknown>>): Parsed<FilterSpec> {
  const problems: Problem[] = [];
  const rules: SyscallRule[] = [];
  const allowed = new Set<number>();
  const root = readSet(name, files, problems);
  for (const set of root === null ? [] : (stringsOf(root["sets"]) ?? [name])) {
    const fields = set === name ? root : readSet(set, files, problems);
    if (fields === null) continue;
    const report: Report = (field, problem, remedy) =>
      problems.push({ field: `${set}.${field}`, problem, remedy });
    for (const [index, rule] of listOf(fields["rules"], "rules", report).entries()) {
      const parsed = readRule(rule, `rules[${index}]`, report);
      if (parsed !== null) rules.push(parsed);
    }
    for (const [group, names] of Object.entries(isFields(fields["allow"]) ? fields["allow"] : {})) {
      for (const nr of readNumbers(names, `allow.${group}`, report)) allowed.add(nr);
    }
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: { name, rules, allowed } };
}

function readSet(name: string, files: Readonly<Record<string, unknown>>, problems: Problem[]): Fields | null {
  const set = Object.hasOwn(files, name) ? files[name] : undefined;
  const report: Report = (field, problem, remedy) =>
    problems.push({ field: field === "" ? name : `${name}.${field}`, problem, remedy });
  if (!isFields(set)) {
    report("", "is no syscall set", `give one of ${Object.keys(files).join(", ")}`);
    return null;
  }
  knownFields(set, SET_FIELDS, "", report);
  if (set["version"] !== 1) report("version", `is ${JSON.stringify(set["version"])}`, "write 1");
  if (set["name"] !== name)
    report("name", `is ${JSON.stringify(set["name"])}`, `write the file's name, "${name}"`);
  return set;
}

function readRule(value: unknown, field: string, report: Report): SyscallRule | null {
  if (!isFields(value)) {
    report(field, "is not a mapping", "write id, syscalls, action and reason");
    return null;
  }
  knownFields(value, RULE_FIELDS, `${field}.`, report);
  const id = value["id"];
  if (typeof id !== "string" || !/^[a-z0-9][a-z0-9.-]*$/.test(id)) {
    report(`${field}.id`, `is ${JSON.stringify(id)}`, 'write lower-case words such as "network.socket"');
    return null;
  }
  const action = readAction(value, field, report);
  if (action === null) return null;
  const { from, unmediatedErrno } = readTrap(value, action, field, report);
  return {
    id,
    numbers: readNumbers(value["syscalls"], `${field}.syscalls`, report),
    action,
    from,
    unmediatedErrno,
    ...readOnly(value["only"], `${field}.only`, report),
    alternatives: readAlternatives(value, field, report),
    reason: typeof value["reason"] === "string" ? value["reason"] : "",
  };
}

function readAction(rule: Fields, field: string, report: Report): Action | null {
  const { action, errno } = rule;
  if (action === "allow" || action === "trap") {
    if (errno !== undefined)
      report(`${field}.errno`, `has no meaning with action "${action}"`, "take it out");
    return { kind: action };
  }
  if (action !== "errno" && action !== "refuse") {
    report(`${field}.action`, `is ${JSON.stringify(action)}`, "write allow, errno, refuse or trap");
    return null;
  }
  return { kind: action, errno: readErrno(errno, `${field}.errno`, report) };
}

function readTrap(
  rule: Fields,
  action: Action,
  field: string,
  report: Report,
): Pick<SyscallRule, "from" | "unmediatedErrno"> {
  const { from, unmediated } = rule;
  if (action.kind !== "trap") {
    if (from !== undefined) report(`${field}.from`, "is for traps only", "take it out");
    if (unmediated !== undefined) report(`${field}.unmediated`, "is for traps only", "take it out");
    return { from: null, unmediatedErrno: null };
  }
  if (from !== "writes" && from !== "strict")
    report(`${field}.from`, `is ${JSON.stringify(from)}`, "write writes or strict");
  const unmediatedErrno =
    unmediated === "allow" ? null : readErrno(unmediated, `${field}.unmediated`, report);
  return { from: from === "strict" ? "strict" : "writes", unmediatedErrno };
}

function readErrno(value: unknown, field: string, report: Report): number {
  const number = typeof value === "string" ? (constants.errno as Record<string, number>)[value] : undefined;
  if (number === undefined)
    report(field, `is ${JSON.stringify(value)}`, "write the name of an errno, such as EPERM");
  return number ?? constants.errno.EPERM;
}

type Only = Pick<SyscallRule, "memfd" | "unix" | "inet">;

const ALWAYS: Only = { memfd: null, unix: null, inet: null };
const POLICIES = {
  memfd: ["noexec", "any"] as readonly (MemfdPolicy | undefined)[],
  unix: ["refused", "brokered"] as readonly (UnixPolicy | undefined)[],
  inet: ["refused", "namespace"] as readonly (InetPolicy | undefined)[],
};

function readOnly(value: unknown, field: string, report: Report): Only {
  if (value === undefined) return ALWAYS;
  const fields = isFields(value) ? value : {};
  knownFields(fields, Object.keys(POLICIES), `${field}.`, report);
  const named = Object.entries(POLICIES).filter(([name]) => fields[name] !== undefined);
  if (
    named.length > 0 &&
    named.every(([name, words]) => (words as readonly unknown[]).includes(fields[name]))
  )
    return { ...ALWAYS, ...fields };
  const remedy = Object.entries(POLICIES).flatMap(([name, words]) =>
    words.map((word) => `{ ${name}: ${word} }`),
  );
  report(field, `is ${JSON.stringify(value)}`, `write one of ${remedy.join(", ")}`);
  return ALWAYS;
}

function readAlternatives(rule: Fields, field: string, report: Report): Condition[][] {
  const { any, all } = rule;
  if (any !== undefined && all !== undefined)
    report(field, 'has both "any" and "all"', "split it into two rules");
  const key = any === undefined ? "all" : "any";
  if (rule[key] === undefined) return [];
  const raw = listOf(rule[key], `${field}.${key}`, report);
  if (raw.length === 0)
    report(`${field}.${key}`, "is empty", "give a condition, or take it out to mean always");
  const conditions = raw.map((one, index) => readCondition(one, `${field}.${key}[${index}]`, report));
  const valid = conditions.filter((one) => one !== null);
  return key === "any" ? valid.map((one) => [one]) : [valid];
}

function readCondition(value: unknown, field: string, report: Report): Condition | null {
  if (!isFields(value)) {
    report(field, "is not a mapping", "write { arg: 0, mask: 0xffffffff, equals: 1 }");
    return null;
  }
  knownFields(value, CONDITION_FIELDS, `${field}.`, report);
  const { arg, mask, equals } = value;
  if (typeof arg !== "number" || !Number.isInteger(arg) || arg < 0 || arg > 5) {
    report(`${field}.arg`, `is ${JSON.stringify(arg)}`, "write the argument's index, 0 to 5");
    return null;
  }
  if (!isWord(mask) || mask === 0) {
    const problem =
      mask === undefined ? "is missing, so the high word would be compared" : `is ${JSON.stringify(mask)}`;
    report(`${field}.mask`, problem, "write the bits of the low word that count: 0xffffffff for a whole int");
    return null;
  }
  if (!isWord(equals) || (equals & ~mask) !== 0) {
    report(
      `${field}.equals`,
      `is ${JSON.stringify(equals)}`,
      "write an unsigned word without bits outside the mask",
    );
    return null;
  }
  return { arg, mask, value: equals };
}

function readNumbers(value: unknown, field: string, report: Report): number[] {
  const names = stringsOf(value);
  if (names === null || names.length === 0) report(field, "is no list of names", "write [ptrace, …]");
  return (names ?? []).flatMap((name, index) => {
    const nr = SYSCALLS.get(name);
    if (nr !== undefined) return [nr];
    report(
      `${field}[${index}]`,
      `is "${name}", no x86_64 system call`,
      "write a name of src/platform/seccomp/syscalls.ts",
    );
    return [];
  });
}

function knownFields(value: Fields, known: readonly string[], prefix: string, report: Report): void {
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) report(`${prefix}${key}`, "is unknown", `write one of ${known.join(", ")}`);
  }
}

function listOf(value: unknown, field: string, report: Report): readonly unknown[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  report(field, "is not a list", "write a list");
  return [];
}

function stringsOf(value: unknown): readonly string[] | null {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : null;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWord(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 0xffffffff;
}
