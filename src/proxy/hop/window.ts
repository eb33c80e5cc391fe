/**
 * Flow control of a stream as its receiver sees it: how much the peer may still send. Each stream begins with a small window, so
 * that a stalled one holds little; one that flows gets more, out of a budget that all streams of a traffic loop share.
 */
import { INITIAL_WINDOW } from "./frame.ts";

/** The widest window; 256 KiB a millisecond is 2 Gbit/s. */
export const WIDE_WINDOW = 262_144;
/** What all windows of a loop together may be wider than they begin. */
export const WIDENING_BUDGET = 8_388_608;

/** A stream that takes half of its window in less than this is quick. */
const QUICK_MS = 5;

/** Shared by the streams of a loop. */
export class WindowBudget {
  readonly now: () => number;
  left = WIDENING_BUDGET;

  /** `now`: milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }
}

export class ReceiveWindow {
  readonly #budget: WindowBudget;
  /** What the peer may still send. */
  #granted = INITIAL_WINDOW;
  /** Taken by the reader, and not granted anew. */
  #consumed = 0;
  #extra = 0;
  #creditedAt = Number.NEGATIVE_INFINITY;

  constructor(budget: WindowBudget) {
    this.#budget = budget;
  }

  /** The peer has sent this much; false when it was not allowed to. */
  receive(bytes: number): boolean {
    this.#granted -= bytes;
    return this.#granted >= 0;
  }

  /** The reader has taken this much. Returns the credit that is now due, most often 0. */
  consume(bytes: number): number {
    this.#consumed += bytes;
    if (this.#consumed < (INITIAL_WINDOW + this.#extra) >> 1) return 0;
    const credit = this.#consumed + this.#widen();
    this.#consumed = 0;
    this.#granted += credit;
    return credit;
  }

  /** More, for a stream that is quick: it then waits for credit less often. */
  #widen(): number {
    const size = INITIAL_WINDOW + this.#extra;
    const now = this.#budget.now();
    const isQuick = now - this.#creditedAt < QUICK_MS;
    this.#creditedAt = now;
    if (!isQuick || size >= WIDE_WINDOW || this.#budget.left < size) return 0;
    this.#budget.left -= size;
    this.#extra += size;
    return size;
  }

  /** The stream is over. */
  release(): void {
    this.#budget.left += this.#extra;
    this.#extra = 0;
  }
}
