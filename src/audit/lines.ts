/** Serialisers for the path of a request: the same bytes as `serializeRecord`, by concatenation, in under a microsecond. */
import { type AuditRecord, type Durability, serializeRecord } from "./record.ts";

/** The parts of a line that do not change during a run, serialised once. */
export type LineParts = {
  readonly run: string;
  readonly agent: string;
  readonly user: number;
  readonly head: string;
  readonly runField: string;
  readonly tail: string;
};

/** What a request contributes to its record; `undefined` leaves the field out. */
export type Event = {
  readonly pid: number;
  readonly op: string;
  readonly path: string;
  readonly to?: string | undefined;
  /** The rule that decided. */
  readonly rule: string;
  readonly flags?: number | undefined;
  readonly mode?: number | undefined;
};

// Two strings of this length stay below the entry limit even when every character becomes \u00XX.
const FAST_CHARS = 4096;

export function lineParts(run: string, agent: string, user: number): LineParts {
  return {
    run,
    agent,
    user,
    head: `{"agent":${JSON.stringify(agent)}`,
    runField: `,"run":${JSON.stringify(run)},"seq":`,
    tail: `,"user":${user},"v":1`,
  };
}

/** The intent of an allowed request; goes to the journal before the effect. */
export function intentLine(
  parts: LineParts,
  seq: number,
  time: number,
  event: Event,
  durability: Durability,
): string {
  if (isLong(event))
    return serializeRecord(slow(parts, "intent", seq, time, event, { durability, verdict: "allow" }));
  return (
    parts.head +
    (durability === "crash" ? ',"durability":"crash"' : ',"durability":"power"') +
    middle(parts, '"intent"', seq, time, event) +
    parts.tail +
    ',"verdict":"allow"}'
  );
}

/** A refused request. `errno` is what the caller gets. */
export function denyLine(parts: LineParts, seq: number, time: number, event: Event, errno: string): string {
  if (isLong(event))
    return serializeRecord(slow(parts, "deny", seq, time, event, { errno, verdict: "deny" }));
  return `${parts.head},"errno":${quote(errno)}${middle(parts, '"deny"', seq, time, event)}${parts.tail},"verdict":"deny"}`;
}

/** What became of intent number `intent`: `errno` is "" for success; `result` as the operation defines it. */
export function outcomeLine(
  parts: LineParts,
  seq: number,
  time: number,
  intent: number,
  errno: string,
  result: number,
): string {
  const failed = errno === "" ? "" : `,"errno":${quote(errno)}`;
  return `${parts.head}${failed},"intent":${intent},"kind":"outcome","result":${result}${parts.runField}${seq},"time":${time}${parts.tail}}`;
}

/** A JSON string. Equal to JSON.stringify, which is only asked where something needs an escape. */
export function quote(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // Lone surrogates must be escaped; JSON.stringify sorts out which ones are.
    if (c < 0x20 || c === 0x22 || c === 0x5c || (c >= 0xd800 && c <= 0xdfff)) return JSON.stringify(text);
  }
  return `"${text}"`;
}

function middle(parts: LineParts, kind: string, seq: number, time: number, event: Event): string {
  return (
    (event.flags === undefined ? "" : `,"flags":${event.flags}`) +
    `,"kind":${kind}` +
    (event.mode === undefined ? "" : `,"mode":${event.mode}`) +
    `,"op":${quote(event.op)},"path":${quote(event.path)},"pid":${event.pid},"rule":${quote(event.rule)}` +
    `${parts.runField}${seq},"time":${time}` +
    (event.to === undefined ? "" : `,"to":${quote(event.to)}`)
  );
}

function isLong(event: Event): boolean {
  return event.path.length > FAST_CHARS || event.rule.length > 1024 || (event.to?.length ?? 0) > FAST_CHARS;
}

function slow(
  parts: LineParts,
  kind: "intent" | "deny",
  seq: number,
  time: number,
  event: Event,
  rest: Partial<AuditRecord>,
): AuditRecord {
  const { to, flags, mode, ...always } = event;
  return {
    v: 1,
    kind,
    seq,
    time,
    run: parts.run,
    agent: parts.agent,
    user: parts.user,
    ...always,
    ...(to === undefined ? {} : { to }),
    ...(flags === undefined ? {} : { flags }),
    ...(mode === undefined ? {} : { mode }),
    ...rest,
  };
}
