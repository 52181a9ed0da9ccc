/** Single values: texts for lists, words of other tools, numbers with units. */
import { type Fields, isFields } from "../profile_fields.ts";
import { RIGHT_NAMES } from "../rights.ts";
import { type Findings, type Path, show } from "./finding.ts";
import { nearest, suggest } from "./nearest.ts";

const WORDS: { readonly [field: string]: readonly string[] } = {
  enforcement: ["hard", "best-effort"],
  mediation: ["kernel", "writes", "strict"],
  reads: ["native", "brokered", "auto"],
  memfd: ["noexec", "any"],
  unixSockets: ["refused", "brokered"],
  undo: ["journaled", "off"],
  "execution.programs": ["any", "listed"],
  "execution.interpreters": ["allowed", "refused"],
  "execution.watch": ["off", "where-possible", "required"],
};
const LISTS = ["extends", "without", "linuxCapabilities", "rules"];
const INNER_LISTS: readonly Path[] = [
  ["native", "read"],
  ["native", "execute"],
  ["sshKeys", "sign"],
  ["sshKeys", "login"],
  ["environment", "allow"],
  ["network", "allow"],
  ["network", "listen"],
  ["fileLimits", "mimeTypes"],
];
const YAML_1_1 = ["yes", "no", "on", "off", "y", "n"];

export function lintValues(value: Fields, found: Findings): void {
  for (const [field, words] of Object.entries(WORDS))
    lintWord(valueAt(value, field.split(".")), field.split("."), words, found);
  for (const field of LISTS) lintList(value[field], [field], found);
  for (const at of INNER_LISTS) lintList(valueAt(value, at), at, found);
  lintVersion(value["version"], found);
  for (const field of ["name", "description"]) {
    const one = value[field];
    if (one === undefined) continue;
    if (one === null) found.error("field.empty-value", [field], "has no value", "write one", "key");
    else if (typeof one !== "string")
      found.error(
        "field.text-expected",
        [field],
        `is ${show(one)}, which YAML does not read as text`,
        "put it in quotes",
      );
  }
  if (value["description"] === "")
    found.warn(
      "field.empty-description",
      ["description"],
      "is empty",
      "say in one line what the profile is for",
    );
  for (const [index, rule] of listAt(value, "rules").entries())
    if (isFields(rule)) lintRuleValues(rule, ["rules", index], found);
}

function lintWord(one: unknown, at: Path, words: readonly string[], found: Findings): void {
  if (one === undefined || words.includes(one as string)) return;
  if (one === null)
    found.error("field.empty-value", at, "has no value", `write ${words.join(" or ")}`, "key");
  else if (typeof one === "boolean")
    found.error("value.boolean", at, `is ${one}, and the field takes a word`, `write ${words.join(" or ")}`);
  else if (typeof one === "string" && YAML_1_1.includes(one.toLowerCase()))
    found.error(
      "value.yes-or-no",
      at,
      `is "${one}", which is a text in YAML 1.2 and a truth value in older readers`,
      `write ${words.join(" or ")}`,
    );
  else if (Array.isArray(one))
    found.error(
      "value.list-for-word",
      at,
      "is a list, and the field takes one word",
      `write ${words.join(" or ")}`,
    );
  else if (typeof one === "string" && words.some((word) => word === one.toLowerCase()))
    found.error("value.case", at, `is "${one}"`, `write ${one.toLowerCase()}: words are in lower case`);
  else
    found.error(
      "value.word",
      at,
      `is ${show(one)}`,
      typeof one === "string" ? suggest(one, words) : `write ${words.join(" or ")}`,
    );
}

function lintList(one: unknown, at: Path, found: Findings): void {
  if (one === undefined || Array.isArray(one) || (at[0] === "rules" && isFields(one))) return;
  if (one === null)
    found.error(
      "list.empty-value",
      at,
      "has no entry",
      "write entries with - in front, or take the field out",
      "key",
    );
  else if (typeof one === "string" && one.includes(","))
    found.error(
      "list.commas",
      at,
      `is one text with commas in it`,
      `write [${one
        .split(",")
        .map((part) => JSON.stringify(part.trim()))
        .join(", ")}]`,
    );
  else if (typeof one === "string" || typeof one === "number")
    found.error("list.expected", at, `is ${show(one)}, and not a list`, `write [${show(one)}]`);
  else if (one === true || one === false)
    found.error("list.boolean", at, `is ${one}, and not a list`, "name what is meant, entry by entry");
  else if (isFields(one))
    found.error("list.mapping", at, "is a mapping, and not a list", "write entries with - in front");
}

