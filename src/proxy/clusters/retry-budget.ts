/**
 * How many retries are too many: without a budget, a service that fails gets a multiple of its load. Two rules hold together.
 * Of what is under way, retries are at most a share, with a few always allowed (Envoy's `retry_budget`): that stops a pile of slow
 * tries. Of the requests of the last 10 s too, with a few a second (Linkerd's): that bounds the load where answers are quick.
 */
import type { RetryBudget as Settings } from "../../discovery/resilience.ts";

/** Linkerd's `ttl`. */
export const WINDOW_S = 10;
export const DEFAULT_PERCENT = 20;
export const DEFAULT_MIN_CONCURRENCY = 3;
export const DEFAULT_MIN_PER_SECOND = 10;

export class RetryBudget {
  readonly #share: number;
  readonly #minConcurrency: number;
  readonly #minInWindow: number;
  /** Of each of the last seconds. */
  readonly #requests = new Float64Array(WINDOW_S);
  readonly #retries = new Float64Array(WINDOW_S);
  #requestSum = 0;
  #retrySum = 0;
  #second = 0;

  constructor({ percent, minConcurrency, minPerSecond }: Settings = {}) {
    this.#share = (percent ?? DEFAULT_PERCENT) / 100;
    this.#minConcurrency = minConcurrency ?? DEFAULT_MIN_CONCURRENCY;
    this.#minInWindow = (minPerSecond ?? DEFAULT_MIN_PER_SECOND) * WINDOW_S;
  }

  /** A request came, a retry not counted. `now` in milliseconds. */
  request(now: number): void {
    this.#advance(now);
    this.#requests[this.#second % WINDOW_S]!++;
    this.#requestSum++;
  }

  /** Whether another retry may begin beside `retries`, while `active` tries are under way. */
  allows(now: number, active: number, retries: number): boolean {
    if (retries >= Math.max(this.#minConcurrency, this.#share * active)) return false;
    this.#advance(now);
    return this.#retrySum < Math.max(this.#minInWindow, Math.floor(this.#share * this.#requestSum));
  }

  retried(now: number): void {
    this.#advance(now);
    this.#retries[this.#second % WINDOW_S]!++;
    this.#retrySum++;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1_000);
    if (second === this.#second) return;
    const from = Math.max(this.#second + 1, second - WINDOW_S + 1);
    for (let past = from; past <= second; past++) {
      const at = past % WINDOW_S;
      this.#requestSum -= this.#requests[at]!;
      this.#retrySum -= this.#retries[at]!;
      this.#requests[at] = 0;
      this.#retries[at] = 0;
    }
    this.#second = second;
  }
}
