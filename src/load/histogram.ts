/**
 * Latencies in an HDR histogram: microseconds to three digits, up to an hour, in 95 kB whatever the run's length.
 * hdr-histogram-js without WebAssembly: 54 ns a value measured, nothing to load or to free.
 */
import { build, type Histogram } from "hdr-histogram-js";
import type { Latencies } from "./result.ts";

/** In every curve, so that whoever looks them up there finds them exactly. */
const USUAL = [50, 75, 90, 95, 99, 99.9, 99.99];

const HIGHEST_MICROS = 3_600_000_000;

export class LatencyHistogram {
  readonly #histogram: Histogram;
  // The histogram rounds to its buckets; the two ends and the mean are kept exactly.
  #min = Number.POSITIVE_INFINITY;
  #max = 0;
  #sum = 0;

  /** `digits`: significant decimal digits, 2 (14 kB) or 3 (95 kB). */
  constructor(digits: 2 | 3 = 3) {
    this.#histogram = build({
      bitBucketSize: 32,
      lowestDiscernibleValue: 1,
      highestTrackableValue: HIGHEST_MICROS,
      autoResize: false,
      numberOfSignificantValueDigits: digits,
      useWebAssembly: false,
    });
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** Longest latency, milliseconds. */
  get max(): number {
    return this.#max;
  }

  /** Adds `count` latencies of `ms` milliseconds; less than nothing counts as nothing, more than an hour as an hour. */
  record(ms: number, count = 1): void {
    const value = ms > 0 ? ms : 0;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#sum += value * count;
    this.#histogram.recordValueWithCount(Math.min(Math.round(value * 1_000), HIGHEST_MICROS), count);
  }

  /** Latency in milliseconds that `percentile` (0 to 100) per cent do not exceed; 0 when empty. */
  at(percentile: number): number {
    if (this.#histogram.totalCount === 0) return 0;
    // A bucket's upper end may lie above the highest value recorded.
    return Math.min(this.#histogram.getValueAtPercentile(percentile) / 1_000, this.#max);
  }

  reset(): void {
    this.#histogram.reset();
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = 0;
    this.#sum = 0;
  }

  summary(): Latencies {
    const count = this.count;
    return {
      count,
      min: count === 0 ? 0 : round(this.#min),
      average: count === 0 ? 0 : round(this.#sum / count),
      p50: round(this.at(50)),
      p75: round(this.at(75)),
      p90: round(this.at(90)),
      p95: round(this.at(95)),
      p99: round(this.at(99)),
      p99_9: round(this.at(99.9)),
      p99_99: round(this.at(99.99)),
      max: round(this.#max),
      curve: this.#curve(),
    };
  }

  /** Eight points per halving of what is left to 100, as far as the number of values bears, the usual ones, and the end. */
  #curve(): readonly (readonly [number, number])[] {
    if (this.count === 0) return [];
    const percentiles = [...USUAL];
    for (let step = 0; 2 ** (-step / 8) * this.count >= 1; step++) {
      percentiles.push(Number((100 * (1 - 2 ** (-step / 8))).toPrecision(9)));
    }
    const points = [...new Set(percentiles)].sort((a, b) => a - b);
    return [...points.map((at) => [at, round(this.at(at))] as const), [100, round(this.#max)]];
  }
}

/** To whole microseconds. */
function round(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
