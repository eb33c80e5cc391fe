/** Intercepted connections through the real outbound side of a sidecar, in this process. */
import { once } from "node:events";
import net from "node:net";
import type { RouteResource } from "../../src/discovery/route.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { InterceptedOutbound } from "../../src/proxy/intercepted-outbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Outbound } from "../../src/proxy/outbound.ts";
import { VirtualHost } from "../../src/proxy/routing/virtual-host.ts";
import { type AllocatedSeries, SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { clusterAt, OUTBOUND } from "./loop.ts";

const ADDRESS = { address: "198.18.0.9", port: 80 };

/** On loopback; `close` ends its connections, too. */
export async function listen(server: net.Server): Promise<{ readonly port: number; close(): void }> {
  const open = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => open.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { port, close };
}

/** The outbound side of a sidecar whose application connects to one address, with a clock that is moved by hand. */
export class InterceptedSide {
  #now = 1_000;
  readonly #pages: Float64Array[] = [];
  readonly #series: AllocatedSeries[] = [];
  readonly #wheel = new TimerWheel(() => this.#now, { set() {} });
  #close = () => {};
  readonly outbound: Outbound;
  /** Where the application connects, on loopback. */
  port = 0;

  private constructor() {
    const allocator = new SlotAllocator(
      (page) => this.#pages.push(new Float64Array(page)),
      (series) => this.#series.push(series),
    );
    const loop = loopContext(this.#wheel, new Keyring(), allocator);
    const nobody = { subscribe() {}, unsubscribe() {} };
    const options = { isOwn: () => false, scope: "lazy", ...nobody } as const;
    this.outbound = new Outbound(loop, new ClusterTable(loop, allocator, "source"), allocator, options);
    this.outbound.configure(OUTBOUND);
  }

  static async start(): Promise<InterceptedSide> {
    const side = new InterceptedSide();
    const intercepted = new InterceptedOutbound(side.outbound, () => ADDRESS);
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      intercepted.accept(socket, server),
    );
    const { port, close } = await listen(server);
    side.port = port;
    side.#close = close;
    return side;
  }

  close(): void {
    this.#close();
    this.outbound.connections.closeAll();
  }

  /** The address leads to instances at this port. */
  lead(name: string, port: number): void {
    for (const change of clusterAt(name, [port])) {
      if (change.kind === "cluster") this.outbound.clusters.set(change.resource);
      if (change.kind === "endpoints")
        this.outbound.clusters.get(change.name)?.setEndpoints(change.endpoints);
    }
    const backends = [{ weight: 1, cluster: `${name}.default:80` }];
    const route: RouteResource = {
      ...{ name: "198.18.0.9:80", service: { name: "web", namespace: "default" }, port: 80 },
      opaque: { isCertain: false, backends },
      matches: [{ rule: 0, source: "test" }],
      rules: [{ name: "all", action: { kind: "forward", backends } }],
    };
    this.outbound.setRoute(new VirtualHost(route));
  }

  /** As the alarm of the wheel does: among the timers of the process. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#now += ms;
    this.#wheel.advance();
  }

  get connections() {
    return this.outbound.connections.describe("outbound", this.#now);
  }

  /** What all series of this name have in a slot, together. */
  count(name: string, slot = 0): number {
    const found = this.#series.filter((series) => series.name === name);
    return found.reduce((sum, { page, offset }) => sum + (this.#pages[page]?.[offset + slot] ?? 0), 0);
  }
}
