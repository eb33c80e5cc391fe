/** Something that is to happen at a time, unless it is taken back: all of them on one wheel, which runs only while there are any. */
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";

export class Deadline extends Timed {
  readonly #wheel: TimerWheel;
  readonly #run: () => void;

  /** `run`: what happens in `ms` milliseconds. */
  constructor(wheel: TimerWheel, ms: number, run: () => void) {
    super();
    this.#wheel = wheel;
    this.#run = run;
    wheel.set(this, wheel.now() + ms);
  }

  /** Counts again from now. */
  renew(ms: number): void {
    this.#wheel.set(this, this.#wheel.now() + ms);
  }

  end(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(): void {
    this.#run();
  }
}
