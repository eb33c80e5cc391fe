/**
 * Requests that wait for a connection because a cluster has as many as it may (Envoy's pending requests). First come, first
 * served: a connection that becomes free goes to whoever waits for its endpoint, and room for a new one to the first of all.
 */

/** Somebody who waits. */
export interface Waiter<E, C> {
  readonly endpoint: E;
  /** A connection that is free. */
  take(connection: C): void;
  /** There is room: open one. */
  dial(): void;
}

export class WaitingLine<E, C> {
  readonly #waiters = new Set<Waiter<E, C>>();

  get length(): number {
    return this.#waiters.size;
  }

  join(waiter: Waiter<E, C>): void {
    this.#waiters.add(waiter);
  }

  /** It waits no longer; true when it did. */
  leave(waiter: Waiter<E, C>): boolean {
    return this.#waiters.delete(waiter);
  }

  /** The first who waits for this endpoint leaves the line. */
  nextFor(endpoint: E): Waiter<E, C> | null {
    for (const waiter of this.#waiters) {
      if (waiter.endpoint !== endpoint) continue;
      this.#waiters.delete(waiter);
      return waiter;
    }
    return null;
  }

  /** The first of all leaves the line. */
  next(): Waiter<E, C> | null {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      return waiter;
    }
    return null;
  }
}
