/** One run: a scenario's setup for a seed, with all properties watched. */
import type { Outcome, Request } from "./client.ts";
import type { Arrival, Instance } from "./instance.ts";
import { BoundedLoad } from "./properties/bounded-load.ts";
import { Budget } from "./properties/budget.ts";
import { Counters } from "./properties/counters.ts";
import { Ejections } from "./properties/ejections.ts";
import { Fairness } from "./properties/fairness.ts";
import { Losses } from "./properties/losses.ts";
import type { Property } from "./property.ts";
import { Report } from "./report.ts";
import { Chance, type Scenario, type Setup } from "./scenario.ts";
import { World } from "./world.ts";

class Run implements Required<Property> {
  readonly report: Report;
  readonly #properties: readonly Property[];
  readonly #traces: boolean;

  constructor(setup: Setup, seed: number, traces: boolean) {
    this.#traces = traces;
    const world = new World(setup, seed, this);
    const say = (what: string) => this.report.violated(what);
    const ejections = new Ejections(world, say);
    this.report = new Report(world, ejections);
    this.#properties = [
      new Counters(world, say),
      new Budget(world, say),
      ejections,
      new Losses(world, say),
      new Fairness(world, say),
      new BoundedLoad(world, say),
    ];
  }

  onStep(): void {
    for (const property of this.#properties) property.onStep?.();
  }

  onSent(request: Request): void {
    if (this.#traces) this.report.tell(`request ${request.id} comes`);
    for (const property of this.#properties) property.onSent?.(request);
  }

  onArrival(arrival: Arrival, request: Request | undefined): void {
    const { instance, attempt } = arrival;
    if (request !== undefined) {
      request.arrivals++;
      request.attempt = Math.max(request.attempt, attempt);
      request.instance = instance.index;
    }
    if (this.#traces)
      this.report.tell(`request ${arrival.request} try ${attempt} is at instance ${instance.index}`);
    for (const property of this.#properties) property.onArrival?.(arrival, request);
  }

  onFailure(arrival: Arrival | null, instance: Instance, why: string): void {
    if (this.#traces)
      this.report.tell(
        `instance ${instance.index}: ${why} ${arrival === null ? "" : `for request ${arrival.request}`}`,
      );
    for (const property of this.#properties) property.onFailure?.(arrival, instance, why);
  }

  onEnded(outcome: Outcome): void {
    const { request, status, flag, ms } = outcome;
    if (this.#traces)
      this.report.tell(`request ${request.id} ends with ${status} ${flag} after ${ms.toFixed(1)} ms`);
    this.report.outcomes.push(outcome);
    for (const property of this.#properties) property.onEnded?.(outcome);
  }

  onFault(what: string): void {
    this.report.violated(what);
  }

  onQuiet(): void {
    for (const property of this.#properties) property.onQuiet?.();
  }
}

/** Runs a setup; `traces` keeps what happened. */
export function simulate(setup: Setup, seed: number, traces = false): Report {
  const run = new Run(setup, seed, traces);
  run.report.world.run();
  return run.report;
}

/** Runs a scenario by a seed; with violations, again to tell how it came to them. */
export function play(scenario: Scenario, seed: number): Report {
  const once = (traces: boolean) => {
    const setup = scenario.draw(new Chance(seed));
    const report = simulate(setup, seed, traces);
    for (const wrong of scenario.judge?.(report, setup) ?? []) report.violated(wrong);
    return report;
  };
  const report = once(false);
  return report.violations.length === 0 ? report : once(true);
}

/** For a failing test: what is wrong, how to see it again, and what went before. */
export function describe(scenario: Scenario, seed: number, { violations, trace }: Report): string {
  return [
    `${scenario.name}, seed ${seed}: SIM_SEED=${seed} npx vitest run test/simulator -t "${scenario.name}"`,
    ...violations,
    "before the first of these:",
    ...trace,
  ].join("\n  ");
}
