import { wrong } from "./fields.ts";
import type { Json } from "./strict_json.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/;
const CLOCK = /^(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** RFC 3339 in UTC, with seconds or milliseconds: "2026-11-24T18:00:00Z". */
export function timeOf(value: Json | undefined, field: string): number {
  const ms = typeof value === "string" && TIME.test(value) ? Date.parse(value) : Number.NaN;
  // A date such as February 30 is read as another one.
  if (Number.isNaN(ms) || formatTime(ms) !== (value as string).replace(".000Z", "Z"))
    throw wrong(field, value, 'a time in UTC such as "2026-11-24T18:00:00Z"');
  return ms;
}

export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Minutes of "HH:MM", 24:00 too. */
export function clockOf(value: Json | undefined, field: string): number {
  const [whole, hours = "24", minutes = "0"] = CLOCK.exec(typeof value === "string" ? value : "") ?? [];
  if (whole === undefined) throw wrong(field, value, 'a time of the day in UTC such as "09:30"');
  return Number(hours) * 60 + Number(minutes);
}

export function formatClock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
}