function lintVersion(version: unknown, found: Findings): void {
  if (version === undefined || version === 1) return;
  const at = ["version"];
  if (typeof version === "string" && version.trim() === "1")
    found.error("version.text", at, "is a text", "write version: 1, without quotes");
  else if (typeof version === "number" && version > 1)
    found.error("version.newer", at, `is ${version}, which this version does not read`, "write version: 1");
  else
    found.error(
      "version.form",
      at,
      `is ${show(version)}; it is the version of the format and not of your file`,
      "write version: 1",
    );
}

function lintRuleValues(rule: Fields, at: Path, found: Findings): void {
  lintEffect(rule["effect"], [...at, "effect"], found);
  for (const field of ["rights", "paths", "except", "sha256", "owner"]) {
    const one = rule[field];
    if (one === undefined) continue;
    lintList(one, [...at, field], found);
    if (Array.isArray(one)) lintEntries(one, [...at, field], found);
  }
  if (rule["rights"] !== undefined) lintRights(rule["rights"], [...at, "rights"], found);
  const { reason } = rule;
  if (typeof reason === "string" && reason.trim() === "")
    found.warn(
      "rule.empty-reason",
      [...at, "reason"],
      "is empty, and is what a refused program is told",
      "say in one line why",
    );
  else if (
    typeof reason === "string" &&
    /^(?:todo|tbd|xxx|fixme|test|asdf|\?+|\.+|none|n\/a)$/i.test(reason.trim())
  )
    found.warn(
      "rule.no-reason-given",
      [...at, "reason"],
      `is "${reason}", and is what a refused program is told`,
      "say in one line why",
    );
}

function lintEffect(effect: unknown, at: Path, found: Findings): void {
  if (effect === undefined || effect === "allow" || effect === "deny") return;
  const say = (rule: string, mend: string) => found.error(rule, at, `is ${show(effect)}`, mend);
  const word = typeof effect === "string" ? effect.toLowerCase() : effect;
  if (word === "ask" || word === "prompt" || word === "confirm")
    say(
      "effect.ask",
      "write deny: nobody is asked while a program waits; what a person is to approve goes into a plan",
    );
  else if (word === "audit" || word === "log" || word === "warn" || word === "monitor")
    say("effect.audit", "write allow: everything is recorded, whatever the effect");
  else if (["permit", "grant", "accept", "allowed", "yes", true].includes(word as string))
    say("effect.allow", "write allow");
  else if (["forbid", "block", "reject", "refuse", "drop", "denied", "no", false].includes(word as string))
    say("effect.deny", "write deny");
  else say("effect.word", "write allow or deny");
}

function lintEntries(list: readonly unknown[], at: Path, found: Findings): void {
  const seen = new Set<unknown>();
  for (const [index, one] of list.entries()) {
    if (seen.has(one))
      found.warn("list.twice", [...at, index], `${show(one)} is there twice`, "take one out");
    seen.add(one);
    if (one === null)
      found.error(
        "list.null-entry",
        [...at, index],
        "is an empty entry",
        "write a value, or take the dash out",
      );
    if (Array.isArray(one))
      found.error(
        "list.nested",
        [...at, index],
        "is a list inside of the list",
        "write its entries into the outer one",
      );
  }
}

