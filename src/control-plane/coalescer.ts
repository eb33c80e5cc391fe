/**
 * Many changes to one reaction: it comes 10 ms after the last of a burst, at the latest 100 ms after the first. An
 * editor's save is several events, a checkout or a script of `weft apply` hundreds, and each reaction compiles.
 */

const QUIET_MS = 10;
const LONGEST_MS = 100;

export interface Clock {
  /** Milliseconds, never going back. */
  readonly now: () => number;
  /** Calls `fire` after so many milliseconds, unless the function that it returns is called before. */
  readonly after: (ms: number, fire: () => void) => () => void;
}

const SYSTEM: Clock = {
  now: () => performance.now(),
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

export class Coalescer {
  readonly #react: (since: number) => void;
  readonly #clock: Clock;
  #cancel: (() => void) | undefined;
  #firstAt = 0;

  /** @param react told when the first change of the burst came, in the clock's milliseconds. */
  constructor(react: (since: number) => void, clock = SYSTEM) {
    this.#react = react;
    this.#clock = clock;
  }

  /** Something changed; or is about to, and is looked at after `quietMs`, 100 at most, unless it does before. */
  touch(quietMs = QUIET_MS): void {
    const now = this.#clock.now();
    if (this.#cancel === undefined) this.#firstAt = now;
    this.#cancel?.();
    const wait = Math.max(0, Math.min(quietMs, this.#firstAt + LONGEST_MS - now));
    this.#cancel = this.#clock.after(wait, () => {
      this.#cancel = undefined;
      this.#react(this.#firstAt);
    });
  }

  /** What has not been reacted to is forgotten. */
  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }
}
