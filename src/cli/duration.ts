/**
 * Durations as people type them and as the Gateway API writes them: `500ms`, `20s`, `1m30s`, `1h`.
 */
import { usageError } from "./exit.ts";

const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/;
const PART = /(\d+(?:\.\d+)?)(h|ms|m|s)/g;

/** Milliseconds of a duration, or undefined where it is none. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) {
    total += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  return Number.isFinite(total) ? Math.round(total) : undefined;
}

/** Parser of an option that is a duration: milliseconds, or a usage error that names the option. */
export function durationOption(option: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined)
      throw usageError(`${option}: "${text}" is no duration`, "write it as 500ms, 20s or 1m30s");
    return ms;
  };
}

/** Parser of an option that is a whole number from `min` to `max`. */
export function integerOption(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw usageError(`${option}: "${text}" is no whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** `1.2 s`, `43 ms`: for people. */
export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${(ms / 1_000).toFixed(1)} s`;
}
