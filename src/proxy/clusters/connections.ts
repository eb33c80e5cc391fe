/**
 * The connections of a cluster, those of all its endpoints: whether another may be opened, who waits in line because it may not, and
 * where one goes that a request needs no longer: to who waits for its endpoint, or to that endpoint's pool for a time.
 */
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { Cluster } from "./cluster.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PooledConnection } from "./pool.ts";
import { WaitingLine } from "./waiting-line.ts";

/** How often idle connections are looked at. */
const SWEEP_MS = 1_000;

export class Connections<C extends PooledConnection> extends Timed {
  readonly line = new WaitingLine<Endpoint<C>, C>();
  readonly #cluster: Cluster<C>;
  readonly #wheel: TimerWheel;

  constructor(cluster: Cluster<C>, wheel: TimerWheel) {
    super();
    this.#cluster = cluster;
    this.#wheel = wheel;
  }

  /** Whether another may be opened; where there are as many as there may be, one that is idle makes way. */
  mayOpen(): boolean {
    return this.#cluster.breakers.default.hasConnectionRoom || this.#evict();
  }

  /** One is about to be opened. */
  begun(): void {
    this.#cluster.breakers.default.addConnection(1);
  }

  /** It has gone; whoever waits may open another. */
  ended(wasOpen: boolean): void {
    const { breakers, stats } = this.#cluster;
    stats.connectionClosed(wasOpen);
    breakers.default.addConnection(-1);
    if (this.line.length > 0 && breakers.default.hasConnectionRoom) this.line.next()?.dial();
  }

  /** Gives one back after a complete exchange. */
  release(endpoint: Endpoint<C>, connection: C): void {
    const cluster = this.#cluster;
    const { maxRequests = 0 } = cluster.care;
    if (endpoint.isRemoved || cluster.isRemoved || (maxRequests > 0 && connection.requests >= maxRequests)) {
      connection.abandon();
      return;
    }
    const waiter = this.line.length === 0 ? null : this.line.nextFor(endpoint);
    if (waiter !== null) {
      waiter.take(connection);
      return;
    }
    const now = this.#wheel.now();
    endpoint.pool.put(connection, now);
    if (this.line.length > 0) this.#evict();
    if (this.deadline === 0) this.#wheel.set(this, now + SWEEP_MS);
  }

  /** An idle connection makes way for one to where it is needed; true when one did. */
  #evict(): boolean {
    for (const { pool } of this.#cluster.endpoints) if (pool.evict()) return true;
    return false;
  }

  override onDeadline(now: number): void {
    const { endpoints, settings } = this.#cluster;
    let isWarm = false;
    for (const { pool } of endpoints) {
      if (pool.size > 0 && pool.sweep(now, settings.poolIdleTimeoutMs)) isWarm = true;
    }
    if (isWarm) this.#wheel.set(this, now + SWEEP_MS);
  }

  /** The cluster has been removed: who waits is not kept waiting. */
  stop(): void {
    this.#wheel.remove(this);
    for (let waiter = this.line.next(); waiter !== null; waiter = this.line.next()) waiter.dial();
  }
}
