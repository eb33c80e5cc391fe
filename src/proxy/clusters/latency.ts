/**
 * How long an endpoint takes, as its latest answers tell: a moving average that jumps up with a slow answer and comes down slowly,
 * also when nobody asks (Finagle's and Linkerd's peak EWMA). One that fails at once must not pass for quick: for a moment it counts
 * as very slow, and is soon tried again.
 */

/** What is assumed of an endpoint that has not answered yet (Linkerd's). */
const DEFAULT_MS = 30;
/** An answer of this long ago counts for a third. */
const DECAY_MS = 10_000;
/** What a failure counts as, on top; and how long ago it counts for a third. After three seconds it is a few milliseconds. */
const FAILURE_MS = 1_000;
const FAILURE_DECAY_MS = 500;
/** Nothing is left of it then. */
const FORGIVEN_MS = 20 * FAILURE_DECAY_MS;

export class Latency {
  #ms = DEFAULT_MS;
  #at = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  /** An answer took `ms`; `now` in milliseconds of a clock that never goes back. */
  observe(ms: number, now: number): void {
    const past = this.#at === Number.NEGATIVE_INFINITY ? 0 : Math.exp((this.#at - now) / DECAY_MS);
    this.#ms = ms > this.#ms * past ? ms : this.#ms * past + ms * (1 - past);
    this.#at = now;
  }

  /** There was no answer. */
  failed(now: number): void {
    this.#failedAt = now;
  }

  /** Milliseconds. What was slow long ago may be tried again. */
  at(now: number): number {
    const known =
      this.#at === Number.NEGATIVE_INFINITY ? this.#ms : this.#ms * Math.exp((this.#at - now) / DECAY_MS);
    const since = now - this.#failedAt;
    return since > FORGIVEN_MS ? known : known + FAILURE_MS * Math.exp(-since / FAILURE_DECAY_MS);
  }
}
