/** The name of a profile, what it extends and what it takes out. */
import { type Fields, isFields } from "../profile_fields.ts";
import { type Findings, show } from "./finding.ts";
import { nearest, suggest } from "./nearest.ts";
import { listAt, textsAt } from "./values.ts";

/** Every profile and pack by its name, parsed. */
export type Known = Readonly<Record<string, unknown>>;

const REQUIRED = ["enforcement", "landlock", "mediation", "reads", "syscalls", "memfd", "unixSockets"];

export function lintLineage(value: Fields, known: Known, found: Findings): void {
  lintName(value["name"], known, found);
  const inherited = lintExtends(value, known, found);
  if (
    value["extends"] === undefined &&
    REQUIRED.some((field) => value[field] === undefined) &&
    value["name"] !== undefined
  )
    found.error(
      "extends.nothing",
      ["name"],
      "extends nothing and does not say everything itself",
      'write extends: [":workspace"]',
    );
  const rules = inherited.flatMap((name) => listAt(known[name], "rules")).filter(isFields);
  lintWithout(value, rules, inherited, found);
  lintIds(value, rules, found);
}

/** All that a profile extends, itself not included; what is unknown is left out. */
export function ancestorsOf(value: unknown, known: Known): string[] {
  const all = new Set<string>();
  const visit = (file: unknown): void => {
    for (const { text } of textsAt(file, "extends")) {
      if (all.has(text) || !Object.hasOwn(known, text)) continue;
      all.add(text);
      visit(known[text]);
    }
  };
  visit(value);
  return [...all];
}

function lintName(name: unknown, known: Known, found: Findings): void {
  const at = ["name"];
  if (typeof name !== "string") return;
  if (name.startsWith("pack:"))
    found.error("name.pack", at, `"${name}" is the name of a built-in pack`, "write a name without pack:");
  else if (name.startsWith(":"))
    found.error(
      "name.built-in",
      at,
      `"${name}" starts with a colon, as built-in profiles do`,
      `write ${name.slice(1) || "a name"}`,
    );
  else if (/[A-Z]/.test(name))
    found.error(
      "name.capitals",
      at,
      `"${name}" has capital letters`,
      `write ${name.toLowerCase().replace(/[^a-z0-9-]+/g, "-")}`,
    );
  else if (/[_ .]/.test(name))
    found.error(
      "name.form",
      at,
      `"${name}" has other characters than letters, digits and dashes`,
      `write ${name.replace(/[_ .]+/g, "-")}`,
    );
  else if (/^\d/.test(name) && /^\d+$/.test(name))
    found.warn("name.number", at, "is a number, which says nothing", "write what the profile is for");
  else if (Object.hasOwn(known, `:${name}`))
    found.warn(
      "name.like-built-in",
      at,
      `"${name}" is one colon away from the built-in ":${name}"`,
      "choose a name that nobody mistakes",
    );
}

