/** What share of its weight an endpoint has that came a moment ago: little at first, then in proportion to the time. */
import type { SlowStart } from "../../discovery/resilience.ts";
import { Timed } from "../net/timer-wheel.ts";

/** Envoy's `min_weight_percent`. */
const DEFAULT_MIN_WEIGHT = 0.1;
/** Steps in which the share grows. */
export const RAMP_STEPS = 20;

/** From `minWeight` to 1; `ageMs` since it came. */
export function rampedShare({ windowMs, minWeight }: SlowStart, ageMs: number): number {
  const part = Math.min(1, Math.max(0, ageMs / windowMs));
  return Math.max(minWeight ?? DEFAULT_MIN_WEIGHT, part);
}

/** The next step of endpoints that are new. */
export class Ramp extends Timed {
  readonly #step: () => void;

  constructor(step: () => void) {
    super();
    this.#step = step;
  }

  override onDeadline(): void {
    this.#step();
  }
}
