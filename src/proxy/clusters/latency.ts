/**
 * How long an endpoint takes, as its latest answers tell: a moving average that jumps up with a slow answer and comes down slowly,
 * also when nobody asks (Finagle's and Linkerd's peak EWMA).
 */

/** What is assumed of an endpoint that has not answered yet (Linkerd's). */
const DEFAULT_MS = 30;
/** An answer of this long ago counts for a third. */
const DECAY_MS = 10_000;

export class Latency {
  #ms = DEFAULT_MS;
  #at = Number.NEGATIVE_INFINITY;

  /** An answer took `ms`; `now` in milliseconds of a clock that never goes back. */
  observe(ms: number, now: number): void {
    const past = this.#at === Number.NEGATIVE_INFINITY ? 0 : Math.exp((this.#at - now) / DECAY_MS);
    this.#ms = ms > this.#ms * past ? ms : this.#ms * past + ms * (1 - past);
    this.#at = now;
  }

  /** Milliseconds. What was slow long ago may be tried again. */
  at(now: number): number {
    return this.#at === Number.NEGATIVE_INFINITY
      ? this.#ms
      : this.#ms * Math.exp((this.#at - now) / DECAY_MS);
  }
}
