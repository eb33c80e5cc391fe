/**
 * Idle upstream connections of one endpoint, the latest used first: few stay warm and the rest age out. HTTP/1.1 carries one
 * request at a time; what is in the pool carries none.
 */

/** What a pool needs of a connection; the codec behind it is the exchange's business. */
export interface PooledConnection {
  readonly isUsable: boolean;
  idleSince: number;
  /** Requests that it has carried. */
  readonly requests: number;
  /** When it is replaced because of its age, by the owner's clock; 0: never. */
  readonly retireAt: number;
  /** Milliseconds for which the upstream promised to keep it; 0: nothing said. */
  readonly promisedIdleMs: number;
  abandon(): void;
}

/** Closed this long before the upstream's own promise ends, so that a request does not meet its FIN. */
const PROMISE_MARGIN_MS = 1_000;

export class Pool<C extends PooledConnection> {
  readonly #idle: C[] = [];

  get size(): number {
    return this.#idle.length;
  }

  /** A usable connection, or undefined. */
  take(now: number): C | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (connection.isUsable && !isExpired(connection, now)) return connection;
      connection.abandon();
    }
    return undefined;
  }

  put(connection: C, now: number): void {
    connection.idleSince = now;
    this.#idle.push(connection);
  }

  /** Closes the connection that has been idle longest; false when there is none. */
  evict(): boolean {
    const connection = this.#idle.shift();
    connection?.abandon();
    return connection !== undefined;
  }

  /** Forgets a connection that closed by itself. */
  remove(connection: C): void {
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes what has been idle for `idleTimeoutMs`, or can no longer be used; true when connections remain. */
  sweep(now: number, idleTimeoutMs: number): boolean {
    const expired = this.#idle.filter(
      (c) => !c.isUsable || now - c.idleSince >= idleTimeoutMs || isExpired(c, now),
    );
    for (const connection of expired) {
      this.remove(connection);
      connection.abandon();
    }
    return this.#idle.length > 0;
  }

  clear(): void {
    for (const connection of this.#idle.splice(0)) connection.abandon();
  }
}

function isExpired(connection: PooledConnection, now: number): boolean {
  if (connection.retireAt !== 0 && now >= connection.retireAt) return true;
  const promised = connection.promisedIdleMs;
  return promised > 0 && now - connection.idleSince >= Math.max(0, promised - PROMISE_MARGIN_MS);
}
