/** Grants one by one: what they lead to, and how wide they are. */
import type { Fields } from "../profile_fields.ts";
import type { RightName } from "../rights.ts";
import type { Danger } from "./danger.ts";
import { DANGEROUS } from "./dangerous_paths.ts";
import type { Findings, Path } from "./finding.ts";
import { isWithinPatterns, meetsPatterns } from "./stand_in.ts";
import { textsAt } from "./values.ts";

export type WrittenRule = {
  readonly id: string;
  readonly effect: "allow" | "deny";
  readonly rights: readonly RightName[];
  readonly paths: readonly string[];
  readonly except: readonly string[];
};

type Width = readonly [
  rule: string,
  severity: "error" | "warn",
  example: string,
  reads: boolean,
  what: string,
  mend: string,
];

/** A grant that holds the example is that wide. */
const WIDTHS: readonly Width[] = [
  [
    "wide.everything",
    "error",
    "/nobody/knows",
    true,
    "is the whole machine",
    "name the directories; learn proposes them",
  ],
  [
    "wide.homes",
    "error",
    "/home/another/file",
    true,
    "is everybody's home",
    "name the directory that is meant",
  ],
  ["wide.root-home", "error", "/root/file", true, "is the home of root", "name the directory that is meant"],
  [
    "wide.home",
    "error",
    "${home}/anything",
    true,
    "is your whole home, with what every program keeps there",
    "name the directory that is meant",
  ],
  [
    "wide.home-settings",
    "error",
    "${home}/.config/anything",
    true,
    "are the settings of all your programs, tokens too",
    "name the directory of the one program",
  ],
  [
    "wide.home-data",
    "warn",
    "${home}/.local/share/anything",
    true,
    "is the data of all your programs",
    "name the directory of the one program",
  ],
  [
    "wide.temporary",
    "error",
    "/tmp/anything",
    false,
    "is shared by everybody: sockets, sessions and half-written files of other programs",
    "write ${tmp}, the run's own",
  ],
  [
    "wide.shared-memory",
    "error",
    "/dev/shm/anything",
    false,
    "is the shared memory of every program",
    "name the prefix that the program uses",
  ],
  [
    "wide.variable-data",
    "error",
    "/var/lib/anything",
    false,
    "is the data of all services",
    "name the one directory",
  ],
  [
    "wide.runtime",
    "error",
    "/run/anything",
    false,
    "holds the sockets and locks of all services",
    "name the one file",
  ],
  [
    "wide.windows",
    "error",
    "/mnt/c/Users/anybody",
    true,
    "is the Windows disk, with everything of its user",
    "name the directory that is meant",
  ],
  ["wide.media", "warn", "/media/anybody/disk/file", true, "is whatever disk is plugged in", "name the disk"],
];

export function lintGrant(
  rule: WrittenRule,
  at: Path,
  denied: (pattern: string, right: RightName) => string | null,
  found: Findings,
): void {
  if (rule.effect !== "allow") return;
  for (const [index, pattern] of rule.paths.entries()) {
    const here = [...at, "paths", index];
    // To look at names is granted everywhere, and no danger.
    const rights = rule.rights.filter((right) => right !== "stat");
    if (rights.length === 0) continue;
    const denying = rights.map((right) => denied(pattern, right));
    const danger = DANGEROUS.find(
      (one) => rights.some((right) => one.rights.includes(right)) && isDangerous(pattern, one),
    );
    if (danger !== undefined) {
      const never = denying.every((one) => one !== null);
      const added = never ? `, and rule ${denying[0]} denies it: the grant never holds` : "";
      const say = danger.severity === "error" ? "error" : "warn";
      found[say](danger.rule, here, `"${pattern}" ${danger.problem}${added}`, danger.mend);
      continue;
    }
    if (denying.every((one) => one !== null)) {
      found.error(
        "rule.never",
        here,
        `"${pattern}" is denied by rule ${denying[0]}, so that the grant never holds`,
        "take the grant out, or the deny rule by without",
      );
      continue;
    }
    lintWidth(pattern, rights, here, found);
    lintAnywhere(pattern, rights, here, found);
  }
}