function lintExtends(value: Fields, known: Known, found: Findings): string[] {
  const parents = textsAt(value, "extends");
  for (const { text, at } of parents) {
    if (text === value["name"]) {
      found.error("extends.itself", at, "names the profile itself", "name another, such as :workspace");
      continue;
    }
    if (Object.hasOwn(known, text)) {
      const twice = parents.find(
        (other) => other.text !== text && ancestorsOf(known[other.text], known).includes(text),
      );
      if (twice !== undefined)
        found.warn(
          "extends.inherited",
          at,
          `"${text}" is what "${twice.text}" extends already`,
          "take it out",
        );
      if (ancestorsOf(known[text], known).includes(value["name"] as string))
        found.error(
          "extends.circle",
          at,
          `"${text}" extends this profile in turn`,
          "take one of the two out",
        );
      continue;
    }
    if (/\.ya?ml$|\//.test(text))
      found.error(
        "extends.file",
        at,
        `"${text}" is a file, and profiles are extended by name`,
        "write the rules of that file here, or extend a built-in profile",
      );
    else if (Object.hasOwn(known, `:${text}`))
      found.error(
        "extends.without-colon",
        at,
        `"${text}" is unknown; built-in profiles start with a colon`,
        `write ":${text}"`,
      );
    else if (Object.hasOwn(known, `pack:${text}`))
      found.error(
        "extends.without-pack",
        at,
        `"${text}" is unknown; packs of rules start with pack:`,
        `write pack:${text}`,
      );
    else
      found.error(
        "extends.unknown",
        at,
        `"${text}" is unknown`,
        suggest(
          text,
          Object.keys(known).filter((name) => name !== value["name"]),
        ),
      );
  }
  return ancestorsOf(value, known);
}

const TAKEN_OUT: readonly (readonly [
  ids: RegExp,
  rule: string,
  severity: "error" | "warn",
  what: string,
  mend: string,
])[] = [
  [
    /^protected\.state$/,
    "without.state",
    "error",
    "lets a run rewrite the log and the keys of Sallyport",
    "leave it in: nothing needs it out",
  ],
  [
    /^protected\.policy$/,
    "without.policy",
    "error",
    "lets a run rewrite the policy that the next one is held by",
    "leave it in: propose the change as a patch file",
  ],
  [
    /^secrets\./,
    "without.secrets",
    "warn",
    "lets every program of the run read credentials",
    "hand out the one value that is needed with environment.set or --credential",
  ],
  [
    /^sockets\.containers$/,
    "without.containers",
    "warn",
    "lets the run start a container as root of this machine",
    "start the container yourself",
  ],
  [
    /^sockets\.bus$/,
    "without.bus",
    "warn",
    "lets the run start programs outside of itself (systemd-run)",
    "do what needs the bus outside",
  ],
  [
    /^sockets\.keys$/,
    "without.agents",
    "warn",
    "lets the run sign and log in with every key",
    "grant single keys with sshKeys",
  ],
  [
    /^protected\.git-(?:hooks|config)$/,
    "without.git",
    "warn",
    "lets the run plant what git executes with your authority",
    "propose the change as a patch file",
  ],
  [
    /^protected\.shell$/,
    "without.shell",
    "warn",
    "lets the run write what your next shell executes",
    "propose the change as a patch file",
  ],
  [
    /^look\.everywhere$/,
    "without.stat",
    "warn",
    "changes nothing for programs: no kernel layer keeps one from stat",
    "leave it in",
  ],
];

function lintWithout(
  value: Fields,
  inherited: readonly Fields[],
  ancestors: readonly string[],
  found: Findings,
): void {
  const own = listAt(value, "rules")
    .filter(isFields)
    .map((rule) => rule["id"]);
  const ids = inherited.map((rule) => String(rule["id"]));
  for (const { text, at } of textsAt(value, "without")) {
    if (!ids.includes(text)) {
      if (own.includes(text))
        found.error(
          "without.own",
          at,
          `"${text}" is a rule of this very profile`,
          "take the rule itself out",
        );
      else if (text.startsWith("pack:") || ancestors.includes(text))
        found.error(
          "without.pack",
          at,
          `"${text}" is a pack, and rules are taken out one by one`,
          `name rules, such as ${ids.find((id) => id.startsWith("protected.")) ?? "protected.shell"}`,
        );
      else if (text.includes("*"))
        found.error(
          "without.pattern",
          at,
          `"${text}" is a pattern, and rules are taken out by their whole names`,
          "name each",
        );
      else if (ids.length > 0)
        found.error(
          "without.unknown",
          at,
          `"${text}" is not inherited`,
          nearest(text, ids) === null
            ? "see sallyport profile show for the rules"
            : `did you mean "${nearest(text, ids)}"?`,
        );
      continue;
    }
    for (const [pattern, rule, severity, what, mend] of TAKEN_OUT) {
      if (!pattern.test(text)) continue;
      found[severity](rule, at, `without "${text}": ${what}`, mend);
    }
  }
}

function lintIds(value: Fields, inherited: readonly Fields[], found: Findings): void {
  const without = listAt(value, "without");
  const taken = new Set(inherited.map((rule) => rule["id"]).filter((id) => !without.includes(id)));
  const own = new Set<unknown>();
  for (const [index, rule] of listAt(value, "rules").entries()) {
    if (!isFields(rule)) continue;
    const { id } = rule;
    const at = ["rules", index, "id"];
    if (id === undefined)
      found.error(
        "rule.without-id",
        ["rules", index],
        "has no id, which records and refusals name",
        "write id: with a name such as notes.write",
      );
    else if (typeof id !== "string")
      found.error("rule.id-text", at, `is ${show(id)}`, 'write a name such as "workspace.notes"');
    else if (own.has(id))
      found.error("rule.id-twice", at, `"${id}" is there twice`, "give each rule a name of its own");
    else if (id.startsWith("native.") || id.startsWith("option.") || id === "default-deny")
      found.error("rule.id-reserved", at, `"${id}" is a name of Sallyport's own`, "choose another");
    else if (taken.has(id))
      found.error(
        "rule.id-inherited",
        at,
        `"${id}" is the name of an inherited rule`,
        `choose another, or write without: [${id}] first`,
      );
    else if (!/^[a-z0-9][a-z0-9.-]*$/.test(id))
      found.error(
        "rule.id-form",
        at,
        `"${id}" has other characters than lower-case letters, digits, dots and dashes`,
        `write ${
          id
            .toLowerCase()
            .replace(/[^a-z0-9.-]+/g, "-")
            .replace(/^-+|-+$/g, "") || "a name"
        }`,
      );
    own.add(id);
  }
}
