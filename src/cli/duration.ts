const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Reads "500ms", "30s", "5m", "2h" as milliseconds; null for anything else. A number needs its unit. */
export function parseDurationMs(text: string): number | null {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  return match === null ? null : Number(match[1]) * UNITS_MS[match[2]!]!;
}