function isDangerous(pattern: string, { paths, except }: Danger): boolean {
  return isWithinPatterns(pattern, paths) && !isWithinPatterns(pattern, except);
}

function lintWidth(pattern: string, rights: readonly RightName[], at: Path, found: Findings): void {
  const writes = rights.some((right) => right === "write" || right === "create" || right === "delete");
  const reads = rights.includes("read") || rights.includes("list");
  for (const [rule, severity, example, counts, what, mend] of WIDTHS) {
    if (!(writes || (reads && counts)) || !isWithinPatterns(example, [pattern])) continue;
    found[severity](rule, at, `"${pattern}" ${what}`, mend);
    return;
  }
  const other = /^\/home\/([^/*?$]+)(?:\/|$)/.exec(pattern)?.[1];
  if (other !== undefined && (reads || writes))
    found.warn(
      "wide.named-home",
      at,
      `"${pattern}" names the home of "${other}", which is another on each machine`,
      "write ${home}",
    );
  else if (isWithinPatterns("${workspace}", [pattern]) && writes)
    found.warn(
      "wide.above-workspace",
      at,
      `"${pattern}" holds the workspace and what lies beside it`,
      "write ${workspace}/**",
    );
}

function lintAnywhere(pattern: string, rights: readonly RightName[], at: Path, found: Findings): void {
  if (!pattern.startsWith("/**/") || rights.every((right) => right === "read" || right === "list")) return;
  found.warn(
    "wide.anywhere",
    at,
    `"${pattern}" grants the name in every directory of this machine`,
    "start it with ${workspace}",
  );
}

const SHELLS = ["/bin/sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/env"];

/** Native trees, which the kernel grants whole. */
export function lintNative(value: Fields, found: Findings): void {
  for (const access of ["read", "execute"] as const) {
    const seen: string[] = [];
    for (const { text, at } of textsAt(value, "native", access)) {
      const danger = DANGEROUS.find((one) => one.rights.includes("read") && isDangerous(text, one));
      const tree = `${text === "/" ? "" : text}/**`;
      if (danger !== undefined) found.error(danger.rule, at, `"${text}" ${danger.problem}`, danger.mend);
      else if (text === "/")
        found.error("native.root", at, '"/" is the whole machine, without asking', "name the directories");
      else if (text === "${home}" || text === "/home" || text === "/root")
        found.error(
          "native.home",
          at,
          `"${text}" is a whole home, without asking`,
          "name the directory that is meant",
        );
      else if (access === "execute" && (text === "/tmp" || text === "/var/tmp" || text === "/dev/shm"))
        found.error(
          "native.temporary",
          at,
          `"${text}": everybody puts programs there`,
          "write ${tmp}, the run's own",
        );
      else if (access === "execute" && SHELLS.includes(text))
        found.warn(
          "native.one-shell",
          at,
          `"${text}" is within /usr and /bin, which every profile executes`,
          "take it out, or write execution: { programs: listed }",
        );
      else if (/^\/(?:proc|sys)\/[^*]+\*/.test(text))
        found.warn(
          "native.pseudo-pattern",
          at,
          `"${text}" is filled in when the run starts, and processes come and go`,
          "name /proc/self",
        );
      const before = seen.find((other) => isWithinPatterns(text, [other, `${other}/**`]) && other !== text);
      if (before !== undefined)
        found.warn(
          "native.within",
          at,
          `"${text}" lies in "${before}", which is granted already`,
          "take it out",
        );
      if (text.includes("/*/"))
        found.error(
          "native.star-inside",
          at,
          `"${text}" has a * in front of its last segment, which is not filled in`,
          "name the directory, or write a rule",
        );
      if (meetsPatterns(tree, ["${state}/**"]) && text !== "/" && text !== "${home}" && text !== "/home")
        found.error(
          "native.state",
          at,
          `"${text}" holds the log and the keys of Sallyport`,
          "name the directory that is meant",
        );
      seen.push(text);
    }
  }
}
