/** Resolves a profile with what it extends. Pure: the files come parsed, the variables stay unexpanded. */
import { lowered } from "./lower.ts";
import type { Parsed, Problem } from "./problem.ts";
import type { ProfileCredential } from "./profile_credential.ts";
import { type Fields, isFields, profileProblems } from "./profile_fields.ts";
import { RIGHT, type RightName } from "./rights.ts";

/** A path is covered when one of `patterns` matches it and none of `except` does. Deny wins over allow. */
export type ProfileRule = {
  readonly id: string;
  readonly effect: "allow" | "deny";
  /** Bits of RIGHT. */
  readonly rights: number;
  /** Absolute, or with one of ${workspace}, ${home}, ${tmp}, ${state} in front; literal, ?, *, and ** as a whole segment. */
  readonly patterns: readonly string[];
  readonly except: readonly string[];
  /** Of a rule on execution: digests (hex) of which the file must have one. Absent: any. */
  readonly sha256?: readonly string[];
  /** Of a rule on execution: users, by name or uid, of whom one must own the file. Absent: anybody. */
  readonly owner?: readonly (string | number)[];
  readonly reason: string;
  /** What the person can do about a refusal; "" for the general advice. */
  readonly remedy: string;
};

export type ResolvedProfile = {
  readonly name: string;
  readonly description: string;
  /** The profile itself and everything it extends, nearest last. */
  readonly lineage: readonly string[];
  readonly enforcement: "hard" | "best-effort";
  readonly minimumLandlockAbi: number;
  readonly mediation: "kernel" | "writes" | "strict";
  /** auto: native where no denied path lies or may come to lie inside a native grant. */
  readonly reads: "native" | "brokered" | "auto";
  /** Name of a set in profiles/linux. */
  readonly syscalls: string;
  readonly memfd: "noexec" | "any";
  /** brokered: Unix sockets of the run's own are bound where it may create, and others are connected to by rule. */
  readonly unixSockets: "refused" | "brokered";
  /**
   * Subtrees the kernel grants without asking; a last segment may hold * and ?, to be expanded against the disk, and what does not
   * exist is skipped. `execute` is readable too. `rules` holds the same grants for requests that reach the broker.
   */
  readonly native: {
    readonly read: readonly string[];
    readonly execute: readonly string[];
  };
  readonly execution: Execution;
  /** Fingerprints of keys of the person's ssh-agent: to sign files and commits with; to log in with as well. */
  readonly sshKeys: { readonly sign: readonly string[]; readonly login: readonly string[] };
  /** Keys of the person's gpg-agent to sign with, by fingerprint or keygrip. */
  readonly gpgKeys: { readonly sign: readonly string[] };
  /** Hosts that the run may reach, as parseNetworkGrant reads them, own ports that the host may reach, and secrets that are added. */
  readonly network: {
    readonly allow: readonly string[];
    readonly listen: readonly number[];
    readonly credentials: readonly ProfileCredential[];
  };
  readonly environment: { readonly allow: readonly string[]; readonly set: Readonly<Record<string, string>> };
  readonly linuxCapabilities: readonly string[];
  readonly limits: Readonly<Record<string, RateSetting>>;
  /** What the run has in all, by the names of limits/quotas.ts. */
  readonly quotas: Readonly<Record<string, number>>;
  readonly breakers: BreakerSetting;
  readonly rlimits: Readonly<Record<string, number | "unlimited">>;
  /** journaled: what a run changes can be put back. */
  readonly undo: "journaled" | "off";
  readonly undoLimits: UndoLimits;
  readonly fileLimits: FileLimits;
  /** Cedar policies that bound what the rules grant; whoever reads the profile's file puts them in. */
  readonly cedar: readonly CedarText[];
  /** Who has signed it, where it is that of a pack. */
  readonly pack?: "managed" | "user" | "shipped";
  readonly rules: readonly ProfileRule[];
  /** Ids of inherited deny rules that some profile of the lineage took out. */
  readonly withoutDenials: readonly string[];
};

/** `file` is as answers name it: absolute, or of a pack. */
export type CedarText = { readonly file: string; readonly text: string };

/** above: what becomes of an operation above the rate; absent: wait. */
export type RateSetting = {
  readonly perSecond: number;
  readonly burst: number;
  readonly above?: "wait" | "refuse";
};

/** Storms of limits/storms.ts; and the time after which a run without a terminal is ended that nobody has resumed. */
export type BreakerSetting = Readonly<
  Record<string, { readonly count: number; readonly seconds: number } | number | undefined>
