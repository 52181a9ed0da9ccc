import { SIZED, TYPED, touches } from "../policy/capability/acts.ts";
import {
  ACTIONS,
  type Action,
  type Grant,
  type Target,
  type TimeWindow,
} from "../policy/capability/capability.ts";
import { formatCells, parseCells } from "../policy/capability/cell_target.ts";
import { isMimeType } from "../policy/capability/mime_types.ts";
import { formatNetworkGrant, type NetworkGrant, parseNetworkGrant } from "../policy/network.ts";
import { parsePattern } from "../policy/pattern.ts";
import { SallyportError } from "../protocol/errors.ts";
import { arrayOf, integerOf, objectOf, textOf, wordOf, wrong } from "./fields.ts";
import { MAX_ACTIONS, MAX_MIME_TYPES } from "./limits.ts";
import { TokenRefused } from "./refusal.ts";
import type { Json, JsonObject } from "./strict_json.ts";
import { clockOf, formatClock } from "./time_text.ts";

/** One entry of `actions`, as tokens write it. */
export type ActionFields = {
  readonly action: Action;
  readonly path?: string;
  readonly host?: string;
  readonly cells?: string;
  readonly max_size?: number;
  readonly mime?: readonly string[];
  readonly window?: { readonly days: readonly DayName[]; readonly from: string; readonly to: string };
};

/** In the order of TimeWindow: Sunday is 0. */
export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
export type DayName = (typeof DAYS)[number];

/** What else one entry may hold. */
export const LIMIT_FIELDS = ["max_size", "mime", "window"] as const;
const TARGETS = ["path", "host", "cells"] as const;

export function parseActions(value: Json | undefined, field: string): readonly Grant[] {
  return arrayOf(value, field, MAX_ACTIONS).map((entry, at) => {
    const there = `${field}[${at}]`;
    const fields = objectOf(entry, there, ["action"], [...TARGETS, ...LIMIT_FIELDS]);
    return parseGrant(wordOf(fields["action"], `${there}.action`, ACTIONS), fields, there);
  });
}

/** The rest of an entry, whose action is known. `fields` holds no others than those of TARGETS and LIMIT_FIELDS, and `action`. */
export function parseGrant(action: Action, fields: JsonObject, field: string): Grant {
  const target = parseTarget(action, fields, field);
  const { max_size: size, mime, window } = fields as { readonly [name: string]: Json | undefined };
  if (size !== undefined && !(touches(action, SIZED) && target.kind === "path"))
    throw misplaced(`${field}.max_size`, SIZED);
  if (mime !== undefined && !(touches(action, TYPED) && target.kind === "path"))
    throw misplaced(`${field}.mime`, TYPED);
  return {
    action,
    target,
    ...(size === undefined
      ? {}
      : { maxSizeBytes: integerOf(size, `${field}.max_size`, 0, Number.MAX_SAFE_INTEGER) }),
    ...(mime === undefined ? {} : { mimeTypes: parseMime(mime, `${field}.mime`) }),
    ...(window === undefined ? {} : { window: parseWindow(window, `${field}.window`) }),
  };
}

export function formatGrant({ action, target, maxSizeBytes, mimeTypes, window }: Grant): ActionFields {
  return {
    action,
    ...formatTarget(target),
    ...(maxSizeBytes === undefined ? {} : { max_size: maxSizeBytes }),
    ...(mimeTypes === undefined ? {} : { mime: mimeTypes }),
    ...(window === undefined
      ? {}
      : {
          window: {
            days: window.days.map((day) => DAYS[day]!),
            from: formatClock(window.fromMinute),
            to: formatClock(window.toMinute),
          },
        }),
  };
}

function formatTarget(target: Target): Pick<ActionFields, "path" | "host" | "cells"> {
  if (target.kind === "path") return { path: target.pattern };
  return target.kind === "host" ? { host: formatNetworkGrant(target.host) } : { cells: formatCells(target) };
}

function parseTarget(action: Action, fields: JsonObject, field: string): Target {
  const given = TARGETS.filter((name) => fields[name] !== undefined);
  const [name] = given;
  if (name === undefined || given.length > 1)
    throw wrong(`${field}.${name ?? "path"}`, fields[name ?? "path"], "exactly one of path, host and cells");
  const isRight =
    action === "connect"
      ? name !== "cells"
      : name === (action === "listen" ? "host" : "path") || (name === "cells" && isCellAction(action));
  if (!isRight)
    throw new TokenRefused(
      "bad-field",
      `${field}.${name}`,
      `does not go with the action "${action}"`,
      targetAdvice(action),
    );
  const text = textOf(fields[name], `${field}.${name}`, "text", () => true);
  if (name === "path") return { kind: "path", pattern: checkPattern(text, `${field}.path`) };
  if (name === "cells")
    return parseCells(text) ?? refuse(text, `${field}.cells`, '"/PATH/BOOK.xlsx#SHEET!A1:D40"');
  return { kind: "host", host: parseHost(action, text, `${field}.host`) };
}

function isCellAction(action: Action): boolean {
  return action === "read" || action === "write";
}

function targetAdvice(action: Action): string {
  if (action === "connect") return "write host, or path for a Unix socket";
  if (action === "listen") return "write host";
  return isCellAction(action) ? "write path or cells" : "write path";
}

/** A token holds what is matched, not what it is made of: relative patterns and variables are filled in where it is made. */
function checkPattern(pattern: string, field: string): string {
  if (/^[^\\]*(?:\\.[^\\]*)*\$\{/s.test(pattern))
    throw new TokenRefused(
      "bad-field",
      field,
      "holds a variable",
      "fill it in where the token is made (sallyport token mint does)",
    );
  try {
    parsePattern(pattern);
    return pattern;
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error;
    throw new TokenRefused(
      "bad-field",
      field,
      `is no pattern: ${error.expected ?? error.message}`,
      "write an absolute pattern",
    );
  }
}

function parseHost(action: Action, text: string, field: string): NetworkGrant {
  const host = parseNetworkGrant(text);
  if (host === null) return refuse(text, field, "HOST[:PORT], *.DOMAIN[:PORT], an address or a block");
  if (action === "listen" && !(host.kind === "host" && host.name === "localhost" && !host.below))
    return refuse(text, field, '"localhost:PORT": a run listens on its own loopback');
  return host;
}

function parseMime(value: Json, field: string): readonly string[] {
  return arrayOf(value, field, MAX_MIME_TYPES).map((type, at) =>
    textOf(type, `${field}[${at}]`, 'a type in lower case such as "text/plain" or "image/*"', isMimeType),
  );
}

function parseWindow(value: Json, field: string): TimeWindow {
  const window = objectOf(value, field, ["days", "from", "to"]);
  const names = arrayOf(window["days"], `${field}.days`, DAYS.length);
  const days = names.map((name, at) => DAYS.indexOf(wordOf(name, `${field}.days[${at}]`, DAYS)));
  if (new Set(days).size !== days.length) throw wrong(`${field}.days`, names, "each day once");
  const fromMinute = clockOf(window["from"], `${field}.from`);
  if (fromMinute === 1440) throw wrong(`${field}.from`, window["from"], '"00:00"');
  return { days, fromMinute, toMinute: clockOf(window["to"], `${field}.to`) };
}

function refuse(text: string, field: string, expected: string): never {
  throw wrong(field, text, expected);
}

function misplaced(field: string, actions: readonly Action[]): TokenRefused {
  return new TokenRefused(
    "bad-field",
    field,
    "limits what the action does not touch",
    `leave it out, or write it with a path and one of: ${actions.join(", ")}`,
  );
}
