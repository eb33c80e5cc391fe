/**
 * The instances that serve one port of one Service, and how one of them is picked. Updates keep endpoints that stay, with their
 * connections; what goes finishes what it has in flight.
 */
import type { EndpointResource, LoadBalancerPolicy, Protocol } from "../../discovery/messages.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { DestinationSeries } from "../telemetry/record.ts";
import { type Balancer, makeBalancer, type Random } from "./balancer.ts";
import type { ClusterStats } from "./cluster-stats.ts";
import { Endpoint, endpointKey } from "./endpoint.ts";
import type { PooledConnection } from "./pool.ts";

/** How often idle connections are looked at. */
const SWEEP_MS = 1_000;

export interface ClusterSettings {
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancerPolicy;
  readonly connectTimeoutMs: number;
  readonly poolIdleTimeoutMs: number;
}

/** What a cluster gets from the loop it lives on. */
export interface ClusterContext {
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly stats: ClusterStats;
  /** The series that exchanges with this instance count in. */
  seriesOf(endpoint: EndpointResource): DestinationSeries;
}

export class Cluster<C extends PooledConnection> extends Timed {
  readonly name: string;
  readonly stats: ClusterStats;
  protocol: Protocol;
  connectTimeoutMs: number;
  isRemoved = false;
  #poolIdleTimeoutMs: number;
  #policy: LoadBalancerPolicy;
  #endpoints = new Map<string, Endpoint<C>>();
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
    this.#context = context;
    this.#balancer = makeBalancer(settings.loadBalancer, [], context.random);
  }

  get endpoints(): readonly Endpoint<C>[] {
    return this.#list;
  }

  /** The endpoint for the next request, or null when none may take one. */
  pick(): Endpoint<C> | null {
    const index = this.#balancer.pick();
    return index < 0 ? null : this.#list[index]!;
  }

  update(settings: ClusterSettings): void {
    this.protocol = settings.protocol;
    this.connectTimeoutMs = settings.connectTimeoutMs;
    this.#poolIdleTimeoutMs = settings.poolIdleTimeoutMs;
    if (settings.loadBalancer === this.#policy) return;
    this.#policy = settings.loadBalancer;
    this.#rebalance();
  }

  setEndpoints(resources: readonly EndpointResource[]): void {
    const before = this.#endpoints;
    const now = new Map<string, Endpoint<C>>();
    for (const resource of resources) {
      const key = endpointKey(resource);
      const endpoint = before.get(key) ?? new Endpoint<C>(resource, this.#context.seriesOf(resource));
      endpoint.weight = resource.weight;
      now.set(key, endpoint);
      before.delete(key);
    }
    for (const gone of before.values()) retire(gone);
    this.#endpoints = now;
    this.#list = [...now.values()];
    this.#rebalance();
  }

  #rebalance(): void {
    this.#balancer = makeBalancer(this.#policy, this.#list, this.#context.random);
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
    for (const endpoint of this.#list) retire(endpoint);
  }
}

function retire<C extends PooledConnection>(endpoint: Endpoint<C>): void {
  endpoint.isRemoved = true;
  endpoint.pool.clear();
}
