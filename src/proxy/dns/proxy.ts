/**
 * The sidecar's DNS proxy, put together: what the application asks of its resolvers comes here (`weft init --redirect-dns`). It runs on
 * the control thread; a sidecar that is not asked for it loads none of it.
 */
import { TimerWheel } from "../net/timer-wheel.ts";
import type { Configuration } from "../snapshot/configuration.ts";
import type { Hosts } from "../snapshot/hosts.ts";
import { DnsCounts } from "./counts.ts";
import { Doors } from "./doors.ts";
import { Forwarder } from "./forwarder.ts";
import { Handler, type Zone } from "./handler.ts";
import { NegativeCache } from "./negative-cache.ts";
import { type Resolver, Resolvers } from "./resolvers.ts";

/** Names that were not asked for during one of these, or two, are forgotten; so are addresses in the traffic loops. */
const SWEEP_MS = 300_000;
const DNS_PORT = 53;
/** How names are meant until the configuration says it. */
const UNTOLD = { clusterDomain: "cluster.local", discoveryTimeoutMs: 1_000 };

export interface DnsOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Whom it asks for names of others; absent: those of /etc/resolv.conf. */
  readonly resolvers?: readonly Resolver[];
  readonly warn: (message: string) => void;
}

export class DnsProxy {
  readonly counts = new DnsCounts();
  readonly #doors: Doors;
  readonly #wheel: TimerWheel;
  readonly #options: DnsOptions;
  readonly #resolvers: Resolvers;
  #sweeper: NodeJS.Timeout | undefined;
  #hosts: Hosts | undefined;

  private constructor(options: DnsOptions, doors: Doors, wheel: TimerWheel) {
    this.#options = options;
    this.#doors = doors;
    this.#wheel = wheel;
    this.#resolvers = new Resolvers({
      fixed: options.resolvers,
      now: () => wheel.now(),
      isOwn: ({ address, port }) => port === doors.port && isLoopback(address),
    });
  }

  /** Has its port, and answers nothing yet. Rejects with Node's error when that can't be had. */
  static async open(options: DnsOptions): Promise<DnsProxy> {
    const wheel = new TimerWheel();
    return new DnsProxy(options, await Doors.open(options.port, wheel), wheel);
  }

  get port(): number {
    return this.#doors.port;
  }

  /** From now on questions are answered, for a workload of this namespace, by what its sidecar is told. */
  follow(configuration: Configuration, namespace: string): void {
    const { hosts } = configuration;
    if (hosts !== undefined) this.serve(hosts, () => zoneOf(configuration, namespace));
  }

  serve(hosts: Hosts, zone: () => Zone): void {
    const { warn } = this.#options;
    const wheel = this.#wheel;
    const counts = this.counts;
    const forwarder = new Forwarder({ resolvers: this.#resolvers, wheel, counts, warn });
    const cache = new NegativeCache(() => wheel.now());
    const count = counts.count.bind(counts);
    const handler = new Handler({ ...{ hosts, forwarder, cache, wheel, zone }, count });
    const failed = (error: unknown): null => {
      warn(`DNS: a question is not answered: ${error}`);
      return null;
    };
    this.#hosts = hosts;
    this.#sweeper = setInterval(() => hosts.sweep(), SWEEP_MS).unref();
    this.#doors.serve((message, isTcp, clientPort) => {
      if (!forwarder.isOwn(clientPort, message)) return handler.answer(message, isTcp).catch(failed);
      count("dropped");
      return Promise.resolve(null);
    });
  }

  /** For people. */
  describe() {
    const names = [...(this.#hosts?.held() ?? [])].map(({ resource }) => resource);
    const resolvers = this.#resolvers
      .inOrder()
      .map(({ address, port }) => (port === DNS_PORT ? address : `${address} port ${port}`));
    return { port: this.port, resolvers, questions: Object.fromEntries(this.counts.outcomes), names };
  }

  /** Names that are followed, also those that the mesh does not have. */
  get names(): number {
    return this.#hosts?.size ?? 0;
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await this.#doors.close();
  }
}

function zoneOf(configuration: Configuration, namespace: string): Zone {
  const outbound = configuration.subscriber.applied.listener.get("outbound")?.resource;
  const { clusterDomain, discoveryTimeoutMs } = outbound?.name === "outbound" ? outbound : UNTOLD;
  return {
    ...{ namespace, domain: clusterDomain.toLowerCase(), timeoutMs: discoveryTimeoutMs },
    isConnected: configuration.counts().isConnected,
  };
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
