/**
 * What the application sends, as netfilter brings it: by the original destination a connection belongs to a Service, to one
 * endpoint of a Service, or to nobody in the mesh. It is read only where HTTP is to be expected; until it is known where it goes it
 * waits in its socket.
 */
import type net from "node:net";
import { SERVER_SPEAKS_FIRST } from "../discovery/messages.ts";
import { Addressed, AddressedTable, type Speech, speechOf } from "./addressed.ts";
import type { AskOriginalDestination } from "./net/original-destination.ts";
import { TcpConnection } from "./net/tcp-connection.ts";
import { Timed } from "./net/timer-wheel.ts";
import { NO_SINK, type Sink } from "./net/transport.ts";
import type { Outbound } from "./outbound.ts";
import type { RouteWaiter } from "./request/listener-context.ts";

export class InterceptedOutbound {
  readonly #outbound: Outbound;
  readonly #ask: AskOriginalDestination;
  readonly #addresses: AddressedTable;
  /** The listener's own: who connects to it means it as a proxy. */
  port = 0;

  constructor(outbound: Outbound, ask: AskOriginalDestination) {
    this.#outbound = outbound;
    this.#ask = ask;
    this.#addresses = new AddressedTable((original): Addressed => {
      const addressed: Addressed = new Addressed(
        outbound,
        original,
        (authority) => outbound.findRoute(addressed.name) ?? outbound.findBeside(authority, original),
      );
      return addressed;
    });
  }

  /** Takes a socket of a server with `pauseOnConnect`. */
  accept(socket: net.Socket, server: net.Server): void {
    const outbound = this.#outbound;
    const original = this.#ask(socket);
    if (original === null || (original.port === this.port && outbound.isOwn(original.address, original.port)))
      outbound.connections.accept(outbound, socket, server);
    else if (outbound.isOwn(original.address, original.port)) socket.resetAndDestroy();
    else this.#acceptAt(this.#addresses.of(original), socket, server);
  }

  #acceptAt(addressed: Addressed, socket: net.Socket, server: net.Server): void {
    const outbound = this.#outbound;
    const speech = speechOfAddress(outbound, addressed);
    if (speech === "http") {
      outbound.connections.accept(addressed, socket, server);
      return;
    }
    const tcp = new TcpConnection(NO_SINK);
    tcp.accept(socket, server);
    tcp.pause();
    if (speech !== null) addressed.take(tcp, null, speech);
    else new Arrival(outbound, addressed, tcp);
  }
}

/** Null: the control plane has to be asked. */
function speechOfAddress(outbound: Outbound, { name, original }: Addressed): Speech | null {
  const destination = outbound.findRoute(name);
  if (destination?.kind === "wait") return null;
  if (destination?.kind === "host") return speechOf(destination.host);
  return SERVER_SPEAKS_FIRST.has(original.port) ? "raw" : "unknown";
}

/** A connection until its route is known. */
class Arrival extends Timed implements Sink, RouteWaiter {
  readonly #outbound: Outbound;
  readonly #addressed: Addressed;
  readonly #tcp: TcpConnection;

  constructor(outbound: Outbound, addressed: Addressed, tcp: TcpConnection) {
    super();
    this.#outbound = outbound;
    this.#addressed = addressed;
    this.#tcp = tcp;
    tcp.sink = this;
    const { wheel } = outbound.loop;
    wheel.set(this, wheel.now() + outbound.discoveryTimeoutMs);
    outbound.wait(addressed.name, this);
  }

  resume(): void {
    const speech = speechOfAddress(this.#outbound, this.#addressed);
    if (speech === null) return;
    this.#leave();
    this.#addressed.take(this.#tcp, null, speech);
  }

  /** A mesh that cannot be asked may have meant mutual TLS: nothing leaves on a guess. */
  override onDeadline(): void {
    this.#leave();
    this.#tcp.reset();
  }

  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}

  onClose(): void {
    this.#leave();
  }

  #leave(): void {
    this.#outbound.loop.wheel.remove(this);
    this.#outbound.leave(this.#addressed.name, this);
  }
}
