/**
 * How long to wait before a process that ended by itself is started again: at once the first time, then doubling, so
 * that a program that can't start doesn't eat a core. A process that stood for a while starts over.
 */

const BASE_MS = 100;
const MAX_MS = 5_000;
/** Standing this long makes the next crash a first one. */
const STABLE_MS = 10_000;

export class Backoff {
  #crashes = 0;

  /** Delay in milliseconds before the next start, given how long the process ran. */
  next(ranMs: number): number {
    if (ranMs >= STABLE_MS) this.#crashes = 0;
    this.#crashes += 1;
    return Math.min(MAX_MS, BASE_MS * 2 ** (this.#crashes - 1));
  }

  /** Crashes since the process last stood. */
  get crashes(): number {
    return this.#crashes;
  }
}
