import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { formatProblem } from "../../../src/policy/problem.ts";
import { type ResolvedProfile, resolveProfile } from "../../../src/policy/profile.ts";
import { profileProblems } from "../../../src/policy/profile_fields.ts";
import { ALL_RIGHTS, RIGHT } from "../../../src/policy/rights.ts";
import { parsedYaml } from "../../support/builtin.ts";

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../../profiles/schema.json"), "utf8"));
const validate = new Ajv2020({ strict: true, allErrors: true }).compile(schema);
const builtIn: Record<string, unknown> = Object.fromEntries(
  [...Object.values(parsedYaml(".")), ...Object.values(parsedYaml("packs"))].map((file) => [
    (file as { name: string }).name,
    file,
  ]),
);

function resolved(name: string, files: Record<string, unknown> = builtIn): ResolvedProfile {
  const parsed = resolveProfile(name, files);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  return parsed.value;
}

function problemsOf(name: string, extra: Record<string, unknown>): string[] {
  const parsed = resolveProfile(name, { ...builtIn, ...extra });
  return parsed.ok ? [] : parsed.problems.map((one) => one.field);
}

test.each([":none", ":read-only", ":workspace", ":strict"])("%s resolves", (name) => {
  const profile = resolved(name);
  expect(profile.name).toBe(name);
  expect(profile.linuxCapabilities).toEqual([]);
  expect(profile.enforcement).toBe("hard");
  for (const id of [
    "protected.git-hooks",
    "protected.git-config",
    "protected.state",
    "secrets.home",
    "secrets.files",
  ]) {
    expect(profile.rules.find((rule) => rule.id === id)).toMatchObject({ effect: "deny" });
  }
  expect(profile.rules.find((rule) => rule.id === "protected.state")?.rights).toBe(ALL_RIGHTS);
  expect(new Set(profile.rules.map((rule) => rule.id)).size).toBe(profile.rules.length);
});

test("the built-in profiles widen one after the other", () => {
  expect(resolved(":strict").lineage).toEqual([
    "pack:protected",
    "pack:secrets",
    "pack:sockets",
    ":none",
    ":read-only",
    ":workspace",
    ":strict",
  ]);
  expect(resolved(":none").native.execute).not.toContain("${workspace}");
  expect(resolved(":read-only").native.execute).toContain("${workspace}");
  expect(resolved(":read-only").rules.some((rule) => rule.id === "workspace.write")).toBe(false);
  expect(resolved(":workspace")).toMatchObject({ mediation: "writes", reads: "auto", memfd: "noexec" });
  expect(resolved(":strict")).toMatchObject({ mediation: "strict", reads: "brokered" });
});

test("nothing native is a home, a secret of /etc or another terminal", () => {
  const { native } = resolved(":workspace");
  for (const path of [...native.read, ...native.execute]) {
    expect(path).not.toMatch(
      /^(?:\/|\$\{home\}|\/etc|\/dev|\/dev\/pts|\/dev\/shm|\/home|\/root|\/sys|\/var|\/run|\/tmp)$/,
    );
    expect(path).not.toMatch(/shadow|sudoers|\/etc\/ssh|private|npmrc$(?<!^\/etc\/npmrc)/);
  }
});

test("what the kernel grants, the broker grants on request", () => {
  const rules = resolved(":workspace").rules;
  const execute = rules.find((rule) => rule.id === "native.execute")!;
  expect(execute.rights).toBe(RIGHT.read | RIGHT.list | RIGHT.stat | RIGHT.execute);
  expect(execute.patterns).toEqual(
    expect.arrayContaining(["/usr", "/usr/**", "${workspace}", "${workspace}/**"]),
  );
});

test("samples of hooks and of .env files are excepted", () => {
  const rules = resolved(":workspace").rules;
  expect(rules.find((rule) => rule.id === "protected.git-hooks")?.except).toContain(
    "/**/.git/hooks/*.sample",
  );
  expect(rules.find((rule) => rule.id === "secrets.files")?.except).toContain("/**/.env.example");
});

