/**
 * The endpoints of a cluster. One that an update leaves as it is stays the same object, with its connections, the requests it has in
 * flight and what is known of it. What its active check says of an endpoint holds also for one that comes later.
 */
import type { EndpointResource } from "../../discovery/messages.ts";
import { Endpoint, endpointKey, type SeriesOf } from "./endpoint.ts";
import type { PooledConnection } from "./pool.ts";

export class EndpointSet<C extends PooledConnection> {
  list: readonly Endpoint<C>[] = [];
  readonly #seriesOf: SeriesOf;
  #byKey = new Map<string, Endpoint<C>>();
  #staged = new Map<string, Endpoint<C>>();
  /** Keys of those whose active check fails. */
  #failing: ReadonlySet<string> = new Set();

  constructor(seriesOf: SeriesOf) {
    this.#seriesOf = seriesOf;
  }

  get(key: string): Endpoint<C> | undefined {
    return this.#byKey.get(key);
  }

  /** Prepares endpoints that `commit` puts in place. */
  stage(resources: readonly EndpointResource[]): void {
    for (const resource of resources) {
      const key = endpointKey(resource);
      const endpoint = this.#byKey.get(key) ?? new Endpoint<C>(resource, this.#seriesOf);
      endpoint.staged = resource;
      this.#staged.set(key, endpoint);
    }
  }

  /** What was staged is now all there is: the rest `isRemoved`. Returns those that are new; `now`: when they came. */
  commit(now: number): readonly Endpoint<C>[] {
    const known = this.#byKey;
    const added: Endpoint<C>[] = [];
    for (const endpoint of this.list) endpoint.isRemoved = true;
    this.#byKey = this.#staged;
    this.#staged = new Map();
    this.list = [...this.#byKey.values()];
    for (const [key, endpoint] of this.#byKey) {
      endpoint.isRemoved = false;
      endpoint.configuredWeight = endpoint.staged.weight;
      endpoint.zone = endpoint.staged.zone ?? "";
      endpoint.failsCheck = this.#failing.has(key);
      if (known.has(key)) continue;
      endpoint.since = now;
      added.push(endpoint);
    }
    return added;
  }

  /** `keys`: of all those whose active check fails. Returns those for which that is new. */
  setFailing(keys: ReadonlySet<string>): readonly Endpoint<C>[] {
    const changed: Endpoint<C>[] = [];
    this.#failing = keys;
    for (const [key, endpoint] of this.#byKey) {
      const fails = keys.has(key);
      if (endpoint.failsCheck === fails) continue;
      endpoint.failsCheck = fails;
      changed.push(endpoint);
    }
    return changed;
  }
}
