/**
 * The run over time, in stretches of equal length. Their number is bounded: when a run of unknown length outgrows it,
 * neighbours are merged and the stretches become twice as long.
 */
import { LatencyHistogram } from "./histogram.ts";
import type { TimelinePoint } from "./result.ts";

const MAX_POINTS = 480;
const LENGTHS_MS = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 300_000];

/** Length of a stretch for a run of so long: some hundred points for the usual run, at least 100 ms each. */
export function stretchMs(durationMs: number | undefined): number {
  return LENGTHS_MS.find((length) => durationMs === undefined || durationMs / length <= 240) ?? 600_000;
}

export class Timeline {
  #lengthMs: number;
  readonly #start: number;
  #points: TimelinePoint[] = [];
  #answered = 0;
  #errors = 0;
  readonly #latencies = new LatencyHistogram(2);

  /** `start`: when measuring starts, on the clock that `now` is of. */
  constructor(start: number, lengthMs: number) {
    this.#start = start;
    this.#lengthMs = lengthMs;
  }

  answered(latencyMs: number, now: number): void {
    this.#advance(now);
    this.#answered++;
    this.#latencies.record(latencyMs);
  }

  failed(now: number): void {
    this.#advance(now);
    this.#errors++;
  }

  /** All stretches up to `now`; the last one may be shorter. */
  finish(now: number): readonly TimelinePoint[] {
    this.#advance(now);
    const lengthMs = now - this.#start - this.#points.length * this.#lengthMs;
    // A sliver would show a rate made of two answers.
    if (lengthMs > this.#lengthMs / 4 || this.#points.length === 0) this.#close(Math.max(lengthMs, 1));
    return this.#points;
  }

  #advance(now: number): void {
    while (now - this.#start >= (this.#points.length + 1) * this.#lengthMs) {
      this.#close(this.#lengthMs);
      if (this.#points.length >= MAX_POINTS) this.#merge();
    }
  }

  #close(lengthMs: number): void {
    this.#points.push({
      atMs: this.#points.length * this.#lengthMs,
      lengthMs,
      answered: this.#answered,
      errors: this.#errors,
      p50: this.#latencies.at(50),
      p99: this.#latencies.at(99),
      max: this.#latencies.max,
    });
    this.#answered = 0;
    this.#errors = 0;
    this.#latencies.reset();
  }

  #merge(): void {
    const merged: TimelinePoint[] = [];
    for (let i = 0; i + 1 < this.#points.length; i += 2) {
      const [a, b] = this.#points.slice(i, i + 2);
      if (a === undefined || b === undefined) continue;
      merged.push({
        atMs: a.atMs,
        lengthMs: a.lengthMs + b.lengthMs,
        answered: a.answered + b.answered,
        errors: a.errors + b.errors,
        p50: Math.max(a.p50, b.p50),
        p99: Math.max(a.p99, b.p99),
        max: Math.max(a.max, b.max),
      });
    }
    this.#points = merged;
    this.#lengthMs *= 2;
  }
}