const child = { name: "mine", version: 1, description: "Mine", extends: [":workspace"] };

test("a profile adds to what it extends, replaces words and drops rules by name", () => {
  const mine = resolved("mine", {
    ...builtIn,
    mine: {
      ...child,
      mediation: "strict",
      without: ["protected.editors"],
      rlimits: { nofile: 64 },
      environment: { allow: ["MY_*"], set: { TMPDIR: "/elsewhere" } },
      native: { read: ["/srv/data"] },
    },
  });
  expect(mine.mediation).toBe("strict");
  expect(mine.rlimits).toEqual({ core: 0, nofile: 64 });
  expect(mine.environment.allow).toEqual(expect.arrayContaining(["PATH", "MY_*"]));
  expect(mine.environment.set).toMatchObject({ TMPDIR: "/elsewhere", npm_config_userconfig: "/dev/null" });
  expect(mine.native.read).toEqual(expect.arrayContaining(["/etc/passwd", "/srv/data"]));
  expect(mine.rules.some((rule) => rule.id === "protected.editors")).toBe(false);
});

test("execution is by place unless a profile says otherwise, and its words are inherited one by one", () => {
  expect(resolved(":workspace").execution).toEqual({
    programs: "any",
    interpreters: "allowed",
    watch: "off",
  });
  const one = { ...child, name: "one", execution: { programs: "listed", watch: "where-possible" } };
  const two = { ...child, extends: ["one"], execution: { interpreters: "refused" } };
  const mine = resolved("mine", { ...builtIn, one, mine: two });
  expect(mine.execution).toEqual({ programs: "listed", interpreters: "refused", watch: "where-possible" });
});

const rule = { id: "own", effect: "allow", rights: ["read"], paths: ["/srv/**"], reason: "x" };

