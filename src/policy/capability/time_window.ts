import type { TimeWindow } from "./capability.ts";

const DAY = 1440;
const WEEK = 7 * DAY;
const MINUTE_MS = 60_000;
/** 1970-01-01 was a Thursday. */
const EPOCH_MINUTE = 4 * DAY;

/** `timeMs` since the epoch. Without a window it holds always. */
export function checkWindow(window: TimeWindow | undefined, timeMs: number): boolean {
  if (window === undefined) return true;
  const minute = (Math.floor(timeMs / MINUTE_MS) + EPOCH_MINUTE) % WEEK;
  return spansOf(window).some(([from, to]) => minute >= from && minute < to);
}

/** The first moment after `timeMs` at which `checkWindow` may answer otherwise; of none, never. */
export function windowChangesMs(window: TimeWindow | undefined, timeMs: number): number {
  if (window === undefined) return Number.POSITIVE_INFINITY;
  const now = Math.floor(timeMs / MINUTE_MS);
  const minute = (now + EPOCH_MINUTE) % WEEK;
  const left = spansOf(window)
    .flat()
    .map((edge) => (edge > minute ? edge : edge + WEEK) - minute);
  return (now + Math.min(...left)) * MINUTE_MS;
}

/** Whether each minute of the week that `child` holds in is one that `parent` holds in. */
export function windowSubsumes(parent: TimeWindow | undefined, child: TimeWindow | undefined): boolean {
  if (parent === undefined) return true;
  if (child === undefined) return false;
  const wide = spansOf(parent);
  return spansOf(child).every(([from, to]) => wide.some(([start, end]) => from >= start && to <= end));
}

/** Minutes of the week, joined where they touch, none across its end. */
function spansOf({ days, fromMinute, toMinute }: TimeWindow): readonly (readonly [number, number])[] {
  const length = toMinute > fromMinute ? toMinute - fromMinute : toMinute + DAY - fromMinute;
  const cut = days.flatMap((day) => {
    const from = day * DAY + fromMinute;
    const to = from + length;
    return to <= WEEK ? [[from, to] as const] : [[from, WEEK] as const, [0, to - WEEK] as const];
  });
  const joined: [number, number][] = [];
  for (const [from, to] of cut.toSorted(([a], [b]) => a - b)) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}
