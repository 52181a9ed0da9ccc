import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** One line of test/integration/differences.yaml. */
export type Difference = {
  readonly cases: string;
  readonly outside?: string;
  readonly inside: string;
  readonly in?: "flags" | "mode" | "tree";
  readonly because: string;
};

/** One case of test/victims/path_table.c, as it printed it. */
export type Case = {
  readonly name: string;
  /** "ok" or an errno. */
  readonly result: string;
  /** Of the descriptor, where it gave one. */
  readonly mode: string;
  readonly flags: string;
  readonly rest: string;
  readonly tree: string;
};

export function readDifferences(): readonly Difference[] {
  const file = new URL("../integration/differences.yaml", import.meta.url);
  return parse(readFileSync(file, "utf8")) as readonly Difference[];
}

/** From what the victim says as it runs and shows. Throws on a line that is no case. */
export function parseCases(run: string, show: string): readonly Case[] {
  const trees = show.trimEnd().split("\n");
  return run
    .trimEnd()
    .split("\n")
    .map((line, at) => {
      const found = /^(.*?) = (\w+)(?: (\d+) flags (\w+)(.*))?$/.exec(line);
      if (found === null) throw new Error(`Cannot read "${line}": it is not a case`);
      const [, name = "", result = "", mode = "", flags = "", rest = ""] = found;
      return { name, result, mode, flags, rest, tree: trees[at] ?? "" };
    });
}

/** The first entry that accounts for what `inside` has other than `outside`; null where none does. */
export function explain(outside: Case, inside: Case, differences: readonly Difference[]): Difference | null {
  return differences.find((difference) => accountsFor(difference, outside, inside)) ?? null;
}

function accountsFor(difference: Difference, outside: Case, inside: Case): boolean {
  if (!matches(difference.cases, outside.name)) return false;
  if (inside.result !== difference.inside) return false;
  if (difference.outside !== undefined && outside.result !== difference.outside) return false;
  if (difference.in === undefined) return outside.result !== inside.result;
  const same = (...parts: (keyof Case)[]): boolean => parts.every((part) => outside[part] === inside[part]);
  switch (difference.in) {
    case "flags":
      return same("result", "mode", "rest", "tree");
    case "mode":
      return same("result", "flags", "rest") && inside.mode !== outside.mode;
    case "tree":
      return same("result", "mode", "flags", "rest");
  }
}

function matches(pattern: string, name: string): boolean {
  const literal = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join(".*")}$`).test(name);
}
