import { readFileSync } from "node:fs";
import { join } from "node:path";
import { builtInProfiles, filterSpec, loadProfile } from "../../../src/broker/profiles.ts";
import { DEFAULT_RATES, type LimitClass } from "../../../src/limits/buckets.ts";
import { errnoName } from "../../../src/platform/errno.ts";
import { SYSCALL_NAMES } from "../../../src/platform/seccomp/syscalls.ts";
import type { ProfileRule, ResolvedProfile } from "../../../src/policy/profile.ts";
import { RIGHT_NAMES, rightNames } from "../../../src/policy/rights.ts";
import { type Blocks, code, codes, table } from "./blocks.ts";

type Schema = {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly const?: unknown;
  readonly $ref?: string;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly description?: string;
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: Schema };
};
type Root = Schema & { readonly $defs: { readonly [name: string]: Schema } };

const CLASS_MEANING: { readonly [kind in LimitClass]: string } = {
  read: "open for reading, stat, list",
  write: "open for writing, mkdir, mknod, link, symlink, truncate",
  delete: "unlink, rename",
  metadata: "chmod, chown, utimens, setxattr, removexattr",
  exec: "exec through the client library",
  connect: "connections out of the run",
  transfer: "KiB of those connections, both ways",
};

/** Every block that is made of profiles and their schema. */
export const PROFILE_BLOCKS: Blocks = {
  "profile-fields": () => {
    const schema = readSchema();
    return fieldTable(schema, "", schema.required ?? []);
  },
  "rule-fields": () => {
    const rule = readSchema().$defs["rule"]!;
    return fieldTable(rule, "", rule.required ?? []);
  },
  "rule-rights": () => codes(RIGHT_NAMES),
  "built-in-profiles": () =>
    table(
      ["profile", "what", "mediation", "reads", "Landlock ABI"],
      builtInProfiles()
        .map(loadProfile)
        .map(({ name, description, mediation, reads, minimumLandlockAbi }) => [
          code(name),
          description,
          mediation,
          reads,
          minimumLandlockAbi,
        ]),
    ),
  "deny-rules": () =>
    table(
      ["rule", "denies", "why"],
      denyRules(loadProfile(":workspace")).map(({ id, rights, reason }) => [
        code(id),
        rightNames(rights).join(", "),
        reason,
      ]),
    ),
  "deny-patterns": () =>
    denyRules(loadProfile(":workspace"))
      .map(({ id, patterns, except }) => `**${id}**: ${codes(merged(patterns))}${exempt(except)}`)
      .join("\n\n"),
  "allow-rules": () =>
    table(
      ["rule", "grants", "where", "from"],
      loadProfile(":workspace")
        .rules.filter(({ id, effect }) => effect === "allow" && !id.startsWith("native."))
        .map(({ id, rights, patterns }) => [
          code(id),
          rightNames(rights).join(", "),
          codes(merged(patterns)),
          code(originOf(id)),
        ]),
    ),
  "native-trees": () => {
    const none = loadProfile(":none").native;
    const readOnly = loadProfile(":read-only").native;
    const added = (more: readonly string[], less: readonly string[]) =>
      more.filter((path) => !less.includes(path));
    return [
      `Every profile, read and execute: ${codes(none.execute)}.`,
      `Every profile, read: ${codes(none.read)}.`,
      `${code(":read-only")} and what extends it, read and execute: ${codes(added(readOnly.execute, none.execute))}.`,
      `${code(":read-only")} and what extends it, read: ${codes(added(readOnly.read, none.read))}.`,
    ].join("\n\n");
  },
  environment: () => {
    const { allow, set } = loadProfile(":workspace").environment;
    return [
      `Passed on: ${codes(allow)}.`,
      `Set: ${codes(Object.entries(set).map(([name, value]) => `${name}=${value}`))}.`,
    ].join("\n\n");
  },
  "default-limits": () =>
    table(
      ["class", "a second", "at once", "pays for"],
      Object.entries(DEFAULT_RATES).map(([kind, { perSecond, burst }]) => [
        code(kind),
        perSecond,
        burst,
        CLASS_MEANING[kind as LimitClass],
      ]),
    ),
  "refused-calls": () =>
    table(
      ["rule", "system calls", "errno", "why"],
      filterSpec("base").rules.flatMap(({ id, numbers, action, alternatives, reason }) =>
        action.kind === "refuse"
          ? [
              [
                code(id),
                numbers.map((nr) => SYSCALL_NAMES.get(nr) ?? nr).join(", ") +
                  (alternatives.length > 0 ? " (some arguments)" : ""),
                errnoName(action.errno),
                reason,
              ],
            ]
          : [],
      ),
    ),
  "absent-calls": () =>
    table(
      ["rule", "system calls", "errno"],
      filterSpec("base").rules.flatMap(({ id, numbers, action }) =>
        action.kind === "errno"
          ? [[code(id), numbers.map((nr) => SYSCALL_NAMES.get(nr) ?? nr).join(", "), errnoName(action.errno)]]
          : [],
      ),
    ),
  "trapped-calls": () =>
    table(
      ["rule", "system calls", "from mediation"],
      filterSpec("base").rules.flatMap(({ id, numbers, action, from, alternatives }) =>
        action.kind === "trap"
          ? [
              [
                code(id),
                numbers.map((nr) => SYSCALL_NAMES.get(nr) ?? nr).join(", ") +
                  (alternatives.length > 0 ? " (some flags)" : ""),
                from ?? "",
              ],
            ]
          : [],
      ),
    ),
};

