/** With bounded loads nobody who is chosen by hash has more than the factor times the mean of those that are well. */
import type { UpstreamEndpoint } from "../../../src/proxy/request/listener-context.ts";
import type { Arrival } from "../instance.ts";
import type { Property, Say } from "../property.ts";
import type { World } from "../world.ts";

/** Longer than it takes to give up a connection. */
const SETTLING_MS = 2_000;

export class BoundedLoad implements Property {
  readonly #world: World;
  readonly #say: Say;
  #before = new Map<UpstreamEndpoint, number>();
  #unsettledUntil = 0;
  #activeBefore = 0;

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
  }

  /** A connection was refused, or never comes: another endpoint is asked. */
  onFailure(arrival: Arrival | null): void {
    if (arrival === null) this.#unsettledUntil = this.#world.timeline.elapsed + SETTLING_MS;
  }

  onStep(): void {
    const { active, endpoints, retrying, settings } = this.#world.cluster;
    const { breaker, hashBalanceFactor, loadBalancer } = settings;
    const isHashed = loadBalancer === "ringHash" || loadBalancer === "maglev";
    // Who waits for a connection in vain, or is aborted, asks another endpoint, and nobody sees it.
    const isUnseen = breaker?.maxConnections !== undefined || this.#world.setup.rule?.faults !== undefined;
    if (hashBalanceFactor === undefined || isUnseen || !isHashed) {
      this.#before.clear();
      return;
    }
    const before = this.#before;
    // Several may begin and end in one step; the bound was that of the busiest moment.
    const busiest = Math.max(active, this.#activeBefore + 1);
    this.#activeBefore = active;
    this.#before = new Map(endpoints.map((endpoint) => [endpoint, endpoint.active]));
    // A try again may not go to where the last one was, and takes whom it finds.
    if (retrying > 0 || this.#world.timeline.elapsed < this.#unsettledUntil) return;
    const well = endpoints.filter(({ isHealthy }) => isHealthy);
    const total = well.reduce((sum, { weight }) => sum + weight, 0);
    for (const [index, endpoint] of endpoints.entries()) {
      if (endpoint.active <= (before.get(endpoint) ?? endpoint.active) || !endpoint.isHealthy) continue;
      const most = Math.ceil(((hashBalanceFactor / 100) * busiest * endpoint.weight) / total);
      if (endpoint.active > most)
        this.#say(`endpoint ${index} has ${endpoint.active} of ${busiest}, not ${most}`);
    }
  }
}
