/**
 * The listening ports of a traffic loop. Where traffic is intercepted, the outbound one is open on both loopback addresses, because
 * that is where netfilter redirects to what comes from this machine, and nobody else is to find a proxy there.
 */
import { networkInterfaces } from "node:os";
import type { Inbound } from "./inbound.ts";
import { InterceptedInbound } from "./intercepted-inbound.ts";
import { InterceptedOutbound } from "./intercepted-outbound.ts";
import { Listener, type ListenOptions } from "./net/listener.ts";
import { openOriginalDestination } from "./net/original-destination.ts";
import type { Outbound } from "./outbound.ts";
import type { LoopStart } from "./snapshot/loop-protocol.ts";

export interface Doors {
  readonly listeners: readonly Listener[];
  /** Opens them. Rejects when one of the ports cannot be had. */
  open(): Promise<{ readonly outboundPort: number; readonly inboundPort: number }>;
}

/** `ownPorts`: of the sidecar; it may grow later. */
export function openDoors(
  options: Pick<LoopStart, "isTransparent" | "inbound" | "outbound">,
  outbound: Outbound,
  inbound: Inbound,
  ownPorts: ReadonlySet<number>,
): Doors {
  return options.isTransparent === true
    ? intercepting(options, outbound, inbound, ownPorts)
    : plain(options, outbound, inbound);
}

type Options = Pick<LoopStart, "inbound" | "outbound">;

function plain(options: Options, outbound: Outbound, inbound: Inbound): Doors {
  const out = new Listener((socket, server) => outbound.connections.accept(outbound, socket, server));
  const into = new Listener((socket, server) => inbound.accept(socket, server));
  return {
    listeners: [out, into],
    async open() {
      const ports = await Promise.all([out.listen(options.outbound), into.listen(options.inbound)]);
      return { outboundPort: ports[0], inboundPort: ports[1] };
    },
  };
}

function intercepting(
  options: Options,
  outbound: Outbound,
  inbound: Inbound,
  ownPorts: ReadonlySet<number>,
): Doors {
  const listeners: Listener[] = [];
  const listen = (
    accept: ConstructorParameters<typeof Listener>[0],
    where: ListenOptions,
  ): Promise<number> => {
    const listener = new Listener(accept);
    listeners.push(listener);
    return listener.listen(where);
  };
  return {
    listeners,
    async open() {
      const ask = await openOriginalDestination();
      const out = new InterceptedOutbound(outbound, ask);
      const into = new InterceptedInbound(inbound, ask, ownPorts);
      for (const host of loopbackAddresses()) {
        const port = out.port === 0 ? options.outbound.port : out.port;
        const where = { ...options.outbound, host, port };
        out.port = await listen((socket, server) => out.accept(socket, server), where);
      }
      into.port = await listen((socket, server) => into.accept(socket, server), options.inbound);
      return { outboundPort: out.port, inboundPort: into.port };
    },
  };
}

function loopbackAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return ["127.0.0.1", ...(all.some(({ address }) => address === "::1") ? ["::1"] : [])];
}
