/**
 * The instances that serve one port of one Service: which of them gets a request, how much may be under way, who is left out for
 * failing. Updates keep endpoints that stay, with their connections; what goes finishes what it has in flight.
 */
import type { EndpointResource, HashKey, LoadBalancerPolicy, Protocol } from "../../discovery/messages.ts";
import type { ClusterResilience, ConnectionCare } from "../../discovery/resilience.ts";
import { type HashSource, hashSource } from "../http/hash-source.ts";
import type { TimerWheel } from "../net/timer-wheel.ts";
import type { Balancer, Random } from "./balancer.ts";
import { Breaker } from "./breaker.ts";
import type { ClusterStats } from "./cluster-stats.ts";
import { Connections } from "./connections.ts";
import { Detectors } from "./detectors.ts";
import type { Ejection } from "./ejection.ts";
import type { Endpoint, SeriesOf } from "./endpoint.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { balancerOf, type HashTable, hashTableOf } from "./hash-table.ts";
import type { PooledConnection } from "./pool.ts";
import { RecentLatency } from "./recent-latency.ts";
import { type Allowance, RetryBudget } from "./retry-budget.ts";
import { Selection } from "./selection.ts";
import { Ramp } from "./slow-start.ts";
import { DEFAULT_PANIC_THRESHOLD } from "./tiers.ts";

const NO_CARE: ConnectionCare = {};

export interface ClusterSettings extends ClusterResilience {
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancerPolicy;
  readonly connectTimeoutMs: number;
  readonly poolIdleTimeoutMs: number;
  /** What makes requests belong together; absent: nothing. */
  readonly hash?: HashKey;
}

/** What a cluster gets from the loop it lives on. */
export interface ClusterContext<C extends PooledConnection> {
  readonly wheel: TimerWheel;
  readonly random: Random;
  readonly stats: ClusterStats;
  /** The series that exchanges with this instance count in. */
  readonly seriesOf: SeriesOf;
  /** Of the client; empty: not known. */
  readonly zone: () => string;
  /** An endpoint has been left out, or is back. */
  readonly onEjection: (ejection: Ejection) => void;
  /** Opens connections before there are requests for them. */
  readonly prewarm: (endpoint: Endpoint<C>, count: number) => void;
}

/** Requests that must not fail for those that may count apart (Envoy's routing priorities). */
export type Priority = "default" | "high";

export class Cluster<C extends PooledConnection> {
  readonly name: string;
  readonly stats: ClusterStats;
  isRemoved = false;
  /** What makes requests belong together; null: nothing does. */
  hash: HashSource | null = null;
  settings: ClusterSettings;
  readonly breakers: Readonly<Record<Priority, Breaker>>;
  budget: RetryBudget;
  readonly recent = new RecentLatency();
  readonly connections: Connections<C>;
  /** Tries under way. */
  active = 0;
  /** Of those, retries. */
  retrying = 0;
  readonly #detectors: Detectors<Endpoint<C>>;
  #tunnels = 0;
  readonly #set: EndpointSet<C>;
  /** Of all endpoints, whatever their health: null where the policy does not hash. */
  #hashing: Balancer | null = null;
  #selection: Selection<Endpoint<C>>;
  readonly #ramp: Ramp;
  readonly #context: ClusterContext<C>;

