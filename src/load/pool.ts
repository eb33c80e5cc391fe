/**
 * The generator's connections: those without a request, first in, first out, so that all of them carry load even at a
 * low rate. More are made only while all are busy and the bound allows it; how many there are bounds the memory.
 */
import { Connection, type ConnectionOwner, type ConnectionTarget } from "./connection.ts";

export class ConnectionPool {
  readonly all: Connection[] = [];
  readonly #free: (Connection | undefined)[];
  #head = 0;
  #count = 0;
  readonly #target: ConnectionTarget;
  readonly #owner: ConnectionOwner;

  /** `size` connections at first, `most` at last. */
  constructor(target: ConnectionTarget, owner: ConnectionOwner, size: number, most: number) {
    this.#target = target;
    this.#owner = owner;
    this.#free = new Array<Connection | undefined>(Math.max(size, most)).fill(undefined);
    for (let i = 0; i < size; i++) this.give(this.#make());
  }

  /** The connection that has been free for longest, or a new one, or undefined when the bound is reached. */
  take(): Connection | undefined {
    if (this.#count === 0) return this.all.length < this.#free.length ? this.#make() : undefined;
    const connection = this.#free[this.#head];
    this.#free[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#free.length;
    this.#count--;
    return connection;
  }

  /** Puts one back whose request has ended. */
  give(connection: Connection): void {
    this.#free[(this.#head + this.#count) % this.#free.length] = connection;
    this.#count++;
  }

  closeAll(): void {
    for (const connection of this.all) connection.close();
  }

  #make(): Connection {
    const connection = new Connection(this.#target, this.#owner);
    this.all.push(connection);
    return connection;
  }
}
