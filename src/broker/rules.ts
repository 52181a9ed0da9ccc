import { readdirSync } from "node:fs";
import { escapePattern, expandPattern } from "../policy/pattern.ts";
import type { ResolvedProfile } from "../policy/profile.ts";
import { RIGHT } from "../policy/rights.ts";
import type { Rule } from "../policy/rule.ts";
import type { EnvironmentRules } from "./environment.ts";
import { packageFiles } from "./package_files.ts";
import { isProgramRule } from "./programs/program_rules.ts";
import type { Places } from "./workspace.ts";

const READ = RIGHT.read | RIGHT.list | RIGHT.stat;
const EVERYTHING = READ | RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata | RIGHT.execute;

/** What a run's policy is made of. */
export type RuleSource = {
  readonly profile: ResolvedProfile;
  readonly reads?: readonly string[] | undefined;
  readonly writes?: readonly string[] | undefined;
  readonly sockets?: readonly string[] | undefined;
  /** Where the profile was read from, if not from our own. */
  readonly profileFile?: string | undefined;
};

/** All rules of a run: those of the profile, what the command line adds, and the files of the client library. */
export function rulesOf(
  { profile, profileFile, reads = [], writes = [], sockets = [] }: RuleSource,
  places: Places,
): Rule[] {
  const written = profile.rules
    .filter((rule) => !isProgramRule(rule))
    .flatMap((rule) =>
      rule.patterns.map((pattern) => ({
        id: rule.id,
        effect: rule.effect,
        rights: rule.rights,
        pattern: expandPattern(pattern, places),
        except: rule.except.map((exempt) => expandPattern(exempt, places)),
        reason: rule.reason,
        remedy: rule.remedy,
      })),
    );
  const tree = (id: string, rights: number, reason: string) => (path: string) =>
    ["", "/**"].map((below) => allow(id, rights, `${escapePattern(path)}${below}`, reason));
  return [
    ...written,
    ...reads.flatMap(tree("option.read", READ | RIGHT.execute, "--read on the command line")),
    ...writes.flatMap(tree("option.write", EVERYTHING, "--write on the command line")),
    ...sockets.map((path) =>
      allow("option.socket", RIGHT.connect, escapePattern(path), "--socket on the command line"),
    ),
    ...(profileFile === undefined ? [] : [ownProfile(profileFile)]),
    ...profile.cedar.filter(({ file }) => file.startsWith("/")).map(({ file }) => ownProfile(file)),
    ...packageFiles().flatMap(tree("client.files", READ, "The client library of this installation")),
  ];
}

/** The native trees of a profile, with variables and a `*` in the last segment filled in. */
export function nativePaths(profile: ResolvedProfile, places: Places): { read: string[]; execute: string[] } {
  // A "*" that a variable brings along is one of a directory's name.
  const isPattern = (path: string): boolean => path.slice(path.lastIndexOf("/")).includes("*");
  const expand = (paths: readonly string[]): string[] =>
    paths.flatMap((path) => (isPattern(path) ? existing(fill(path, places)) : [fill(path, places)]));
  return { read: expand(profile.native.read), execute: expand(profile.native.execute) };
}

export function expandEnvironment(rules: ResolvedProfile["environment"], places: Places): EnvironmentRules {
  const set = Object.entries(rules.set).map(([name, value]) => [name, fill(value, places)]);
  return { allow: rules.allow, set: Object.fromEntries(set) };
}

/** A run must not write the rules of the next one. */
function ownProfile(file: string): Rule {
  return {
    id: "protected.profile",
    effect: "deny",
    rights: RIGHT.write | RIGHT.create | RIGHT.delete | RIGHT.metadata,
    pattern: escapePattern(file),
    reason: "the profile of this very run",
    remedy: "Edit it outside of the run",
  };
}

function allow(id: string, rights: number, pattern: string, reason: string): Rule {
  return { id, effect: "allow", rights, pattern, except: [], reason, remedy: "" };
}

export function fill(text: string, places: Places): string {
  return text.replace(/\$\{(\w+)\}/g, (whole, name: string) => places[name as keyof Places] ?? whole);
}

function existing(path: string): string[] {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const [head = "", tail = ""] = name.split("*");
  const directory = path.slice(0, slash);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    // A directory that is not here has nothing to grant.
    return [];
  }
  return names
    .filter(
      (found) => found.length >= head.length + tail.length && found.startsWith(head) && found.endsWith(tail),
    )
    .map((found) => `${directory}/${found}`);
}