> & { readonly endAfterSeconds?: number };

export type Execution = {
  /** any: whatever lies below native.execute. listed: what a rule with the right execute alone grants. */
  readonly programs: "any" | "listed";
  readonly interpreters: "allowed" | "refused";
  /** Whether each execution is seen by the broker, which needs root. */
  readonly watch: "off" | "where-possible" | "required";
};

const REQUIRED = [
  "enforcement",
  "landlock",
  "mediation",
  "reads",
  "syscalls",
  "memfd",
  "unixSockets",
] as const;
/** What one run may keep for its undo, and for how long. A change beyond it is refused. */
export type UndoLimits = {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly keepDays: number;
};

/** What the files that a run writes may be, and how many; null and an empty list: anything. */
export type FileLimits = {
  readonly maxBytes: number | null;
  readonly maxFiles: number | null;
  /** Names such as image/png, or image/* for all of them. */
  readonly mimeTypes: readonly string[];
};

export function limitsFiles({ maxBytes, maxFiles, mimeTypes }: FileLimits): boolean {
  return maxBytes !== null || maxFiles !== null || mimeTypes.length > 0;
}

export const DEFAULT_UNDO: UndoLimits = { maxBytes: 2 * 1024 ** 3, maxEntries: 1_000_000, keepDays: 14 };

/** `profiles` holds every known profile by its name. The fields of the problems start with the profile's name. */
export function resolveProfile(
  name: string,
  profiles: Readonly<Record<string, unknown>>,
): Parsed<ResolvedProfile> {
  const problems: Problem[] = [];
  const files = lineageOf(name, profiles, problems);
  if (problems.length > 0) return { ok: false, problems };
  const { rules, withoutDenials } = joinRules(files, problems);
  const last = <T>(key: string): T => files.findLast((file) => file[key] !== undefined)?.[key] as T;
  for (const key of REQUIRED) {
    if (last(key) !== undefined) continue;
    const remedy = 'extend a profile that has it, such as ":workspace"';
    problems.push({ field: `${name}: ${key}`, problem: "is missing, also in what it extends", remedy });
  }
  const limits = lowered(files, "limits", problems) as ResolvedProfile["limits"];
  const quotas = lowered(files, "quotas", problems) as ResolvedProfile["quotas"];
  const breakers = lowered(files, "breakers", problems) as BreakerSetting;
  if (problems.length > 0) return { ok: false, problems };
  const native = {
    read: union(files, "native", "read"),
    execute: union(files, "native", "execute"),
  };
  const value: ResolvedProfile = {
    name,
    description: last("description"),
    lineage: files.map((file) => file["name"] as string),
    enforcement: last("enforcement"),
    minimumLandlockAbi: last<{ minimumAbi: number }>("landlock").minimumAbi,
    mediation: last("mediation"),
    reads: last("reads"),
    syscalls: last("syscalls"),
    memfd: last("memfd"),
    unixSockets: last("unixSockets"),
    native,
    execution: { programs: "any", interpreters: "allowed", watch: "off", ...merged(files, "execution") },
    sshKeys: { sign: union(files, "sshKeys", "sign"), login: union(files, "sshKeys", "login") },
    gpgKeys: { sign: union(files, "gpgKeys", "sign") },
    environment: {
      allow: union(files, "environment", "allow"),
      set: merged(
        files.map((file) => sub(file, "environment")),
        "set",
      ),
    },
    network: {
      allow: union(files, "network", "allow"),
      listen: union(files, "network", "listen"),
      credentials: union(files, "network", "credentials"),
    },
    linuxCapabilities: [...new Set(files.flatMap((file) => (file["linuxCapabilities"] ?? []) as string[]))],
    limits,
    quotas,
    breakers,
    rlimits: merged(files, "rlimits"),
    undo: last("undo") ?? "journaled",
    undoLimits: { ...DEFAULT_UNDO, ...merged(files, "undoLimits") },
    fileLimits: {
      maxBytes: null,
      maxFiles: null,
      ...merged(files, "fileLimits"),
      mimeTypes: union(files, "fileLimits", "mimeTypes"),
    },
    cedar: [],
    rules: [...nativeRules(native), ...rules],
    withoutDenials,
  };
  return { ok: true, value };
}

