/**
 * What inbound and outbound have in common: the connections they hold, their counters and their part in a drain.
 */
import type net from "node:net";
import type { ListenerLimits, LocalWorkload } from "../discovery/listener.ts";
import { HopConnection } from "./hop/connection.ts";
import type { HopTransport } from "./hop/output.ts";
import { TcpConnection } from "./net/tcp-connection.ts";
import type { Acceptor } from "./net/tls-accept.ts";
import { NO_SINK, type Transport } from "./net/transport.ts";
import { Exchange } from "./request/exchange.ts";
import type { ListenerContext, VerifiedPeer } from "./request/listener-context.ts";
import { HopSeries } from "./telemetry/hop-series.ts";
import { addTo, type Block, type SlotAllocator } from "./telemetry/slot-allocator.ts";

/** Before the control plane has said more. */
export const UNKNOWN_LOCAL: LocalWorkload = {
  workload: "unknown",
  namespace: "default",
  app: "unknown",
  version: "unknown",
  principal: "unknown",
};

/** Until the listener resource arrives: what a MeshConfig that says nothing means. */
export const DEFAULT_LIMITS: ListenerLimits = {
  maxHeadBytes: 65_536,
  maxHeaders: 100,
  headTimeoutMs: 10_000,
  streamIdleTimeoutMs: 300_000,
  connectionIdleTimeoutMs: 3_600_000,
};

type Handshakes = Pick<Acceptor<unknown>, "busy" | "closeIdle" | "closeAll">;

export class Connections {
  readonly #open = new Set<Exchange>();
  readonly #total: Block;
  readonly #active: Block;
  readonly #handshakes: Handshakes | null;
  readonly #hops = new Set<HopConnection>();
  readonly #hopCounts: HopSeries;

  /** `handshakes`: where connections are made before they come here. */
  constructor(
    allocator: SlotAllocator,
    listener: "inbound" | "outbound",
    handshakes: Handshakes | null = null,
  ) {
    this.#handshakes = handshakes;
    this.#hopCounts = new HopSeries(allocator, listener);
    this.#total = allocator.allocate("counter", "weft_downstream_connections_total", { listener });
    this.#active = allocator.allocate("gauge", "weft_downstream_connections_active", { listener });
  }

  accept(context: ListenerContext, socket: net.Socket, server: net.Server): void {
    const tcp = new TcpConnection(NO_SINK);
    this.admit(context, tcp, null);
    tcp.accept(socket, server);
  }

  /** A connection that requests may come on. */
  admit(context: ListenerContext, transport: Transport, peer: VerifiedPeer | null): Exchange {
    const exchange = new Exchange(context, transport, peer);
    this.#open.add(exchange);
    addTo(this.#total, 1);
    addTo(this.#active, 1);
    return exchange;
  }

  /** A connection of another sidecar: requests come on its streams. */
  admitHop(context: ListenerContext, transport: HopTransport, peer: VerifiedPeer | null): void {
    const owner = {
      onStream: (stream: Transport) => void this.admit(context, stream, peer),
      onClosed: (hop: HopConnection) => {
        this.#hops.delete(hop);
        this.#hopCounts.closed();
      },
    };
    const hop = new HopConnection(transport, owner, context.loop.hop);
    this.#hops.add(hop);
    this.#hopCounts.opened();
    if (context.isDraining) hop.retire();
  }

  /** Asks other sidecars to open no more streams. */
  retireHops(): void {
    for (const hop of this.#hops) hop.retire();
  }

  closed(exchange: Exchange): void {
    if (this.#open.delete(exchange)) addTo(this.#active, -1);
  }

  /** Connections with an exchange, a tunnel or a handshake under way. */
  get busy(): number {
    let count = this.#handshakes?.busy ?? 0;
    for (const exchange of this.#open) if (isBusy(exchange)) count++;
    return count;
  }

  closeIdle(): void {
    this.#handshakes?.closeIdle();
    for (const exchange of this.#open) if (!isBusy(exchange)) exchange.connection.transport.close();
  }

  closeAll(): void {
    this.#handshakes?.closeAll();
    for (const exchange of this.#open) {
      exchange.tunnel?.close();
      exchange.connection.transport.close();
    }
    for (const hop of this.#hops) hop.close();
  }

  describe(listener: string, now: number): Record<string, string | number | boolean>[] {
    return [...this.#open].map((exchange) => ({
      listener,
      peer: exchange.connection.transport.peerAddress,
      principal: exchange.peer?.labels.principal ?? "",
      active: exchange.isActive,
      tunnel: exchange.tunnel !== null,
      cluster: exchange.cluster?.name ?? "",
      requestMs: exchange.isActive ? Math.round(now - exchange.startedAt) : 0,
      bytesRead: exchange.connection.transport.bytesRead,
      queuedBytes: exchange.connection.transport.queuedBytes,
    }));
  }
}

function isBusy(exchange: Exchange): boolean {
  return exchange.isActive || exchange.tunnel !== null || exchange.connection.transport.queuedBytes > 0;
}

/** Labels of what is not known. */
export const UNKNOWN_LABELS = {
  service: "unknown",
  serviceNamespace: "unknown",
  serviceHost: "unknown",
  workload: "unknown",
  workloadNamespace: "unknown",
  principal: "unknown",
  app: "unknown",
  version: "unknown",
} as const;

export function unmatchedLabels(reporter: "source" | "destination") {
  return { reporter, cluster: "", ...UNKNOWN_LABELS } as const;
}