  constructor(name: string, settings: ClusterSettings, context: ClusterContext<C>) {
    const { stats } = context;
    this.name = name;
    this.stats = stats;
    this.settings = settings;
    this.#context = context;
    this.#set = new EndpointSet(context.seriesOf);
    this.breakers = {
      default: new Breaker(settings.breaker, () => stats.breakerGauges("default")),
      high: new Breaker(settings.breaker, () => stats.breakerGauges("high")),
    };
    this.budget = new RetryBudget(settings.retryBudget);
    this.connections = new Connections(this, context.wheel);
    this.#ramp = new Ramp(context.wheel, () => this.#weigh());
    this.#detectors = new Detectors({
      ...context,
      hosts: () => this.endpoints,
      onChange: (host) => this.#healthChanged(host),
      tell: (host, out) => this.#tellEjection(host, out),
    });
    this.#hash(undefined);
    this.#selection = this.#select();
    this.hash = hashSource(settings.hash);
    this.#detectors.follow(settings);
  }

  get protocol(): Protocol {
    return this.settings.protocol;
  }
  get connectTimeoutMs(): number {
    return this.settings.connectTimeoutMs;
  }
  get care(): ConnectionCare {
    return this.settings.connections ?? NO_CARE;
  }
  get endpoints(): readonly Endpoint<C>[] {
    return this.#set.list;
  }

  /** The endpoint for the next try, or null when none may take one. `hash`: of its key. Those in `tried` come last. */
  pick(hash?: number, tried?: readonly Endpoint<C>[]): Endpoint<C> | null {
    if (this.#selection.isPanicking) this.stats.count("weft_panic_picks_total");
    return this.#selection.pick(hash, tried);
  }

  /** Whether another try may begin. */
  hasRoom(priority: Priority): boolean {
    const { adaptive } = this.#detectors;
    return this.breakers[priority].hasRequestRoom && (adaptive === null || adaptive.admits(this.active));
  }

  /** Whether another retry may begin: by `maxRetries` where that is set, else by the budget. */
  retryAllowance(now: number): Allowance {
    const hasRoom = this.breakers.default.hasRetryRoom;
    if (hasRoom === null) return this.budget.allows(now, this.active, this.retrying);
    return hasRoom ? "now" : "later";
  }

  retryBegan(): void {
    this.retrying++;
    this.breakers.default.addRetry(1);
  }

  retryEnded(): void {
    this.retrying--;
    this.breakers.default.addRetry(-1);
  }

  /** A try begins at `endpoint`. */
  began(endpoint: Endpoint<C>, priority: Priority): void {
    endpoint.active++;
    this.active++;
    this.breakers[priority].addRequest(1);
  }

  /** It has ended, whatever came of it. */
  ended(endpoint: Endpoint<C>, priority: Priority): void {
    endpoint.active--;
    this.active--;
    this.breakers[priority].addRequest(-1);
  }

  /** Whether another tunnel may begin: they are bounded only where `maxConnections` is set, as in Istio. */
  get hasTunnelRoom(): boolean {
    return this.#tunnels < (this.settings.breaker?.maxConnections ?? Number.POSITIVE_INFINITY);
  }

  /** A connection that is not read. To the balancer it weighs as a request does; what bounds requests is not asked. */
  tunnelBegan(endpoint: Endpoint<C>): void {
    endpoint.active++;
    this.active++;
    this.#tunnels++;
  }

  tunnelEnded(endpoint: Endpoint<C>): void {
    endpoint.active--;
    this.active--;
    this.#tunnels--;
  }

  /** A try was answered with this status, its first byte after `ms`. */
  answered(endpoint: Endpoint<C>, status: number, ms: number, now: number): void {
    this.#detectors.outlier?.observe(endpoint, status);
    if (this.settings.loadBalancer === "peakEwma") endpoint.latency.observe(ms, now);
    this.recent.observe(ms);
    this.#detectors.adaptive?.observe(ms);
  }

  /** A try brought no answer: `status` stands for why (503 no connection, 504 too late, else 502). */
  failed(endpoint: Endpoint<C>, status: number, now: number): void {
    this.#detectors.outlier?.observe(endpoint, status);
    // Who refuses at once must not pass for quick.
    if (this.settings.loadBalancer === "peakEwma") endpoint.latency.failed(now);
  }

  /** `table`: for the endpoints that are there, where the policy hashes. */
  update(settings: ClusterSettings, table?: HashTable): void {
    const before = this.settings;
    this.settings = settings;
    if (before.loadBalancer !== settings.loadBalancer) this.#hash(table);
    this.breakers.default.limits = settings.breaker;
    this.breakers.high.limits = settings.breaker;
    if (JSON.stringify(before.retryBudget) !== JSON.stringify(settings.retryBudget))
      this.budget = new RetryBudget(settings.retryBudget);
    this.hash = hashSource(settings.hash);
    this.#detectors.follow(settings);
    this.#weigh();
  }

  setEndpoints(resources: readonly EndpointResource[]): void {
    this.stageEndpoints(resources);
    this.commitEndpoints();
  }

  /** Prepares endpoints that `commitEndpoints` puts in place: thousands come in parts, with requests between them. */
  stageEndpoints(resources: readonly EndpointResource[]): void {
    this.#set.stage(resources);
  }

  /** What was staged is now all there is. `table`: for these endpoints, where the policy hashes. */
  commitEndpoints(table?: HashTable): void {
    const before = this.endpoints;
    const added = this.#set.commit(this.#context.wheel.now());
    const { prewarm = 0 } = this.care;
    if (prewarm > 0) for (const endpoint of added) this.#context.prewarm(endpoint, prewarm);
    for (const endpoint of before) if (endpoint.isRemoved) endpoint.leave();
    this.#hash(table);
    this.#weigh();
    this.#detectors.outlier?.hostsChanged();
  }

  #hash(given: HashTable | undefined): void {
    const { loadBalancer } = this.settings;
    const table = given?.policy === loadBalancer ? given : hashTableOf(loadBalancer, this.endpoints);
    this.#hashing = table === undefined ? null : balancerOf(table, this.#context.random);
  }

  /** Endpoints, by key, whose active check fails: all of them. */
  setUnhealthy(keys: ReadonlySet<string>): void {
    for (const endpoint of this.#set.setFailing(keys)) this.#healthChanged(endpoint);
    this.#detectors.outlier?.hostsChanged();
  }

  /** Endpoints, by key, whose active check has passed: those that are ejected come back (Envoy, by default). */
  forgive(keys: readonly string[]): void {
    for (const key of keys) {
      const endpoint = this.#set.get(key);
      if (endpoint !== undefined) this.#detectors.outlier?.forgive(endpoint);
    }
  }

  #tellEjection({ address, port, workload, namespace }: Endpoint<C>, out: Ejection["out"]): void {
    this.#context.onEjection({
      cluster: this.name,
      endpoint: `${address}:${port}`,
      workload,
      namespace,
      out,
    });
  }

  #healthChanged(endpoint: Endpoint<C>): void {
    if (endpoint.noteHealth() && endpoint.isHealthy) endpoint.since = this.#context.wheel.now();
    const ejected = this.endpoints.reduce(
      (sum, { outlier }) => sum + (outlier.ejectedUntil === 0 ? 0 : 1),
      0,
    );
    if (this.#detectors.outlier !== null) this.stats.setEjected(ejected);
    this.#weigh();
  }

  /** Weights that are now, and who is chosen by them. */
  #weigh(): void {
    this.#ramp.weigh(this.endpoints, this.settings.slowStart);
    this.#selection = this.#select();
  }

  #select(): Selection<Endpoint<C>> {
    const { random, wheel, zone } = this.#context;
    const { loadBalancer, panicThreshold, hashBalanceFactor, prefersZone } = this.settings;
    const settings = {
      policy: loadBalancer,
      zone: prefersZone === false ? "" : zone(),
      panicThreshold: panicThreshold ?? DEFAULT_PANIC_THRESHOLD,
      hashBalanceFactor: hashBalanceFactor ?? 0,
    };
    const context = { random, now: () => wheel.now(), active: () => this.active };
    return new Selection(this.endpoints, settings, context, this.#hashing);
  }

  remove(): void {
    this.isRemoved = true;
    this.#ramp.stop();
    this.#detectors.stop();
    this.connections.stop();
    for (const endpoint of this.endpoints) endpoint.leave();
  }
}
