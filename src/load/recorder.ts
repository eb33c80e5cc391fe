/**
 * Counts and times what happens to measured requests. A request belongs to the warm-up or to the measurement by its
 * intended start, so that a stall at the seam is charged to whom it belongs.
 */
import { LatencyHistogram } from "./histogram.ts";
import { ERROR_KINDS, type ErrorKind, type LoadResult } from "./result.ts";
import { Timeline } from "./timeline.ts";

/** Sent this much later than intended for want of a connection counts as delayed. */
const DELAYED_MS = 1;

export class Recorder {
  readonly latencies = new LatencyHistogram();
  readonly service = new LatencyHistogram();
  readonly pacing = new LatencyHistogram();
  answered = 0;
  errors = 0;
  missed = 0;
  delayed = 0;
  warmup = 0;
  warmupAnswered = 0;
  bytesSent = 0;
  bytesReceived = 0;
  /** When the first and the last measured request ended. */
  firstEnd = 0;
  lastEnd = 0;
  readonly #measureFrom: number;
  #measuring = false;
  readonly #statuses = new Float64Array(600);
  readonly #errorCounts = new Map<ErrorKind, { count: number; example: string }>();
  readonly #timeline: Timeline;

  constructor(measureFrom: number, stretchMs: number) {
    this.#measureFrom = measureFrom;
    this.#timeline = new Timeline(measureFrom, stretchMs);
  }

  /** `freeSince`: when a connection for it became free, if that was after `intendedAt`. */
  sent(intendedAt: number, freeSince: number, now: number, bytes: number): void {
    if (intendedAt < this.#measureFrom) {
      this.warmup++;
      return;
    }
    this.#measuring = true;
    this.bytesSent += bytes;
    this.pacing.record(now - Math.max(intendedAt, freeSince));
    if (freeSince - intendedAt > DELAYED_MS) this.delayed++;
  }

  /** Bytes of a warm-up's last answers are among the measured ones: reading the clock for them is not worth it. */
  received(bytes: number): void {
    if (this.#measuring) this.bytesReceived += bytes;
  }

  answer(status: number, intendedAt: number, sentAt: number, now: number): void {
    if (intendedAt < this.#measureFrom) {
      this.warmupAnswered++;
      return;
    }
    this.answered++;
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    this.latencies.record(now - intendedAt);
    this.service.record(now - sentAt);
    this.#timeline.answered(now - intendedAt, now);
    this.#ended(now);
  }

  error(kind: ErrorKind, detail: string, intendedAt: number, now: number): void {
    if (intendedAt < this.#measureFrom) return;
    this.errors++;
    const seen = this.#errorCounts.get(kind);
    if (seen === undefined) this.#errorCounts.set(kind, { count: 1, example: detail });
    else seen.count++;
    // These took at least this long. The other errors may have been quick: they would make the rest look better.
    if (kind === "timeout" || kind === "unfinished") this.latencies.record(now - intendedAt);
    this.#timeline.failed(now);
    this.#ended(now);
  }

  /** A request (or `count` of them) that was due and never left; in the latencies with the time that it has waited. */
  miss(intendedAt: number, now: number, count = 1): void {
    this.missed += count;
    this.latencies.record(now - intendedAt, count);
  }

  #ended(now: number): void {
    if (this.firstEnd === 0) this.firstEnd = now;
    this.lastEnd = now;
  }

  timeline(now: number): LoadResult["timeline"] {
    return this.#timeline.finish(now);
  }

  statuses(): Record<string, number> {
    const statuses: Record<string, number> = {};
    this.#statuses.forEach((count, status) => {
      if (count > 0) statuses[String(status)] = count;
    });
    return statuses;
  }

  succeeded(): number {
    return this.#statuses.subarray(200, 400).reduce((sum, count) => sum + count, 0);
  }

  errorsByKind(): LoadResult["errors"] {
    const found: Partial<Record<ErrorKind, { count: number; example: string }>> = {};
    for (const kind of ERROR_KINDS) {
      const seen = this.#errorCounts.get(kind);
      if (seen !== undefined) found[kind] = { ...seen };
    }
    return found;
  }
}
