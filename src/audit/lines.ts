/** Serialisers for the path of a request: the same bytes as `serializeRecord`, by concatenation, in under a microsecond. */
import { type AuditRecord, type Durability, serializeRecord } from "./record.ts";

/** The parts of a line that do not change during a run, serialised once. */
export type LineParts = {
  readonly runId: string;
  readonly agent: string;
  readonly capability: string | null;
  readonly user: number;
  /** The start of every line; of an intent, by its durability; of the outcome of a success. */
  readonly head: string;
  readonly crash: string;
  readonly power: string;
  readonly outcome: string;
  /** The run, up to the number of the record. */
  readonly run: string;
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
  readonly extra?: Readonly<Record<string, string | number>> | undefined;
};

// Two strings of this length stay below the entry limit even when every character becomes \u00XX.
const FAST_CHARS = 4096;

export function lineParts(
  run: string,
  agent: string,
  user: number,
  capability: string | null = null,
): LineParts {
  const used = capability === null ? "" : `,"capability":${JSON.stringify(capability)}`;
  const head = `{"agent":${JSON.stringify(agent)}${used}`;
  return {
    runId: run,
    agent,
    capability,
    user,
    head,
    crash: `${head},"durability":"crash"`,
    power: `${head},"durability":"power"`,
    outcome: `${head},"intent":`,
    run: `,"run":${JSON.stringify(run)},"seq":`,
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
  return line(durability === "crash" ? parts.crash : parts.power, "intent", parts, seq, time, event, "allow");
}

/** An execution that was seen and let through: a note, for nobody tells what became of it. */
export function executionLine(parts: LineParts, seq: number, time: number, event: Event): string {
  return serializeRecord(slow(parts, "note", seq, time, event, { verdict: "allow" }));
}

/** A refused request. `errno` is what the caller gets. */
export function denyLine(parts: LineParts, seq: number, time: number, event: Event, errno: string): string {
  if (isLong(event))
    return serializeRecord(slow(parts, "deny", seq, time, event, { errno, verdict: "deny" }));
  return line(`${parts.head},"errno":"${escaped(errno)}"`, "deny", parts, seq, time, event, "deny");
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
  const head = errno === "" ? parts.outcome : `${parts.head},"errno":"${escaped(errno)}","intent":`;
  return `${head}${intent},"kind":"outcome","result":${result}${parts.run}${seq},"time":${time}${parts.tail}}`;
}

/** The inside of a JSON string, as JSON.stringify writes it, which is only asked where something needs an escape. */
export function escaped(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    // Lone surrogates must be escaped; JSON.stringify sorts out which ones are.
    if (c < 0x20 || c === 0x22 || c === 0x5c || (c >= 0xd800 && c <= 0xdfff))
      return JSON.stringify(text).slice(1, -1);
  }
  return text;
}

// One expression: a string that is put together out of strings that were put together takes twice as long to write.
function line(
  head: string,
  kind: string,
  parts: LineParts,
  seq: number,
  time: number,
  event: Event,
  verdict: string,
): string {
  const { flags, mode, to } = event;
  const op = escaped(event.op);
  const path = escaped(event.path);
  const rule = escaped(event.rule);
  if (flags !== undefined && mode !== undefined && to === undefined)
    return `${head},"flags":${flags},"kind":"${kind}","mode":${mode},"op":"${op}","path":"${path}","pid":${event.pid},"rule":"${rule}"${parts.run}${seq},"time":${time}${parts.tail},"verdict":"${verdict}"}`;
  const flagsField = flags === undefined ? "" : `,"flags":${flags}`;
  const modeField = mode === undefined ? "" : `,"mode":${mode}`;
  const toField = to === undefined ? "" : `,"to":"${escaped(to)}"`;
  return `${head}${flagsField},"kind":"${kind}"${modeField},"op":"${op}","path":"${path}","pid":${event.pid},"rule":"${rule}"${parts.run}${seq},"time":${time}${toField}${parts.tail},"verdict":"${verdict}"}`;
}

/** Whether the general serialiser is to write it. */
function isLong(event: Event): boolean {
  if (event.extra !== undefined) return true;
  return event.path.length > FAST_CHARS || event.rule.length > 1024 || (event.to?.length ?? 0) > FAST_CHARS;
}

function slow(
  parts: LineParts,
  kind: "intent" | "deny" | "note",
  seq: number,
  time: number,
  event: Event,
  rest: Partial<AuditRecord>,
): AuditRecord {
  const { to, flags, mode, extra, ...always } = event;
  return {
    v: 1,
    kind,
    seq,
    time,
    run: parts.runId,
    agent: parts.agent,
    ...(parts.capability === null ? {} : { capability: parts.capability }),
    user: parts.user,
    ...always,
    ...(to === undefined ? {} : { to }),
    ...(flags === undefined ? {} : { flags }),
    ...(mode === undefined ? {} : { mode }),
    ...(extra === undefined ? {} : { extra }),
    ...rest,
  };
}
