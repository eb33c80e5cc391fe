/** What is counted as under way is, within the breakers' limits, and nothing when all is over. Each exchange ends once. */
import { DEFAULT_LIMIT } from "../../../src/proxy/clusters/breaker.ts";
import type { Outcome } from "../client.ts";
import type { Property, Say } from "../property.ts";
import type { World } from "../world.ts";

export class Counters implements Property {
  readonly #world: World;
  readonly #say: Say;
  #ended = 0;
  readonly #before = new Map<string, number>();

  constructor(world: World, say: Say) {
    this.#world = world;
    this.#say = say;
  }

  onStep(): void {
    const { cluster, clients, connections, instances, setup } = this.#world;
    const { breakers, active, retrying, settings } = cluster;
    const { default: breaker } = breakers;
    const limits = settings.breaker ?? {};
    const least = Math.min(
      breaker.connections,
      breaker.pending,
      breaker.requests,
      breaker.retries,
      active,
      retrying,
    );
    if (least < 0) this.#say(`a counter is ${least}`);
    if (breaker.requests !== active) this.#say(`${breaker.requests} requests of ${active} tries under way`);
    if (breaker.retries !== retrying)
      this.#say(`${breaker.retries} retries in the breaker, ${retrying} held`);
    const tries = clients.open.size * (setup.rule?.retry?.hedge === undefined ? 1 : 2);
    if (active > tries) this.#say(`${active} tries for ${clients.open.size} requests`);
    let inHand = 0;
    for (const instance of instances) inHand += instance.inHand;
    if (inHand > active) this.#say(`instances work on ${inHand} of ${active} tries`);
    if (connections > breaker.connections)
      this.#say(`${connections} connections, of which ${breaker.connections} are counted`);
    // A limit that is lowered while more is under way holds for what comes.
    const more = (what: string, now: number, limit = DEFAULT_LIMIT) => {
      const before = this.#before.get(what) ?? 0;
      this.#before.set(what, now);
      if (now > before && now > limit) this.#say(`${now} ${what}, of at most ${limit}`);
    };
    more("connections", connections, limits.maxConnections);
    more("pending", breaker.pending, limits.maxPending);
    more("requests", breaker.requests, limits.maxRequests);
    more("retries", breaker.retries, limits.maxRetries ?? Number.POSITIVE_INFINITY);
  }

  onEnded(_outcome: Outcome): void {
    this.#ended++;
  }

  onQuiet(): void {
    const { cluster, clients, connections } = this.#world;
    const { default: breaker } = cluster.breakers;
    const left = {
      "open requests": clients.open.size,
      pending: breaker.pending,
      requests: breaker.requests,
      retries: breaker.retries,
      connections: breaker.connections,
      "open connections": connections,
      "the open connections gauge": this.#world.metric("weft_upstream_connections_active"),
      "tries of endpoints": cluster.endpoints.reduce((sum, { active }) => sum + active, 0),
      waiting: cluster.connections.line.length,
    };
    for (const [what, count] of Object.entries(left))
      if (count !== 0) this.#say(`when all is over there are ${count} ${what}`);
    const { sent } = clients;
    const {
      maxConnections,
      maxPending,
      maxRequests,
      maxRetries = 0,
    } = this.#world.setup.cluster.breaker ?? {};
    const remaining = [maxConnections, maxPending, maxRequests].map((limit) => limit ?? DEFAULT_LIMIT);
    const all = remaining.reduce((sum, limit) => sum + limit, maxRetries);
    const told = this.#world.metric("weft_circuit_breaker_remaining");
    // Settings that come later may leave the gauge of a limit that there is no more.
    if (told !== 0 && told !== all && this.#world.setup.changes === undefined)
      this.#say(`when all is over the breakers' gauges have ${told} left, not ${all}`);
    if (this.#ended !== sent) this.#say(`${this.#ended} of ${sent} requests have ended`);
    const recorded = this.#world.metric("requests");
    if (recorded !== sent) this.#say(`${recorded} of ${sent} requests were recorded`);
  }
}
