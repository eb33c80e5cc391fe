/**
 * What others send to the workload, as netfilter brings it: the port that they meant is the application's. Sidecars that know of
 * this one come to its own port and say by Host what they mean.
 */
import type net from "node:net";
import { Addressed, AddressedTable } from "./addressed.ts";
import type { Inbound } from "./inbound.ts";
import type { AskOriginalDestination } from "./net/original-destination.ts";

export class InterceptedInbound {
  readonly #inbound: Inbound;
  readonly #ask: AskOriginalDestination;
  readonly #ownPorts: ReadonlySet<number>;
  readonly #addresses: AddressedTable;
  /** The listener's own. */
  port = 0;

  /** `ownPorts`: of the sidecar; nobody reaches them through it. */
  constructor(inbound: Inbound, ask: AskOriginalDestination, ownPorts: ReadonlySet<number>) {
    this.#inbound = inbound;
    this.#ask = ask;
    this.#ownPorts = ownPorts;
    this.#addresses = new AddressedTable(
      (original) => new Addressed(inbound, original, () => inbound.findPort(original)),
    );
  }

  /** Takes a socket of a server with `pauseOnConnect`. */
  accept(socket: net.Socket, server: net.Server): void {
    const original = this.#ask(socket);
    if (original === null || original.port === this.port) this.#inbound.accept(socket, server);
    else if (this.#ownPorts.has(original.port)) socket.resetAndDestroy();
    else this.#inbound.acceptAt(this.#addresses.of(original), socket, server);
  }
}