/** The files from the furthest ancestor to the profile itself, each once. */
function lineageOf(name: string, profiles: Readonly<Record<string, unknown>>, problems: Problem[]): Fields[] {
  const done = new Map<string, Fields>();
  const open: string[] = [];
  const visit = (current: string, field: string): void => {
    if (done.has(current)) return;
    if (open.includes(current)) {
      const circle = [...open.slice(open.indexOf(current)), current]
        .map((one) => `"${one}"`)
        .join(" extends ");
      problems.push({ field, problem: `closes a circle: ${circle}`, remedy: "take one of them out" });
      return;
    }
    const file = Object.hasOwn(profiles, current) ? profiles[current] : undefined;
    if (file === undefined) {
      const remedy = `write one of ${Object.keys(profiles).sort().join(", ")}`;
      problems.push({ field, problem: `names "${current}", which does not exist`, remedy });
      return;
    }
    const own = profileProblems(file).map((one) => ({ ...one, field: `${current}: ${one.field}` }));
    problems.push(...own);
    if (own.length > 0 || !isFields(file)) return;
    if (file["name"] !== current) {
      problems.push({
        field: `${current}: name`,
        problem: `is "${file["name"]}"`,
        remedy: `write "${current}"`,
      });
    }
    open.push(current);
    const parents = (file["extends"] ?? []) as string[];
    for (const [index, parent] of parents.entries()) visit(parent, `${current}: extends[${index}]`);
    open.pop();
    done.set(current, file);
  };
  visit(name, "profile");
  return [...done.values()];
}

function joinRules(
  files: readonly Fields[],
  problems: Problem[],
): { rules: ProfileRule[]; withoutDenials: string[] } {
  const rules = new Map<string, ProfileRule>();
  const withoutDenials: string[] = [];
  for (const file of files) {
    for (const [index, id] of ((file["without"] ?? []) as string[]).entries()) {
      if (rules.get(id)?.effect === "deny") withoutDenials.push(id);
      if (rules.delete(id)) continue;
      const field = `${file["name"]}: without[${index}]`;
      problems.push({
        field,
        problem: `names "${id}", which is not inherited`,
        remedy: `write one of ${[...rules.keys()].join(", ")}`,
      });
    }
    for (const [index, fields] of ((file["rules"] ?? []) as Fields[]).entries()) {
      const rule = toRule(fields);
      if (rules.has(rule.id) || rule.id.startsWith("native.")) {
        const remedy = 'choose another id, or name the inherited one under "without" first';
        problems.push({
          field: `${file["name"]}: rules[${index}].id`,
          problem: `is "${rule.id}", which is taken`,
          remedy,
        });
      }
      rules.set(rule.id, rule);
    }
  }
  return { rules: [...rules.values()], withoutDenials };
}

function toRule(fields: Fields): ProfileRule {
  const rights = (fields["rights"] as RightName[]).reduce((sum, right) => sum | RIGHT[right], 0);
  return {
    id: fields["id"] as string,
    effect: fields["effect"] as "allow" | "deny",
    rights,
    patterns: fields["paths"] as string[],
    except: (fields["except"] ?? []) as string[],
    ...(fields["sha256"] === undefined ? {} : { sha256: fields["sha256"] as string[] }),
    ...(fields["owner"] === undefined ? {} : { owner: fields["owner"] as (string | number)[] }),
    reason: fields["reason"] as string,
    remedy: (fields["remedy"] ?? "") as string,
  };
}

/** What the kernel lets a program do itself, for the requests that come to the broker all the same. */
function nativeRules({ read, execute }: ResolvedProfile["native"]): ProfileRule[] {
  const look = RIGHT.read | RIGHT.list | RIGHT.stat;
  return [
    grant("native.read", look, read, "Readable without asking"),
    grant("native.execute", look | RIGHT.execute, execute, "Readable and executable without asking"),
  ].filter((rule) => rule.patterns.length > 0);
}

function grant(id: string, rights: number, roots: readonly string[], reason: string): ProfileRule {
  const patterns = roots.flatMap((root) => [root, `${root}/**`]);
  return { id, effect: "allow", rights, patterns, except: [], reason, remedy: "" };
}

function union<T = string>(files: readonly Fields[], section: string, key: string): T[] {
  return [...new Set(files.flatMap((file) => (sub(file, section)[key] ?? []) as T[]))];
}

function merged<T>(files: readonly Fields[], key: string): Record<string, T> {
  return Object.assign({}, ...files.map((file) => file[key] ?? {}));
}

function sub(file: Fields, section: string): Fields {
  return (file[section] ?? {}) as Fields;
}
