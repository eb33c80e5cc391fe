/** Timers and chance that only the test moves. */
import type { Pace } from "../../src/proxy/health/endpoint-check.ts";

export interface VirtualPace extends Pace {
  readonly now: number;
  /** Timers that wait. */
  readonly waiting: number;
  /** Lets `ms` pass; what is due runs in its order, what that sets is due too if it falls into the time. */
  advance(ms: number): void;
}

export function virtualPace(random: () => number): VirtualPace {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  const due = (end: number) => {
    let first: { readonly at: number; readonly run: () => void } | undefined;
    for (const timer of timers)
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    return first;
  };
  return {
    random,
    after: (ms, run) => {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    get now() {
      return now;
    },
    get waiting() {
      return timers.size;
    },
    advance(ms) {
      const end = now + ms;
      for (let timer = due(end); timer !== undefined; timer = due(end)) {
        timers.delete(timer);
        now = timer.at;
        timer.run();
      }
      now = end;
    },
  };
}