test.each<[string, object, string]>([
  ["an unknown field", { ...child, network: true }, "mine: network"],
  ["an unknown nested field", { ...child, landlock: { minimumAbi: 6, abi: 7 } }, "mine: landlock.abi"],
  [
    "a field of Object.prototype",
    JSON.parse('{"name":"mine","version":1,"description":"","__proto__":{}}'),
    "mine: __proto__",
  ],
  ["another version", { ...child, version: 2 }, "mine: version"],
  ["an unknown word", { ...child, mediation: "all" }, "mine: mediation"],
  ["an unknown right", { ...child, rules: [{ ...rule, rights: ["reed"] }] }, "mine: rules[0].rights[0]"],
  ["no rights", { ...child, rules: [{ ...rule, rights: [] }] }, "mine: rules[0].rights"],
  ["a relative pattern", { ...child, rules: [{ ...rule, paths: ["src/**"] }] }, "mine: rules[0].paths[0]"],
  ["dots", { ...child, rules: [{ ...rule, paths: ["/srv/../etc"] }] }, "mine: rules[0].paths[0]"],
  ["an empty segment", { ...child, rules: [{ ...rule, paths: ["/srv//x"] }] }, "mine: rules[0].paths[0]"],
  ["half a double star", { ...child, rules: [{ ...rule, paths: ["/srv/**x"] }] }, "mine: rules[0].paths[0]"],
  [
    "an unknown variable",
    { ...child, rules: [{ ...rule, paths: ["${root}/x"] }] },
    "mine: rules[0].paths[0]",
  ],
  [
    "a variable inside",
    { ...child, rules: [{ ...rule, paths: ["/srv/${home}"] }] },
    "mine: rules[0].paths[0]",
  ],
  ["a double star in a kernel grant", { ...child, native: { read: ["/srv/**"] } }, "mine: native.read[0]"],
  ["a rule without a reason", { ...child, rules: [{ ...rule, reason: undefined }] }, "mine: rules[0].reason"],
  ["a negative limit", { ...child, rlimits: { nofile: -1 } }, "mine: rlimits.nofile"],
  ["an unknown limit", { ...child, rlimits: { files: 1 } }, "mine: rlimits.files"],
  [
    "a digest that is none",
    { ...child, rules: [{ ...rule, rights: ["execute"], sha256: ["ABC"] }] },
    "mine: rules[0].sha256[0]",
  ],
  ["no digest", { ...child, rules: [{ ...rule, rights: ["execute"], sha256: [] }] }, "mine: rules[0].sha256"],
  [
    "an owner that is none",
    { ...child, rules: [{ ...rule, rights: ["execute"], owner: [-1] }] },
    "mine: rules[0].owner[0]",
  ],
  [
    "an owner beside another right",
    { ...child, rules: [{ ...rule, rights: ["execute", "read"], owner: ["root"] }] },
    "mine: rules[0].rights",
  ],
  [
    "a digest beside another right",
    { ...child, rules: [{ ...rule, sha256: ["0".repeat(64)] }] },
    "mine: rules[0].rights",
  ],
  ["an unknown word for programs", { ...child, execution: { programs: "some" } }, "mine: execution.programs"],
  ["an unknown field of execution", { ...child, execution: { python: "no" } }, "mine: execution.python"],
  [
    "an unknown word above a rate",
    { ...child, limits: { read: { perSecond: 1, burst: 1, above: "ask" } } },
    "mine: limits.read.above",
  ],
  ["an unknown quota", { ...child, quotas: { minutes: 1 } }, "mine: quotas.minutes"],
  ["a quota of nothing", { ...child, quotas: { files: 0 } }, "mine: quotas.files"],
  ["an unknown breaker", { ...child, breakers: { reads: { count: 1, seconds: 1 } } }, "mine: breakers.reads"],
  [
    "a breaker without a window",
    { ...child, breakers: { deletes: { count: 1 } } },
    "mine: breakers.deletes.seconds",
  ],
  ["a bucket without a burst", { ...child, limits: { read: { perSecond: 1 } } }, "mine: limits.read.burst"],
])("%s is refused at its place, by the schema too", (_name, mine, field) => {
  expect(problemsOf("mine", { mine })).toContain(field);
  expect(validate(JSON.parse(JSON.stringify(mine))) && !Object.hasOwn(mine, "__proto__")).toBe(false);
});

test.each<[string, Record<string, unknown>, string]>([
  ["an unknown parent", { mine: { ...child, extends: [":workspce"] } }, "mine: extends[0]"],
  ["a parent of Object.prototype", { mine: { ...child, extends: ["constructor"] } }, "mine: extends[0]"],
  ["itself", { mine: { ...child, extends: ["mine"] } }, "mine: extends[0]"],
  [
    "a circle",
    { mine: { ...child, extends: ["two"] }, two: { ...child, name: "two", extends: ["mine"] } },
    "two: extends[0]",
  ],
  ["another name inside", { mine: { ...child, name: "other" } }, "mine: name"],
  ["a taken id", { mine: { ...child, rules: [{ ...rule, id: "workspace.write" }] } }, "mine: rules[0].id"],
  ["a reserved id", { mine: { ...child, rules: [{ ...rule, id: "native.read" }] } }, "mine: rules[0].id"],
  ["a rule that is not inherited", { mine: { ...child, without: ["protected.editor"] } }, "mine: without[0]"],
  ["a missing word", { mine: { name: "mine", version: 1, description: "" } }, "mine: mediation"],
  ["a parent with a mistake", { mine: { ...child, extends: ["two"] }, two: { name: "two" } }, "two: version"],
])("%s is refused at its place", (_name, extra, field) => {
  expect(problemsOf("mine", extra)).toContain(field);
});

const strict = {
  name: "strict",
  version: 1,
  description: "Strict",
  extends: [":workspace"],
  limits: { delete: { perSecond: 10, burst: 20, above: "refuse" } },
  quotas: { files: 100 },
  breakers: { deletes: { count: 50, seconds: 10 }, endAfterSeconds: 60 },
};

