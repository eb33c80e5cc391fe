/**
 * The outbound side of a sidecar in this process, on real sockets and a clock that only the test moves: an hour of idling takes no
 * time. Its configuration comes from documents, through loader and compiler, so that what holds is what users get.
 */
import net from "node:net";
import type { OutboundListenerResource } from "../../src/discovery/listener.ts";
import type { EndpointResource, Resource } from "../../src/discovery/messages.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { Inbound } from "../../src/proxy/inbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Outbound } from "../../src/proxy/outbound.ts";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { Swap } from "../../src/proxy/swap.ts";
import { type AllocatedSeries, SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { compiled, serviceDocument } from "./compiled.ts";

export interface VirtualSidecar {
  readonly port: number;
  readonly outbound: Outbound;
  readonly inbound: Inbound;
  readonly listener: Listener;
  /** What the control thread sends to a loop. */
  apply(change: Change): void;
  /** Applies other documents, live. */
  reload(documents: readonly object[]): void;
  /** The sum of a counter or gauge, over all series with these labels. */
  read(name: string, labels?: Readonly<Record<string, string>>): number;
  /** Moves the clock and fires what is due. */
  advance(ms: number): void;
  /** Called with each random choice: the moment after routing and before the attempt. */
  onChoice: () => void;
  /** Opens a connection; what it has received, and whether it is closed, can be asked at any time. */
  client(text?: string): Client;
  close(): void;
}

export interface VirtualOptions {
  /** Default: always 0.25. */
  readonly random?: () => number;
  /** Of each endpoint, what is not as usual. */
  readonly endpoint?: (index: number) => Partial<EndpointResource>;
  /** Of the sidecar. */
  readonly zone?: string;
}

export interface Client {
  readonly received: () => string;
  readonly isClosed: () => boolean;
  readonly socket: net.Socket;
}

/** Service `shop` with endpoints at these ports of this machine; `documents` come on top. */
export async function virtualSidecar(
  ports: readonly number[],
  documents: readonly object[] = [],
  options: VirtualOptions = {},
): Promise<VirtualSidecar> {
  let now = 0;
  const sidecar = { onChoice: () => {} };
  const pages: Float64Array[] = [];
  const series: AllocatedSeries[] = [];
  const allocator = new SlotAllocator(
    (buffer) => pages.push(new Float64Array(buffer)),
    (one) => series.push(one),
  );
  const random = () => {
    sidecar.onChoice();
    return options.random?.() ?? 0.25;
  };
  const keyring = new Keyring();
  const loop = loopContext(new TimerWheel(() => now), keyring, allocator, random);
  const outbound = new Outbound(loop, new ClusterTable(loop, allocator, "source"), allocator, {
    isOwn: () => false,
    scope: "lazy",
    subscribe() {},
    unsubscribe() {},
  });
  const inbound = new Inbound(loop, new ClusterTable(loop, allocator, "destination"), allocator, {
    isOwn: () => false,
    keyring,
    onDecision() {},
  });
  const swap = new Swap(outbound, inbound, keyring);
  let all = [serviceDocument("shop"), ...documents];
  const resource = <R extends Resource>(type: "listener" | "cluster" | "route", name: string) =>
    compiled<R>(all, type, name);
  const outboundListener = resource<OutboundListenerResource>("listener", "outbound");
  const local = { ...outboundListener.local, ...(options.zone !== undefined && { zone: options.zone }) };
  swap.apply({ kind: "listener", resource: { ...outboundListener, local } });
  swap.apply({ kind: "cluster", resource: resource("cluster", "shop.default:80") });
  swap.apply({
    kind: "endpoints",
    name: "shop.default:80",
    endpoints: ports.map((at, i) => ({ ...endpointAt(at, i), ...options.endpoint?.(i) })),
    complete: true,
  });
  swap.apply({ kind: "route", resource: resource("route", "shop.default") });
  const listener = new Listener((socket, server) => outbound.connections.accept(outbound, socket, server));
  const port = await listener.listen({ host: "127.0.0.1", port: 0, reusePort: false });
  return Object.assign(sidecar, {
    port,
    outbound,
    inbound,
    listener,
    advance(ms: number) {
      now += ms;
      loop.wheel.advance();
    },
    apply: (change: Change) => swap.apply(change),
    reload(others: readonly object[]) {
      all = [serviceDocument("shop"), ...others];
      swap.apply({ kind: "cluster", resource: resource("cluster", "shop.default:80") });
      swap.apply({ kind: "route", resource: resource("route", "shop.default") });
    },
    read: (name: string, labels: Readonly<Record<string, string>> = {}) =>
      series
        .filter((one) => one.name === name)
        .filter((one) => Object.entries(labels).every(([key, value]) => one.labels[key] === value))
        .reduce((sum, { page, offset }) => sum + (pages[page]?.[offset] ?? 0), 0),
    client: (text = "") => connect(port, text),
    close() {
      outbound.connections.closeAll();
      for (const cluster of outbound.clusters.values()) cluster.remove();
      listener.close();
    },
  });
}

function endpointAt(port: number, index: number): EndpointResource {
  const owner = { workload: `shop-${index}`, namespace: "default", serviceAccount: "default" };
  return { address: "127.0.0.1", port, weight: 1, ...owner, app: "shop", version: "v1" };
}

function connect(port: number, text: string): Client {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  let received = "";
  let isClosed = false;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("close", () => {
    isClosed = true;
  });
  socket.on("error", () => {});
  socket.write(text, "latin1");
  return { received: () => received, isClosed: () => isClosed, socket };
}
