/** Single fields of a profile under a layer: the stricter of the two holds. */
import { stricterValue } from "../lower.ts";
import type { ResolvedProfile } from "../profile.ts";
import type { Fields } from "../profile_fields.ts";

/** Weakest first. */
const ORDERS = {
  enforcement: ["best-effort", "hard"],
  mediation: ["kernel", "writes", "strict"],
  reads: ["native", "auto", "brokered"],
  memfd: ["any", "noexec"],
  unixSockets: ["brokered", "refused"],
  undo: ["off", "journaled"],
} as const;
const EXECUTION_ORDERS = {
  programs: ["any", "listed"],
  interpreters: ["allowed", "refused"],
  watch: ["off", "where-possible", "required"],
} as const;

export type OrderedField = keyof typeof ORDERS;

export function isWeaker(field: OrderedField, word: string, than: string): boolean {
  const order: readonly string[] = ORDERS[field];
  return order.indexOf(word) < order.indexOf(than);
}

/** The profile with what the layer asks at least, and no more than it lets be. */
export function strictest(profile: ResolvedProfile, layer: Fields): ResolvedProfile {
  const execution = (layer["execution"] ?? {}) as Fields;
  return {
    ...profile,
    enforcement: stricter(ORDERS.enforcement, profile.enforcement, layer["enforcement"]),
    mediation: stricter(ORDERS.mediation, profile.mediation, layer["mediation"]),
    reads: stricter(ORDERS.reads, profile.reads, layer["reads"]),
    memfd: stricter(ORDERS.memfd, profile.memfd, layer["memfd"]),
    unixSockets: stricter(ORDERS.unixSockets, profile.unixSockets, layer["unixSockets"]),
    undo: stricter(ORDERS.undo, profile.undo, layer["undo"]),
    execution: {
      programs: stricter(EXECUTION_ORDERS.programs, profile.execution.programs, execution["programs"]),
      interpreters: stricter(
        EXECUTION_ORDERS.interpreters,
        profile.execution.interpreters,
        execution["interpreters"],
      ),
      watch: stricter(EXECUTION_ORDERS.watch, profile.execution.watch, execution["watch"]),
    },
    linuxCapabilities: among(profile.linuxCapabilities, layer["linuxCapabilities"]),
    sshKeys: {
      sign: among(profile.sshKeys.sign, sub(layer, "sshKeys")["sign"]),
      login: among(profile.sshKeys.login, sub(layer, "sshKeys")["login"]),
    },
    gpgKeys: { sign: among(profile.gpgKeys.sign, sub(layer, "gpgKeys")["sign"]) },
    environment: {
      ...profile.environment,
      allow: names(profile.environment.allow, sub(layer, "environment")["allow"]),
    },
    rlimits: leastRlimits(profile.rlimits, sub(layer, "rlimits")),
    limits: stricterValue("limits", profile.limits, sub(layer, "limits")) as ResolvedProfile["limits"],
    quotas: stricterValue("quotas", profile.quotas, sub(layer, "quotas")) as ResolvedProfile["quotas"],
    breakers: stricterValue(
      "breakers",
      profile.breakers,
      sub(layer, "breakers"),
    ) as ResolvedProfile["breakers"],
    fileLimits: leastFiles(profile.fileLimits, sub(layer, "fileLimits")),
  };
}

/** Keys of an agent that a layer lets be granted: those of the command line too. */
export function among<T>(list: readonly T[], allowed: unknown): readonly T[] {
  return allowed === undefined ? list : list.filter((one) => (allowed as readonly unknown[]).includes(one));
}

function stricter<T extends string>(order: readonly T[], word: T, asked: unknown): T {
  return asked !== undefined && order.indexOf(asked as T) > order.indexOf(word) ? (asked as T) : word;
}

/** Names and PREFIX_* that both lists let pass. */
function names(list: readonly string[], allowed: unknown): readonly string[] {
  if (allowed === undefined) return list;
  const passes = (wide: string, narrow: string): boolean =>
    wide.endsWith("*") ? narrow.startsWith(wide.slice(0, -1)) : narrow === wide;
  const other = allowed as readonly string[];
  return [
    ...list.filter((name) => other.some((wide) => passes(wide, name))),
    ...other.filter((name) => !list.includes(name) && list.some((wide) => passes(wide, name))),
  ];
}

function leastRlimits(own: ResolvedProfile["rlimits"], layer: Fields): ResolvedProfile["rlimits"] {
  const least = { ...own };
  for (const [name, value] of Object.entries(layer) as [string, number | "unlimited"][]) {
    const before = least[name] ?? "unlimited";
    least[name] = value === "unlimited" ? before : before === "unlimited" ? value : Math.min(before, value);
  }
  return least;
}

function leastFiles(own: ResolvedProfile["fileLimits"], layer: Fields): ResolvedProfile["fileLimits"] {
  const least = (before: number | null, asked: unknown): number | null =>
    asked === undefined ? before : Math.min(before ?? Number.POSITIVE_INFINITY, asked as number);
  const types = layer["mimeTypes"] as readonly string[] | undefined;
  return {
    maxBytes: least(own.maxBytes, layer["maxBytes"]),
    maxFiles: least(own.maxFiles, layer["maxFiles"]),
    mimeTypes:
      types === undefined
        ? own.mimeTypes
        : own.mimeTypes.length === 0
          ? types
          : typesOfBoth(own.mimeTypes, types),
  };
}

/** An empty list would be every type: what no type is in both lists of is a type that no file has. */
function typesOfBoth(own: readonly string[], layer: readonly string[]): readonly string[] {
  const within = (narrow: string, wide: string): boolean =>
    narrow === wide || (wide.endsWith("/*") && narrow.startsWith(wide.slice(0, -1)));
  const both = [
    ...own.filter((one) => layer.some((wide) => within(one, wide))),
    ...layer.filter((one) => !own.includes(one) && own.some((wide) => within(one, wide))),
  ];
  return both.length > 0 ? both : ["application/x-none"];
}

function sub(fields: Fields, section: string): Fields {
  return (fields[section] ?? {}) as Fields;
}
