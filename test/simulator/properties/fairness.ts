/**
 * Nobody starves: of a few seconds' requests each endpoint that is well gets some, if its share is many. Who is slow beside others,
 * has just come or was out for a while is not meant.
 */
import type { Arrival } from "../instance.ts";
import type { Property, Say } from "../property.ts";
import type { World } from "../world.ts";

const WINDOW_MS = 5_000;
/** Expected arrivals of which none is no accident: e^-40 by pure chance. */
const MANY = 40;
/** Longer than the quickest by this factor is slow. */
const SLOW = 2;

export class Fairness implements Property {
  readonly #world: World;
  readonly #say: Say;
  readonly #arrivals: number[];
  readonly #isDisturbed: boolean[];
  #endsAt = WINDOW_MS;
  #total = 0;

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
    this.#arrivals = world.instances.map(() => 0);
    this.#isDisturbed = world.instances.map(() => false);
  }

  onArrival({ instance }: Arrival): void {
    this.#total++;
    this.#arrivals[instance.index] = (this.#arrivals[instance.index] ?? 0) + 1;
  }

  onStep(): void {
    const { cluster, timeline, setup, instances } = this.#world;
    for (const endpoint of cluster.endpoints)
      if (!endpoint.isHealthy) this.#isDisturbed[indexOf(endpoint.address)] = true;
    const { elapsed } = timeline;
    if (elapsed < this.#endsAt) return;
    const from = this.#endsAt - WINDOW_MS;
    if (this.#endsAt <= setup.durationMs && setup.zone === undefined) this.#judge(from);
    this.#endsAt += WINDOW_MS;
    this.#total = 0;
    for (const { index } of instances) {
      this.#arrivals[index] = 0;
      this.#isDisturbed[index] = false;
    }
  }

  #judge(from: number): void {
    const { cluster, timeline, instances, setup } = this.#world;
    const { slowStart, hashBalanceFactor, loadBalancer } = cluster.settings;
    const total = cluster.endpoints.reduce((sum, { configuredWeight }) => sum + configuredWeight, 0);
    // By hash not requests are dealt, but keys.
    const isHashed = loadBalancer === "ringHash" || loadBalancer === "maglev";
    const dealt = isHashed ? Math.min(this.#total, setup.load.keys ?? this.#total) : this.#total;
    const quickest = Math.min(...instances.map(({ conduct }) => conduct.ms ?? 5));
    for (const { address, configuredWeight, since } of cluster.endpoints) {
      const instance = instances[indexOf(address)];
      if (
        instance === undefined ||
        this.#isDisturbed[instance.index] === true ||
        hashBalanceFactor !== undefined
      )
        continue;
      const isNew = timeline.now - since < WINDOW_MS + (slowStart?.windowMs ?? 0);
      // Peak EWMA remembers how slow an endpoint was for longer than this.
      const changedSince = loadBalancer === "peakEwma" ? 0 : from;
      const hasChanged = instance.script.phases.some((phase) => phase.from > changedSince);
      const { workers = 0, ms = 5 } = instance.conduct;
      if (isNew || hasChanged || !instance.isWell || workers > 0 || ms > SLOW * quickest) continue;
      const expected = (dealt * configuredWeight) / total;
      if (expected >= MANY && this.#arrivals[instance.index] === 0)
        this.#say(`instance ${instance.index} got none of ${this.#total} tries in ${WINDOW_MS} ms`);
    }
  }
}

function indexOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(".") + 1)) - 1;
}
