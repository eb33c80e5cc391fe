/**
 * How many retries are too many: without a budget, a service that fails gets a multiple of its load. Two rules hold together.
 * Of what is under way, retries are at most a share, with a few always allowed (Envoy's `retry_budget`): that stops a pile of slow
 * tries. Of the requests of the last second too, with a few a second (after Linkerd's, whose 10 s let a short fault use up what
 * ten good seconds have saved): that bounds the load where answers are quick.
 */
import type { RetryBudget as Settings } from "../../discovery/resilience.ts";

export const WINDOW_MS = 1_000;
/** Parts of the window that are forgotten one by one. */
const PARTS = 10;
const PART_MS = WINDOW_MS / PARTS;
export const DEFAULT_PERCENT = 20;
export const DEFAULT_MIN_CONCURRENCY = 3;
export const DEFAULT_MIN_PER_SECOND = 10;

/** `later`: the window has room, and too many are under way. */
export type Allowance = "now" | "later" | "no";

export class RetryBudget {
  readonly #share: number;
  readonly #minConcurrency: number;
  readonly #minInWindow: number;
  /** Of each part of the window. */
  readonly #requests = new Float64Array(PARTS);
  readonly #retries = new Float64Array(PARTS);
  #requestSum = 0;
  #retrySum = 0;
  #part = 0;

  constructor({ percent, minConcurrency, minPerSecond }: Settings = {}) {
    this.#share = (percent ?? DEFAULT_PERCENT) / 100;
    this.#minConcurrency = minConcurrency ?? DEFAULT_MIN_CONCURRENCY;
    this.#minInWindow = ((minPerSecond ?? DEFAULT_MIN_PER_SECOND) * WINDOW_MS) / 1_000;
  }

  /** A request came, a retry not counted. `now` in milliseconds. */
  request(now: number): void {
    this.#advance(now);
    this.#requests[this.#part % PARTS]!++;
    this.#requestSum++;
  }

  /** Whether another retry may begin beside `retries`, while `active` tries are under way. */
  allows(now: number, active: number, retries: number): Allowance {
    this.#advance(now);
    if (this.#retrySum >= Math.max(this.#minInWindow, Math.floor(this.#share * this.#requestSum)))
      return "no";
    return retries < Math.max(this.#minConcurrency, this.#share * active) ? "now" : "later";
  }

  retried(now: number): void {
    this.#advance(now);
    this.#retries[this.#part % PARTS]!++;
    this.#retrySum++;
  }

  #advance(now: number): void {
    const part = Math.floor(now / PART_MS);
    if (part === this.#part) return;
    const from = Math.max(this.#part + 1, part - PARTS + 1);
    for (let past = from; past <= part; past++) {
      const at = past % PARTS;
      this.#requestSum -= this.#requests[at]!;
      this.#retrySum -= this.#retries[at]!;
      this.#requests[at] = 0;
      this.#retries[at] = 0;
    }
    this.#part = part;
  }
}