function denyRules(profile: ResolvedProfile): ProfileRule[] {
  return profile.rules.filter(({ effect }) => effect === "deny");
}

/** The furthest profile that has the rule. */
function originOf(id: string): string {
  const { lineage } = loadProfile(":workspace");
  const has = (name: string): boolean =>
    name.startsWith(":") && loadProfile(name).rules.some((rule) => rule.id === id);
  return lineage.find(has) ?? ":workspace";
}

/** A directory and what is below it are one entry for a reader. */
function merged(patterns: readonly string[]): string[] {
  return patterns.filter(
    (pattern) => !(pattern.endsWith("/**") && patterns.includes(pattern.slice(0, -3) || "/")),
  );
}

function exempt(except: readonly string[]): string {
  return except.length === 0 ? "" : `, except ${codes(except)}`;
}

function readSchema(): Root {
  return JSON.parse(readFileSync(join(import.meta.dirname, "../../../profiles/schema.json"), "utf8")) as Root;
}

function fieldTable(schema: Schema, prefix: string, required: readonly string[]): string {
  return table(["field", "value", "meaning"], fieldRows(schema, prefix, required));
}

function fieldRows(schema: Schema, prefix: string, required: readonly string[]): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const must = prefix === "" && required.includes(name) ? " (required)" : "";
    const row = [code(prefix + name) + must, typeOf(field), field.description ?? ""];
    return [row, ...fieldRows(field, `${prefix}${name}.`, [])];
  });
}

function typeOf(field: Schema): string {
  if (field.enum !== undefined) return field.enum.map(code).join(" or ");
  if (field.const !== undefined) return code(String(field.const));
  if (field.$ref !== undefined) return wordOf(field.$ref);
  if (field.type === "array") return `list of ${field.items === undefined ? "values" : typeOf(field.items)}`;
  return field.type === "object" ? "mapping" : field.type === "string" ? "text" : (field.type ?? "");
}

function wordOf(ref: string): string {
  const words: { readonly [name: string]: string } = {
    credential: "credential",
    nativePath: "path",
    pattern: "pattern",
    ruleId: "rule id",
    rlimit: "number or `unlimited`",
    rule: "rule",
    storm: "`count` within `seconds`",
  };
  const name = ref.slice(ref.lastIndexOf("/") + 1);
  const word = words[name];
  if (word === undefined) throw new Error(`Cannot name the type "${name}" of the schema`);
  return word;
}
