/** What is known of a run: each request's end, what was violated, and when asked for, a trace. */
import type { Outcome } from "./client.ts";
import type { Ejections } from "./properties/ejections.ts";
import type { World } from "./world.ts";

/** More say nothing new. */
const MAX_VIOLATIONS = 5;
const TRACE_LINES = 40;

export class Report {
  readonly world: World;
  readonly outcomes: Outcome[] = [];
  readonly violations: string[] = [];
  /** Numbers worth knowing. */
  readonly notes = new Map<string, number>();
  /** What happened up to the first violation, if that was asked for. */
  readonly trace: string[] = [];
  readonly ejections: Ejections;

  constructor(world: World, ejections: Ejections) {
    this.world = world;
    this.ejections = ejections;
  }

  violated(what: string): void {
    if (this.violations.length >= MAX_VIOLATIONS) return;
    this.violations.push(`at ${this.world.timeline.elapsed.toFixed(1)} ms: ${what}`);
  }

  tell(line: string): void {
    if (this.violations.length > 0) return;
    this.trace.push(`${this.world.timeline.elapsed.toFixed(1)} ms  ${line}`);
    if (this.trace.length > TRACE_LINES) this.trace.shift();
  }

  /** Of those sent from `from` to `to`, milliseconds after the start. */
  between(from: number, to: number): readonly Outcome[] {
    return this.outcomes.filter(({ request: { at } }) => at >= from && at < to);
  }

  /** Tries that reached instances, for each request. */
  get load(): number {
    const arrivals = this.world.instances.reduce((sum, instance) => sum + instance.arrivals, 0);
    return arrivals / this.outcomes.length;
  }
}

export function isGood({ status, isCut }: Outcome): boolean {
  return status > 0 && status < 500 && !isCut;
}

/** Share of good answers, of 0 to 1. */
export function successRate(outcomes: readonly Outcome[]): number {
  return outcomes.filter(isGood).length / outcomes.length;
}

/** Milliseconds that `share` of them took at most. */
export function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = Float64Array.from(outcomes, ({ ms }) => ms).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
