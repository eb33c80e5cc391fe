/** Who waits for a change to be settled: woken when that happens, not by asking again and again. */

export class Waits {
  readonly #waiting = new Map<number, Set<() => void>>();

  /** Resolves when the change is settled, after `ms`, or when `signal` aborts. */
  until(change: number, ms: number, signal: AbortSignal): Promise<void> {
    if (ms <= 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(change) ?? new Set();
      this.#waiting.set(change, waiting);
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(change) === waiting) this.#waiting.delete(change);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
      waiting.add(done);
    });
  }

  settled(change: number): void {
    for (const done of this.#waiting.get(change) ?? []) done();
  }
}
