/**
 * The run over time, in stretches of equal length. Their number is bounded: when a run of unknown length outgrows it,
 * neighbours are merged and the stretches become twice as long.
 */
import { LatencyHistogram } from "./histogram.ts";
import type { TimelinePoint } from "./result.ts";

/** Even, as neighbours are merged in pairs. */
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
    const isSliver = lengthMs <= this.#lengthMs / 4 && this.#points.length > 0;
    if (lengthMs > 0 || !isSliver) this.#close(Math.max(lengthMs, 1));
    // By itself a sliver would show a rate made of two answers.
    if (isSliver && lengthMs > 0) this.#points.push(...this.#points.splice(-2).reduce(joined, []));
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
    this.#points = Array.from({ length: this.#points.length / 2 }, (_, i) =>
      this.#points.slice(2 * i, 2 * i + 2).reduce(joined, []),
    ).flat();
    this.#lengthMs *= 2;
  }
}

/** Adds a stretch to the one before it. */
function joined([before]: readonly TimelinePoint[], point: TimelinePoint): TimelinePoint[] {
  if (before === undefined) return [point];
  return [
    {
      atMs: before.atMs,
      lengthMs: before.lengthMs + point.lengthMs,
      answered: before.answered + point.answered,
      errors: before.errors + point.errors,
      p50: Math.max(before.p50, point.p50),
      p99: Math.max(before.p99, point.p99),
      max: Math.max(before.max, point.max),
    },
  ];
}