const RIGHT_MEANT: { readonly [word: string]: readonly [rule: string, problem: string, mend: string] } = {
  all: ["rights.all", "there is no word for all of them, so that a reader sees each", "name the rights"],
  "*": ["rights.all", "there is no word for all of them, so that a reader sees each", "name the rights"],
  any: ["rights.all", "there is no word for all of them, so that a reader sees each", "name the rights"],
  exec: ["rights.exec", "is the operation; the right has another name", "write execute"],
  run: ["rights.exec", "is the operation; the right has another name", "write execute"],
  append: ["rights.append", "appending is not told from writing", "write write"],
  modify: ["rights.modify", "is no right", "write write, and create and delete where names change"],
  update: ["rights.modify", "is no right", "write write, and create and delete where names change"],
  rename: ["rights.rename", "a rename takes a name away and makes another", "write create and delete"],
  move: ["rights.rename", "a rename takes a name away and makes another", "write create and delete"],
  chmod: ["rights.metadata", "is part of another right", "write metadata"],
  chown: ["rights.metadata", "is part of another right", "write metadata"],
  utimes: ["rights.metadata", "is part of another right", "write metadata"],
  mkdir: ["rights.mkdir", "making a directory makes a name", "write create"],
  unlink: ["rights.unlink", "taking a name away is the right delete", "write delete"],
  remove: ["rights.unlink", "taking a name away is the right delete", "write delete"],
  rmdir: ["rights.unlink", "taking a name away is the right delete", "write delete"],
  open: ["rights.open", "is no right: it depends on how a file is opened", "write read, or write"],
  search: ["rights.search", "passing through a directory needs no right", "write list for reading its names"],
  traverse: [
    "rights.search",
    "passing through a directory needs no right",
    "write list for reading its names",
  ],
  readdir: ["rights.readdir", "reading the names of a directory is the right list", "write list"],
  network: ["rights.network", "hosts are not granted by rules on paths", "write them under network.allow"],
  net: ["rights.network", "hosts are not granted by rules on paths", "write them under network.allow"],
  link: ["rights.link", "a second name for a file is made, with the rights of the first", "write create"],
  symlink: ["rights.link", "a second name for a file is made, with the rights of the first", "write create"],
};

function lintRights(rights: unknown, at: Path, found: Findings): void {
  if (!Array.isArray(rights)) return;
  if (rights.length === 0)
    found.error(
      "rights.none",
      at,
      "is empty, so that the rule says nothing",
      `name some of ${RIGHT_NAMES.join(", ")}`,
    );
  for (const [index, right] of rights.entries()) {
    const here = [...at, index];
    if (typeof right !== "string" || (RIGHT_NAMES as readonly string[]).includes(right)) {
      if (typeof right === "number")
        found.error(
          "rights.octal",
          here,
          `is ${right}: modes of chmod are no rights`,
          "write words such as read and write",
        );
      continue;
    }
    const meant = RIGHT_MEANT[right.toLowerCase()];
    if (meant !== undefined) found.error(meant[0], here, `"${right}": ${meant[1]}`, meant[2]);
    else if (/^[rwxd]{1,4}[-rwx]*$/.test(right))
      found.error("rights.letters", here, `"${right}" are letters of ls`, `write ${lettersOf(right)}`);
    else if (nearest(right, RIGHT_NAMES) !== null)
      found.error(
        "rights.typing",
        here,
        `"${right}" is no right`,
        `did you mean "${nearest(right, RIGHT_NAMES)}"?`,
      );
    else
      found.error("rights.unknown", here, `"${right}" is no right`, `write one of ${RIGHT_NAMES.join(", ")}`);
  }
}

function lettersOf(letters: string): string {
  const words = { r: "read", w: "write", x: "execute", d: "delete" } as const;
  return [...new Set(letters)]
    .map((letter) => words[letter as keyof typeof words])
    .filter(Boolean)
    .join(", ");
}

export function valueAt(value: unknown, at: Path): unknown {
  return at.reduce<unknown>((inner, step) => (isFields(inner) ? inner[step] : undefined), value);
}

export function listAt(value: unknown, ...at: readonly string[]): readonly unknown[] {
  const one = valueAt(value, at);
  return Array.isArray(one) ? one : [];
}

/** The texts of a list with their places in the file. */
export function textsAt(
  value: unknown,
  ...at: readonly string[]
): readonly { readonly text: string; readonly at: Path }[] {
  return listAt(value, ...at).flatMap((text, index) =>
    typeof text === "string" ? [{ text, at: [...at, index] }] : [],
  );
}
