/** How long to wait before the next attempt: doubling, with full jitter above half, so that replicas don't come back in step. */

/** Limits in milliseconds. */
export interface BackOff {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** @param failures in a row, from 1. */
export function backOffMs(
  failures: number,
  { firstMs, longestMs }: BackOff,
  random: () => number = Math.random,
): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return full / 2 + (full / 2) * random();
}
