/**
 * Requests per second from reports that come about once a second at times of their own: each is spread over the time
 * that it tells of, and only seconds of which all reports have come are counted. Counted as they arrive, five seconds
 * would hold now four, now six reports.
 */

/** A report arrives at most this long after the last request that it tells of. */
const LATEST_S = 1;
/** Longest time that one report is spread over. */
const MAX_INTERVAL_MS = 5_000;

export class Rates {
  /** Requests by second and row. */
  readonly #seconds = new Map<number, Map<string, number>>();
  readonly #keepS: number;
  #since: number | undefined;

  /** @param keepS longest time that is asked for, in seconds. */
  constructor(keepS: number) {
    this.#keepS = keepS + LATEST_S + 1;
  }

  /** `requests` of the `intervalMs` before now. */
  add(row: string, requests: number, intervalMs: number, nowMs: number): void {
    const interval = Math.min(MAX_INTERVAL_MS, Math.max(1, intervalMs));
    const fromMs = nowMs - interval;
    this.#since ??= Math.ceil(fromMs / 1_000);
    for (let second = Math.floor(fromMs / 1_000); second * 1_000 < nowMs; second++) {
      const overlap = Math.min(nowMs, (second + 1) * 1_000) - Math.max(fromMs, second * 1_000);
      let rows = this.#seconds.get(second);
      if (rows === undefined) {
        rows = new Map();
        this.#seconds.set(second, rows);
      }
      rows.set(row, (rows.get(row) ?? 0) + (requests * overlap) / interval);
    }
    for (const second of this.#seconds.keys()) {
      if (second < nowMs / 1_000 - this.#keepS) this.#seconds.delete(second);
    }
  }

  /** Of the last `seconds`, or of as many as there were since the first report; one decimal is meant. */
  perSecond(row: string, seconds: number, nowMs: number): number {
    const end = Math.floor(nowMs / 1_000) - LATEST_S;
    const start = Math.max(end - seconds, this.#since ?? end);
    // In the first moments there is nothing but what has just come.
    if (start >= end) return this.#sum(row, start, start + LATEST_S + 1);
    return this.#sum(row, start, end) / (end - start);
  }

  #sum(row: string, start: number, end: number): number {
    let sum = 0;
    for (let second = start; second < end; second++) sum += this.#seconds.get(second)?.get(row) ?? 0;
    return sum;
  }
}
