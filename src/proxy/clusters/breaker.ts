/**
 * A circuit breaker (Envoy's `circuit_breakers`): how much of a cluster may be under way at once. What is over is refused on the
 * spot, because a queue without an end only moves an overload to where nobody sees it.
 */
import type { BreakerLimits } from "../../discovery/resilience.ts";
import type { BreakerGauges } from "./cluster-stats.ts";

/** Envoy's. */
export const DEFAULT_LIMIT = 1_024;

export class Breaker {
  connections = 0;
  /** Requests that wait for a connection. */
  pending = 0;
  requests = 0;
  retries = 0;
  #limits: BreakerLimits;
  readonly #makeGauges: () => BreakerGauges;
  #gauges: BreakerGauges | null = null;

  /** `gauges` are made with the first request: a cluster that nobody uses has no series. */
  constructor(limits: BreakerLimits | undefined, gauges: () => BreakerGauges) {
    this.#limits = limits ?? {};
    this.#makeGauges = gauges;
  }

  set limits(limits: BreakerLimits | undefined) {
    this.#limits = limits ?? {};
    if (this.#gauges !== null) this.#report(this.#gauges);
  }

  get hasRequestRoom(): boolean {
    return this.requests < (this.#limits.maxRequests ?? DEFAULT_LIMIT);
  }
  get hasPendingRoom(): boolean {
    return this.pending < (this.#limits.maxPending ?? DEFAULT_LIMIT);
  }
  get hasConnectionRoom(): boolean {
    return this.connections < (this.#limits.maxConnections ?? DEFAULT_LIMIT);
  }
  /** Null: retries are not counted but budgeted. */
  get hasRetryRoom(): boolean | null {
    const { maxRetries } = this.#limits;
    return maxRetries === undefined ? null : this.retries < maxRetries;
  }

  addRequest(by: 1 | -1): void {
    this.requests += by;
    this.#gauges ??= this.#begin();
    this.#gauges.requests(by);
  }

  addConnection(by: 1 | -1): void {
    this.connections += by;
    this.#gauges?.connections(by);
  }

  addPending(by: 1 | -1): void {
    this.pending += by;
    this.#gauges?.pending(by);
  }

  addRetry(by: 1 | -1): void {
    this.retries += by;
    this.#gauges?.retries(by);
  }

  #begin(): BreakerGauges {
    const gauges = this.#makeGauges();
    this.#report(gauges);
    // The request that asks has been counted, and is about to be reported.
    gauges.requests(-1);
    return gauges;
  }

  #report(gauges: BreakerGauges): void {
    const { maxConnections, maxPending, maxRequests, maxRetries } = this.#limits;
    gauges.reset({
      connections: [this.connections, maxConnections ?? DEFAULT_LIMIT],
      pending: [this.pending, maxPending ?? DEFAULT_LIMIT],
      requests: [this.requests, maxRequests ?? DEFAULT_LIMIT],
      retries: maxRetries === undefined ? null : [this.retries, maxRetries],
    });
  }
}
