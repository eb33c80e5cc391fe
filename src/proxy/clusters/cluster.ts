/**
 * The instances that serve one port of one Service, and how one of them is picked. Updates keep endpoints that stay, with their
 * connections; what goes finishes what it has in flight.
 */
import type { EndpointResource, HashKey, LoadBalancerPolicy, Protocol } from "../../discovery/messages.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import { type Balancer, makeBalancer, type Random } from "./balancer.ts";
import type { ClusterStats } from "./cluster-stats.ts";
import { Endpoint, endpointKey, type SeriesOf } from "./endpoint.ts";
import type { PooledConnection } from "./pool.ts";

/** How often idle connections are looked at. */
const SWEEP_MS = 1_000;

export interface ClusterSettings {
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancerPolicy;
  readonly connectTimeoutMs: number;
  readonly poolIdleTimeoutMs: number;
  /** What makes requests belong together; absent: nothing. */
  readonly hash?: HashKey;
}

/** What a cluster gets from the loop it lives on. */
export interface ClusterContext {
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly stats: ClusterStats;
  /** The series that exchanges with this instance count in. */
  readonly seriesOf: SeriesOf;
}

export class Cluster<C extends PooledConnection> extends Timed {
  readonly name: string;
  readonly stats: ClusterStats;
  protocol: Protocol;
  connectTimeoutMs: number;
  isRemoved = false;
  hash: HashKey | null;
  #poolIdleTimeoutMs: number;
  #policy: LoadBalancerPolicy;
  #endpoints = new Map<string, Endpoint<C>>();
  #staged = new Map<string, Endpoint<C>>();
  #list: readonly Endpoint<C>[] = [];
  #balancer: Balancer;
  readonly #context: ClusterContext;

  constructor(name: string, settings: ClusterSettings, context: ClusterContext) {
    super();
    this.name = name;
    this.stats = context.stats;
    this.protocol = settings.protocol;
    this.connectTimeoutMs = settings.connectTimeoutMs;
    this.#poolIdleTimeoutMs = settings.poolIdleTimeoutMs;
    this.#policy = settings.loadBalancer;
    this.hash = settings.hash ?? null;
    this.#context = context;
    this.#balancer = this.#makeBalancer();
  }

  get endpoints(): readonly Endpoint<C>[] {
    return this.#list;
  }

  /** Whether endpoints are chosen by how long they take. */
  get measuresLatency(): boolean {
    return this.#policy === "peakEwma";
  }

  /** The endpoint for the next request, or null when none may take one. `hash`: of its key, where it has one. */
  pick(hash?: number): Endpoint<C> | null {
    const index = this.#balancer.pick(hash);
    return index < 0 ? null : this.#list[index]!;
  }

  update(settings: ClusterSettings): void {
    this.protocol = settings.protocol;
    this.connectTimeoutMs = settings.connectTimeoutMs;
    this.#poolIdleTimeoutMs = settings.poolIdleTimeoutMs;
    this.hash = settings.hash ?? null;
    if (settings.loadBalancer === this.#policy) return;
    this.#policy = settings.loadBalancer;
    this.#rebalance();
  }

  setEndpoints(resources: readonly EndpointResource[]): void {
    this.stageEndpoints(resources);
    this.commitEndpoints();
  }

  /** Prepares endpoints that `commitEndpoints` puts in place: thousands come in parts, with requests between them. */
  stageEndpoints(resources: readonly EndpointResource[]): void {
    for (const resource of resources) {
      const key = endpointKey(resource);
      const endpoint = this.#endpoints.get(key) ?? new Endpoint<C>(resource, this.#context.seriesOf);
      endpoint.stagedWeight = resource.weight;
      this.#staged.set(key, endpoint);
    }
  }

  /** What was staged is now all there is. */
  commitEndpoints(): void {
    const before = this.#list;
    this.#endpoints = this.#staged;
    this.#staged = new Map();
    this.#list = [...this.#endpoints.values()];
    for (const endpoint of before) endpoint.isRemoved = true;
    for (const endpoint of this.#list) {
      endpoint.isRemoved = false;
      endpoint.weight = endpoint.stagedWeight;
    }
    for (const endpoint of before) if (endpoint.isRemoved) endpoint.pool.clear();
    this.#rebalance();
  }

  #rebalance(): void {
    this.#balancer = this.#makeBalancer();
  }

  #makeBalancer(): Balancer {
    const { random, wheel } = this.#context;
    return makeBalancer(this.#policy, this.#list, random, () => wheel.now());
  }

  /** Gives a connection back after a complete exchange. */
  release(endpoint: Endpoint<C>, connection: C): void {
    if (endpoint.isRemoved || this.isRemoved) {
      connection.abandon();
      return;
    }
    const now = this.#context.wheel.now();
    endpoint.pool.put(connection, now);
    if (this.deadline === 0) this.#context.wheel.set(this, now + SWEEP_MS);
  }

  override onDeadline(now: number): void {
    let isWarm = false;
    for (const endpoint of this.#list) {
      if (endpoint.pool.size > 0 && endpoint.pool.sweep(now, this.#poolIdleTimeoutMs)) isWarm = true;
    }
    if (isWarm) this.#context.wheel.set(this, now + SWEEP_MS);
  }

  remove(): void {
    this.isRemoved = true;
    this.#context.wheel.remove(this);
    for (const endpoint of this.#list) {
      endpoint.isRemoved = true;
      endpoint.pool.clear();
    }
  }
}
