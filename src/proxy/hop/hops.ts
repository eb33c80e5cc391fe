/**
 * The way to mutually authenticated endpoints: streams of one connection where there is a sidecar at the other end, a connection
 * of its own for each where something else speaks HTTP/1.1 there. Those who ask while a connection is being made share it.
 */
import type { IsOwn } from "../net/own-address.ts";
import type { Origination, TlsTarget } from "../net/tls-connect.ts";
import type { TlsConnection } from "../net/tls-connection.ts";
import type { Sink, Transport } from "../net/transport.ts";
import { HopConnection, type HopContext } from "./connection.ts";
import { HOP_PROTOCOL } from "./frame.ts";
import { Opening, Waiter } from "./opening.ts";

/** A connection takes no new streams after this long, give or take a tenth: traffic finds new replicas, keys are renewed. */
export const MAX_AGE_MS = 3_600_000;
const JITTER = 0.1;

export interface HopsContext extends HopContext {
  readonly origination: Origination;
  readonly random: () => number;
  readonly counts: HopCounts;
}

export interface HopCounts {
  opened(): void;
  closed(): void;
}

export class Hops {
  readonly #context: HopsContext;
  readonly #connections = new Map<string, Set<HopConnection>>();
  /** The latest of each endpoint that may become a hop. */
  readonly #openings = new Map<string, Opening>();

  constructor(context: HopsContext) {
    this.#context = context;
  }

  /** Connections that are open. */
  get size(): number {
    let count = 0;
    for (const set of this.#connections.values()) count += set.size;
    return count;
  }

  /** Begins a connection, or a stream of one, to `target`; as a `Dial` does. */
  connect(sink: Sink, target: TlsTarget, isOwn: IsOwn, onConnect: (transport: Transport) => void): Transport {
    const key = keyOf(target);
    for (const connection of this.#connections.get(key) ?? []) {
      if (!connection.hasRoom) continue;
      const stream = connection.open(sink);
      process.nextTick(() => {
        if (stream.isOpen) onConnect(stream);
      });
      return stream;
    }
    const waiter = new Waiter(sink, onConnect);
    if (this.#openings.get(key)?.join(waiter)) return waiter;
    const opening = this.#begin(target, isOwn, waiter);
    if (target.protocol === null || target.protocol === HOP_PROTOCOL) this.#openings.set(key, opening);
    return waiter;
  }

  #begin(target: TlsTarget, isOwn: IsOwn, waiter: Waiter): Opening {
    const { origination, wheel } = this.#context;
    const key = keyOf(target);
    const done = (opening: Opening) => {
      if (this.#openings.get(key) === opening) this.#openings.delete(key);
    };
    const owner = {
      onFailed: done,
      onOpened: (opening: Opening, transport: TlsConnection) => {
        done(opening);
        target.protocol = transport.protocol;
        if (transport.protocol === HOP_PROTOCOL) this.#share(key, opening, transport);
        else this.#handOver(target, isOwn, opening, transport);
      },
    };
    const opening = new Opening(owner, wheel, (sink, onConnect) =>
      origination.connect(sink, target, isOwn, onConnect),
    );
    opening.join(waiter);
    return opening;
  }

  #share(key: string, opening: Opening, transport: TlsConnection): void {
    const connection = this.#add(key, transport);
    for (const { sink, onConnect } of opening.waiters) onConnect(connection.open(sink));
  }

  /** To the first of those who wait; the others get one each. */
  #handOver(target: TlsTarget, isOwn: IsOwn, opening: Opening, transport: Transport): void {
    const [first, ...rest] = opening.waiters;
    for (const waiter of rest) this.#begin(target, isOwn, waiter);
    if (first === undefined) return;
    transport.sink = first.sink;
    first.onConnect(transport);
  }

  #add(key: string, transport: TlsConnection): HopConnection {
    const set = this.#connections.get(key) ?? new Set();
    this.#connections.set(key, set);
    this.#context.counts.opened();
    const onClosed = (connection: HopConnection) => {
      this.#context.counts.closed();
      set.delete(connection);
      if (set.size === 0 && this.#connections.get(key) === set) this.#connections.delete(key);
    };
    const ageMs = MAX_AGE_MS * (1 + JITTER * (2 * this.#context.random() - 1));
    const connection = new HopConnection(transport, { onClosed }, this.#context, ageMs);
    set.add(connection);
    return connection;
  }
}

/** Endpoints of several Services at one sidecar share its connections. */
function keyOf({ address, port, namespace, serviceAccount }: TlsTarget): string {
  return `${address} ${port} ${namespace} ${serviceAccount}`;
}