test.each<[string, Record<string, unknown>, string, string]>([
  ["a rate", { limits: { delete: { perSecond: 11, burst: 20 } } }, "limits.delete.perSecond", "at most 10"],
  ["a burst", { limits: { delete: { perSecond: 1, burst: 21 } } }, "limits.delete.burst", "at most 20"],
  [
    "waiting",
    { limits: { delete: { perSecond: 1, burst: 1, above: "wait" } } },
    "limits.delete.above",
    '"refuse"',
  ],
  ["a quota", { quotas: { files: 101 } }, "quotas.files", "at most 100"],
  [
    "a breaker",
    { breakers: { deletes: { count: 51, seconds: 10 } } },
    "breakers.deletes.count",
    "at most 50",
  ],
  [
    "its window",
    { breakers: { deletes: { count: 5, seconds: 9 } } },
    "breakers.deletes.seconds",
    "at least 10",
  ],
  ["the time to resume", { breakers: { endAfterSeconds: 61 } }, "breakers.endAfterSeconds", "at most 60"],
])("%s can not be raised by a profile that extends another", (_name, fields, field, remedy) => {
  const mine = { name: "mine", version: 1, description: "Mine", extends: ["middle"], ...fields };
  const middle = { name: "middle", version: 1, description: "Middle", extends: ["strict"] };
  const got = resolveProfile("mine", { ...builtIn, strict, middle, mine });
  if (got.ok) throw new Error("it was accepted");
  expect(got.problems.map((problem) => problem.field)).toEqual([`mine: ${field}`]);
  expect(formatProblem(got.problems[0]!)).toContain('"strict"');
  expect(formatProblem(got.problems[0]!)).toContain(remedy);
});

test("limits are lowered one by one, and of two profiles side by side the strictest holds", () => {
  const other = {
    name: "other",
    version: 1,
    description: "Other",
    extends: [":workspace"],
    quotas: { files: 500, deletes: 7 },
    breakers: { deletes: { count: 500, seconds: 60 } },
  };
  const mine = {
    name: "mine",
    version: 1,
    description: "Mine",
    extends: ["strict", "other"],
    limits: { delete: { perSecond: 5, burst: 20 } },
  };
  const got = resolved("mine", { ...builtIn, strict, other, mine });
  expect(got.limits).toEqual({ delete: { perSecond: 5, burst: 20, above: "refuse" } });
  expect(got.quotas).toEqual({ files: 100, deletes: 7 });
  expect(got.breakers).toEqual({ deletes: { count: 50, seconds: 60 }, endAfterSeconds: 60 });
});

test("a pack alone is no profile, and a missing one is named", () => {
  expect(resolveProfile("pack:secrets", builtIn)).toMatchObject({ ok: false });
  const missing = resolveProfile("nowhere", builtIn);
  expect(missing.ok ? "" : formatProblem(missing.problems[0]!)).toMatch(
    /^field "profile" names "nowhere", which does not exist: write one of :none, /,
  );
});

test("the built-in files keep to the schema, and every property says what it is", () => {
  const names = Object.keys(builtIn);
  expect(names).toHaveLength(9);
  for (const name of names) {
    expect(validate(builtIn[name]), `${name}: ${JSON.stringify(validate.errors)}`).toBe(true);
    expect(profileProblems(builtIn[name])).toEqual([]);
  }
  let described = 0;
  const visit = (node: unknown, at: string): void => {
    if (typeof node !== "object" || node === null) return;
    const properties = (node as { properties?: Record<string, object> }).properties ?? {};
    for (const [key, value] of Object.entries(properties)) {
      const reference = (value as { $ref?: string }).$ref?.split("/").at(-1) ?? "";
      const target = Object.hasOwn(value, "description") ? value : schema.$defs[reference];
      expect(target, `${at}.${key}`).toHaveProperty("description");
      described++;
    }
    for (const [key, value] of Object.entries(node)) visit(value, `${at}.${key}`);
  };
  visit(schema, "");
  expect(described).toBeGreaterThan(35);
});
