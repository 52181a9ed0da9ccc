import { readFileSync, realpathSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { ACTIONS, type Action } from "../policy/capability/capability.ts";
import { escapePattern, expandPattern } from "../policy/pattern.ts";
import { SallyportError } from "../protocol/errors.ts";
import type { ActionFields } from "../tokens/action_fields.ts";
import { formatTime } from "../tokens/time_text.ts";
import { parseDurationMs } from "./duration.ts";

/** What the flags and the file of `mint` and `attenuate` say, as the fields of a payload. */
export type OrderFlags = {
  readonly from?: string;
  readonly workspace?: string;
  readonly id?: string;
  readonly subject?: string;
  readonly expires?: string;
  readonly run?: string;
  readonly maxSize?: string;
  readonly mime?: readonly string[];
  readonly uses?: string;
  readonly maxFiles?: string;
  readonly maxRead?: string;
  readonly maxWrite?: string;
  readonly maxDeletes?: string;
  readonly depth?: string;
  readonly onRevoke?: string;
  readonly cells?: readonly string[];
  readonly connect?: readonly string[];
  readonly listen?: readonly string[];
} & { readonly [action in Action]?: readonly string[] };

export type OrderFields = { readonly [field: string]: unknown };

const UNITS: Readonly<Record<string, number>> = { "": 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/**
 * The fields of the order, with every relative pattern and variable filled in: this is the one place where that is done. A
 * pattern that does not start with "/" or a variable lies in the workspace, one that starts with "**" too.
 */
export function orderOf(flags: OrderFlags, nowMs: number): OrderFields {
  const file = flags.from === undefined ? {} : readOrder(flags.from);
  const run = flags.run ?? (typeof file["run"] === "string" ? file["run"] : undefined);
  const places = placesOf(flags.workspace, run);
  const listed = Array.isArray(file["actions"]) ? (file["actions"] as unknown[]) : [];
  const actions = [...listed, ...flagActions(flags)].map((entry) => expanded(entry, places));
  const budget = Object.fromEntries(
    (
      [
        ["max_uses", flags.uses],
        ["max_files", flags.maxFiles],
        ["max_read_bytes", flags.maxRead],
        ["max_write_bytes", flags.maxWrite],
        ["max_deletes", flags.maxDeletes],
      ] as const
    ).flatMap(([name, text]) => (text === undefined ? [] : [[name, sizeOf(name, text)]])),
  );
  return {
    ...file,
    ...(actions.length === 0 ? {} : { actions }),
    ...(flags.id === undefined ? {} : { capability_id: flags.id }),
    ...(flags.subject === undefined ? {} : { subject: flags.subject }),
    ...(flags.expires === undefined ? {} : { expires_at: endOf(flags.expires, nowMs) }),
    ...(run === undefined ? {} : { run }),
    ...(Object.keys(budget).length === 0
      ? {}
      : { budget: { ...(file["budget"] as object | undefined), ...budget } }),
    ...(flags.depth === undefined ? {} : { delegation_depth: sizeOf("depth", flags.depth) }),
    ...(flags.onRevoke === undefined ? {} : { on_revoke: flags.onRevoke }),
  };
}

/** "100K" is 102400. */
export function sizeOf(field: string, text: string): number {
  const [, digits, unit = ""] = /^(\d{1,15})([KMG]?)$/.exec(text) ?? [];
  if (digits === undefined) throw refused(field, text, 'a number, perhaps with K, M or G, such as "100K"');
  return Number(digits) * UNITS[unit]!;
}

type Places = { readonly workspace: string; readonly home?: string; readonly run?: string };

function placesOf(workspace: string | undefined, run: string | undefined): Places {
  const home = process.env["HOME"];
  return {
    workspace: realpathSync(workspace ?? "."),
    ...(home?.startsWith("/") ? { home } : {}),
    ...(run === undefined ? {} : { run }),
  };
}

function flagActions(flags: OrderFlags): readonly object[] {
  const size = flags.maxSize === undefined ? {} : { max_size: sizeOf("max-size", flags.maxSize) };
  const mime = flags.mime === undefined || flags.mime.length === 0 ? {} : { mime: flags.mime };
  const paths = ACTIONS.filter((action) => action !== "connect" && action !== "listen").flatMap((action) =>
    (flags[action] ?? []).map(
      (path): Partial<ActionFields> => ({
        action,
        path,
        ...(action === "write" || action === "append" ? size : {}),
        ...(action === "read" || action === "write" || action === "append" ? mime : {}),
      }),
    ),
  );
  const cells = (flags.cells ?? []).map((text) => {
    const [, action, range] = /^(read|write):(.+)$/.exec(text) ?? [];
    if (action === undefined)
      throw refused("cells", text, '"read:/PATH/BOOK.xlsx#SHEET!A1:D40" or "write:…"');
    return { action, cells: range };
  });
  // A path is a Unix socket.
  const connect = (flags.connect ?? []).map((to) => ({
    action: "connect",
    ...(to.startsWith("/") ? { path: to } : { host: to }),
  }));
  const listen = (flags.listen ?? []).map((port) => ({ action: "listen", host: `localhost:${port}` }));
  return [...paths, ...cells, ...connect, ...listen];
}

function expanded(entry: unknown, places: Places): unknown {
  const { path, cells } = (entry ?? {}) as { readonly path?: unknown; readonly cells?: unknown };
  if (typeof path === "string") return { ...(entry as object), path: expandPath(path, places) };
  if (typeof cells === "string" && !cells.startsWith("/")) {
    const below = cells.startsWith("${workspace}/") ? cells.slice("${workspace}/".length) : cells;
    return { ...(entry as object), cells: `${places.workspace}/${below}` };
  }
  return entry;
}

function expandPath(path: string, places: Places): string {
  const relative = !path.startsWith("/") && !path.startsWith("${");
  const clean = path.startsWith("./") ? path.slice(2) : path;
  try {
    const rooted = places.workspace === "/" ? "" : escapePattern(places.workspace);
    return relative ? `${rooted}/${expandPattern(clean, places)}` : expandPattern(path, places);
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    throw refused(
      "path",
      path,
      `${error.expected ?? "a pattern"}; variables are workspace, home and, with --run, run`,
    );
  }
}

function readOrder(path: string): OrderFields {
  let value: unknown;
  try {
    value = parseYaml(readFileSync(path, "utf8"), { uniqueKeys: true, maxAliasCount: 0 });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw refused("from", path, `a file of YAML or JSON (${code ?? message})`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw refused("from", path, "a file with the fields of a token");
  return value as OrderFields;
}

function endOf(text: string, nowMs: number): string {
  const duration = parseDurationMs(text);
  if (duration === null) throw refused("expires", text, 'a number with its unit, such as "10m" or "2h"');
  return formatTime(nowMs + duration);
}

function refused(field: string, value: string, expected: string): SallyportError {
  return new SallyportError(
    "INVALID",
    `Cannot make a token: ${field} is ${JSON.stringify(value)}: write ${expected}`,
    { field, expected },
  );
}
