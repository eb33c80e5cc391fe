/**
 * Where a request leads, by its authority: nearly always where the connection's last one led; else where the listener's tables say;
 * and where they do not know it yet, once the control plane has answered (Envoy's on-demand discovery).
 */
import { splitAuthority } from "../http/authority.ts";
import type { Head } from "../http/head.ts";
import type { Exchange } from "./exchange.ts";
import type { Destination, RouteWaiter } from "./listener-context.ts";

export class RouteLookup implements RouteWaiter {
  readonly #exchange: Exchange;
  /** Of the last request. */
  #authority: Buffer = Buffer.alloc(0);
  #destination: Destination | null = null;
  #generation = -1;
  /** The route that is waited for. */
  #awaited: string | null = null;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** By the head's authority, looked up anew when it is another or the listener's tables have changed. */
  find(head: Head): Destination {
    const { listener } = this.#exchange;
    const { buf, authorityStart: start, authorityEnd: end } = head;
    const last = this.#authority;
    if (
      this.#destination !== null &&
      this.#generation === listener.generation &&
      last.length === end - start
    ) {
      let i = 0;
      while (i < last.length && buf[start + i] === last[i]) i++;
      if (i === last.length) return this.#destination;
    }
    const destination = listener.find(splitAuthority(head.authority()));
    if (destination.kind === "wait") return destination;
    this.#authority = Buffer.from(buf.subarray(start, end));
    this.#destination = destination;
    this.#generation = listener.generation;
    return destination;
  }

  /** The exchange goes on with `route` when this one is known, or fails when that takes too long. */
  wait(route: string): void {
    const { connection, deadlines, listener } = this.#exchange;
    connection.head.detach();
    this.#awaited = route;
    listener.wait(route, this);
    deadlines.discovery(listener.discoveryTimeoutMs);
  }

  /** The awaited route has arrived, or is known not to exist. */
  resume(): void {
    this.stop();
    this.#generation = -1;
    this.#exchange.route();
  }

  /** Nobody waits any more. */
  stop(): void {
    if (this.#awaited === null) return;
    const { deadlines, listener } = this.#exchange;
    listener.leave(this.#awaited, this);
    this.#awaited = null;
    deadlines.discovery(0);
  }
}
