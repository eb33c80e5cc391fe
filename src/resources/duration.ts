/**
 * Durations as the Gateway API writes them (GEP-2257): up to four numbers of at most five digits, each with a unit:
 * `500ms`, `10s`, `1h30m`. No fractions, no signs.
 */

const WHOLE = /^(?:[0-9]{1,5}(?:h|m|s|ms)){1,4}$/;
const PART = /([0-9]+)(ms|h|m|s)/g;
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

export const DURATION_PATTERN = WHOLE.source;

/** Milliseconds, or undefined where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit = ""] of text.matchAll(PART)) total += Number(digits) * (UNIT_MS[unit] ?? 0);
  return total;
}
