/**
 * All comparisons of a traffic loop: how many may be under way, and how much memory they may hold, until the control thread has
 * taken them. Who finds no room is mirrored without being compared.
 */
import type { MirrorSample } from "../mirrors/sample.ts";
import type { TimerWheel } from "../net/timer-wheel.ts";
import type { ComparisonPlan } from "../routing/comparison-plan.ts";
import { Comparison } from "./comparison.ts";

/** At once, with those that the control thread has not taken yet. */
export const MAX_COMPARISONS = 64;
/** Of bodies, if all were as large as they may be. */
const MAX_BYTES = 16_777_216;
/** From the request to the end of both responses. */
export const COMPARISON_TIMEOUT_MS = 30_000;

export class Comparisons {
  readonly #wheel: TimerWheel;
  /** Hands a sample to the control thread, which answers with `taken(bytes)`. */
  send: (sample: MirrorSample, bytes: number) => void = () => {};
  #count = 0;
  #bytes = 0;

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Null: there is no room. */
  begin(plan: ComparisonPlan): Comparison | null {
    const bytes = bytesOf(plan);
    if (this.#count >= MAX_COMPARISONS || this.#bytes + bytes > MAX_BYTES) return null;
    this.#count++;
    this.#bytes += bytes;
    const comparison = new Comparison(plan, this);
    this.#wheel.set(comparison, this.#wheel.now() + COMPARISON_TIMEOUT_MS);
    return comparison;
  }

  /** It has ended, with this result. */
  post(comparison: Comparison, sample: MirrorSample, plan: ComparisonPlan): void {
    this.#wheel.remove(comparison);
    this.send(sample, bytesOf(plan));
  }

  /** The control thread has taken one that may have held so many bytes. */
  taken(bytes: number): void {
    this.#count--;
    this.#bytes -= bytes;
  }
}

/** Of both bodies, at most. */
function bytesOf(plan: ComparisonPlan): number {
  return 2 * plan.maxBodyBytes;
}
