/** What the DNS proxy has done, in numbers. Imports nothing of it: every sidecar's admin pages read this. */
import type { ForwardCounts } from "./forwarder.ts";

/** What became of a question. */
const OUTCOMES = ["mesh", "forwarded", "cached", "failed", "refused", "dropped"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Upper bounds of a histogram, in seconds. */
export const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 4] as const;

export class DnsCounts implements ForwardCounts {
  readonly outcomes = new Map<Outcome, number>(OUTCOMES.map((outcome) => [outcome, 0]));
  readonly tries = new Map<string, number>();
  /** Tries by duration, each in the first bucket that it fits; the last is for all that fit none. */
  readonly durations: number[] = [...BUCKETS.map(() => 0), 0];
  seconds = 0;

  count(outcome: Outcome): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  took(ms: number): void {
    const found = BUCKETS.findIndex((bound) => ms <= bound * 1_000);
    const bucket = found < 0 ? BUCKETS.length : found;
    this.durations[bucket] = (this.durations[bucket] ?? 0) + 1;
    this.seconds += ms / 1_000;
  }
}
