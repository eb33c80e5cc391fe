/** What share of its weight an endpoint has that came a moment ago: little at first, then in proportion to the time. */
import type { SlowStart } from "../../discovery/resilience.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";

/** Envoy's `min_weight_percent`. */
const DEFAULT_MIN_WEIGHT = 0.1;
/** Steps in which the share grows. */
const RAMP_STEPS = 20;

export interface Weighed {
  readonly configuredWeight: number;
  /** When it came; milliseconds of the wheel's clock. */
  readonly since: number;
  /** What holds now. */
  weight: number;
}

/** From `minWeight` to 1; `ageMs` since it came. */
export function rampedShare({ windowMs, minWeight }: SlowStart, ageMs: number): number {
  const part = Math.min(1, Math.max(0, ageMs / windowMs));
  return Math.max(minWeight ?? DEFAULT_MIN_WEIGHT, part);
}

export class Ramp extends Timed {
  readonly #wheel: TimerWheel;
  readonly #onStep: () => void;

  /** `onStep` is called when endpoints that are new should be weighed again. */
  constructor(wheel: TimerWheel, onStep: () => void) {
    super();
    this.#wheel = wheel;
    this.#onStep = onStep;
  }

  /** Gives endpoints the weights that hold now. */
  weigh(endpoints: readonly Weighed[], slowStart: SlowStart | undefined): void {
    const now = this.#wheel.now();
    let isRamping = false;
    for (const endpoint of endpoints) {
      const share = slowStart === undefined ? 1 : rampedShare(slowStart, now - endpoint.since);
      endpoint.weight = endpoint.configuredWeight * share;
      if (share < 1) isRamping = true;
    }
    if (isRamping && slowStart !== undefined) this.#wheel.set(this, now + slowStart.windowMs / RAMP_STEPS);
  }

  override onDeadline(): void {
    this.#onStep();
  }

  stop(): void {
    this.#wheel.remove(this);
  }
}
