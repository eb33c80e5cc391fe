/**
 * What a run's log says. A request belongs to the moment it was due, whatever became of it: a proxy that stalls is charged for
 * all that was due meanwhile.
 */
import type { Sample } from "../scenarios.ts";
import type { Logged } from "./generator.ts";

/** When the parts of a run begin, in milliseconds since its start. */
export interface Parts {
  readonly baselineFrom: number;
  readonly faultFrom: number;
  readonly faultTo: number;
  readonly end: number;
}

/** Recovered is a second with so many of the baseline's successes … */
const SUCCESS_SHARE = 0.999;
/** … and at most so many times its p99, where one below 10 ms counts as 10: that is what a busy machine does to a second. */
const P99_TIMES = 2;
const LEAST_P99_MS = 10;
const WINDOW_MS = 1_000;
const STEP_MS = 100;

/** `received`: what the backends got over the whole run. */
export function assess(log: readonly Logged[], received: number, parts: Parts): Sample {
  const { faultFrom, faultTo, end } = parts;
  const during = between(log, faultFrom, faultTo);
  const since = between(log, faultFrom, end);
  return {
    successPercent: 100 * successShare(since),
    lost: since.filter((each) => !isGood(each)).length,
    requests: since.length,
    p99GoodMs: p99(during.filter(isGood)),
    p99AllMs: p99(during),
    // All that was too much, late arrivals too, over what clients sent while the fault lasted.
    extraLoadPercent: (100 * (received - log.length)) / during.length,
    recoverySeconds: recoverySeconds(log, parts),
  };
}

/** Seconds from the fault's end until all seconds are as before; the whole rest of the run where that never was so. */
export function recoverySeconds(log: readonly Logged[], parts: Parts): number {
  const { baselineFrom, faultFrom, faultTo, end } = parts;
  const before = between(log, baselineFrom, faultFrom);
  const success = SUCCESS_SHARE * successShare(before);
  const slowest = P99_TIMES * Math.max(LEAST_P99_MS, p99(before));
  let recovered = 0;
  for (let at = 0; faultTo + at + WINDOW_MS <= end; at += STEP_MS) {
    const second = between(log, faultTo + at, faultTo + at + WINDOW_MS);
    const isAsBefore = successShare(second) >= success && p99(second) <= slowest;
    const isLast = faultTo + at + STEP_MS + WINDOW_MS > end;
    if (!isAsBefore) recovered = isLast ? end - faultTo : at + STEP_MS;
  }
  return recovered / 1_000;
}

const between = (log: readonly Logged[], from: number, to: number): readonly Logged[] =>
  log.filter(([due]) => due >= from && due < to);

const isGood = ([, , outcome]: Logged): boolean => outcome === 200;

const successShare = (log: readonly Logged[]): number => log.filter(isGood).length / Math.max(1, log.length);

function p99(log: readonly Logged[]): number {
  const sorted = log.map(([, latency]) => latency).toSorted((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] ?? 0;
}
