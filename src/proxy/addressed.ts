/**
 * A listener as connections see it that were intercepted on their way to one address: the same in everything but where requests
 * lead, which the address says rather than their Host.
 */

import { addressName } from "../discovery/messages.ts";
import { FirstBytes } from "./first-bytes.ts";
import type { Authority } from "./http/authority.ts";
import type { Connections } from "./listener-base.ts";
import type { OriginalDestination } from "./net/original-destination.ts";
import type { Transport } from "./net/transport.ts";
import type {
  Destination,
  ListenerContext,
  RouteWaiter,
  UpstreamCluster,
  VerifiedPeer,
} from "./request/listener-context.ts";
import type { VirtualHost } from "./routing/virtual-host.ts";

/** One of the sidecar's two sides. */
type Side = ListenerContext & { readonly connections: Connections };

/** What is spoken: HTTP, anything, or that which the first bytes say. */
export type Speech = "http" | "raw" | "unknown";

export class Addressed implements ListenerContext {
  readonly original: OriginalDestination;
  /** `address:port`. */
  readonly name: string;
  readonly find: (authority: Authority) => Destination;
  readonly #base: Side;
  readonly #connect: Buffer;

  constructor(base: Side, original: OriginalDestination, find: (authority: Authority) => Destination) {
    this.#base = base;
    this.original = original;
    this.name = addressName(original.address, original.port);
    this.find = find;
    this.#connect = Buffer.from(`CONNECT ${this.name} HTTP/1.1\r\nhost: ${this.name}\r\n\r\n`, "latin1");
  }

  /** Takes a connection whose sink may be set now. */
  take(transport: Transport, peer: VerifiedPeer | null, speech: Speech): void {
    if (speech === "unknown") {
      new FirstBytes(transport, this.loop.wheel, ({ isHttp, early }) => {
        if (isHttp) this.#takeHttp(transport, peer, early);
        else this.#takeRaw(transport, peer, early, early !== null);
      });
    } else if (speech === "http") this.#takeHttp(transport, peer, null);
    else this.#takeRaw(transport, peer, null, true);
  }

  #takeHttp(transport: Transport, peer: VerifiedPeer | null, early: Buffer | null): void {
    this.#base.connections.admit(this, transport, peer);
    transport.resume();
    if (early !== null) transport.sink.onData(early, 0, early.length);
  }

  /** `isCertain`: it speaks no HTTP, whatever it begins with. */
  #takeRaw(transport: Transport, peer: VerifiedPeer | null, early: Buffer | null, isCertain: boolean): void {
    this.#base.connections.admit(this, transport, peer).beginRaw(this.#connect, early, isCertain);
  }

  get isOwn() {
    return this.#base.isOwn;
  }
  get source() {
    return this.#base.source;
  }
  get direction() {
    return this.#base.direction;
  }
  get loop() {
    return this.#base.loop;
  }
  get generation() {
    return this.#base.generation;
  }
  get limits() {
    return this.#base.limits;
  }
  get local() {
    return this.#base.local;
  }
  get isDraining() {
    return this.#base.isDraining;
  }
  get discoveryTimeoutMs() {
    return this.#base.discoveryTimeoutMs;
  }
  get unmatched() {
    return this.#base.unmatched;
  }
  get admission() {
    return this.#base.admission;
  }
  cluster(name: string): UpstreamCluster | undefined {
    return this.#base.cluster(name);
  }
  wait(route: string, waiter: RouteWaiter): void {
    this.#base.wait(route, waiter);
  }
  leave(route: string, waiter: RouteWaiter): void {
    this.#base.leave(route, waiter);
  }
  closed(exchange: Parameters<ListenerContext["closed"]>[0]): void {
    this.#base.closed(exchange);
  }
}

/** What a port speaks that leads to `host`. */
export function speechOf({ opaque }: VirtualHost): Speech {
  if (opaque === null) return "http";
  return opaque.isCertain ? "raw" : "unknown";
}

/** One for each address: bounded, because addresses are anybody's choice. */
export class AddressedTable {
  readonly #made = new Map<string, Addressed>();
  readonly #make: (original: OriginalDestination) => Addressed;

  constructor(make: (original: OriginalDestination) => Addressed) {
    this.#make = make;
  }

  of(original: OriginalDestination): Addressed {
    const key = `${original.port} ${original.address}`;
    let found = this.#made.get(key);
    if (found === undefined) {
      if (this.#made.size >= MAX_ADDRESSES) this.#made.clear();
      found = this.#make(original);
      this.#made.set(key, found);
    }
    return found;
  }
}

const MAX_ADDRESSES = 4_096;
