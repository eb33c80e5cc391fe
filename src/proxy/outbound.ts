/**
 * The outbound side of a sidecar: where the application's requests may go. A Service's route is asked for when the first
 * request names it, so a sidecar holds what its traffic touches and no more.
 */
import { isIP } from "node:net";
import type { OutboundListenerResource } from "../discovery/listener.ts";
import type { ClusterTable } from "./cluster-table.ts";
import type { Authority } from "./http/authority.ts";
import {
  Connections,
  DEFAULT_LIMITS,
  UNKNOWN_LABELS,
  UNKNOWN_LOCAL,
  unmatchedLabels,
} from "./listener-base.ts";
import type { OriginalDestination } from "./net/original-destination.ts";
import type { IsOwn } from "./net/own-address.ts";
import type { Exchange } from "./request/exchange.ts";
import type {
  Destination,
  ListenerContext,
  Loop,
  RouteWaiter,
  UpstreamCluster,
} from "./request/listener-context.ts";
import { prewarm } from "./request/prewarm.ts";
import { serviceName } from "./routing/service-name.ts";
import type { VirtualHost } from "./routing/virtual-host.ts";
import { DestinationSeries, UNKNOWN_PEER } from "./telemetry/record.ts";
import type { SlotAllocator } from "./telemetry/slot-allocator.ts";

/** Hosts outside of the mesh that are kept with their connections; the longest unused goes first. */
const MAX_PASSTHROUGH = 256;
/** Names that no Service has, remembered; more are asked for again. */
const MAX_MISSING = 4_096;

const DEFAULTS: OutboundListenerResource = {
  name: "outbound",
  local: UNKNOWN_LOCAL,
  limits: DEFAULT_LIMITS,
  outboundPolicy: "ALLOW_ANY",
  clusterDomain: "cluster.local",
  discoveryTimeoutMs: 1_000,
  metricPrefix: "istio",
};

export interface OutboundOptions {
  readonly isOwn: IsOwn;
  readonly scope: "lazy" | "all";
  subscribe(routes: readonly string[]): void;
  unsubscribe(routes: readonly string[]): void;
}

export class Outbound implements ListenerContext {
  readonly direction = "outbound";
  readonly isOwn: IsOwn;
  readonly loop: Loop;
  readonly clusters: ClusterTable;
  readonly connections: Connections;
  readonly unmatched: DestinationSeries;
  readonly admission = null;
  readonly source = null;
  generation = 0;
  isDraining = false;
  #settings = DEFAULTS;
  readonly #options: OutboundOptions;
  readonly #routes = new Map<string, VirtualHost>();
  readonly #missing = new Set<string>();
  readonly #waiting = new Map<string, Set<RouteWaiter>>();
  readonly #passthrough = new Map<string, UpstreamCluster>();
  /** Routes that a request has used since the last sweep. */
  readonly #used = new Set<string>();

  constructor(loop: Loop, clusters: ClusterTable, allocator: SlotAllocator, options: OutboundOptions) {
    this.loop = loop;
    this.clusters = clusters;
    this.connections = new Connections(allocator, "outbound");
    this.unmatched = new DestinationSeries(allocator, unmatchedLabels("source"), UNKNOWN_PEER);
    this.#options = options;
    this.isOwn = options.isOwn;
    clusters.onPrewarm = (cluster, endpoint, count) => prewarm(this, cluster, endpoint, count);
  }

  get limits() {
    return this.#settings.limits;
  }
  get local() {
    return this.#settings.local;
  }
  get discoveryTimeoutMs(): number {
    return this.#settings.discoveryTimeoutMs;
  }

  configure(resource: OutboundListenerResource): void {
    this.#settings = resource;
    this.loop.overload.configure(resource.limits.overload);
    this.clusters.setLocal(resource.local);
    this.clusters.clusterDomain = resource.clusterDomain;
    this.generation++;
  }

  setRoute(host: VirtualHost): void {
    this.#routes.set(host.name, host);
    this.#missing.delete(host.name);
    this.generation++;
    this.#wake(host.name);
  }

  /** `isIdle` says nothing about the Service; without it, the name does not exist. */
  removeRoute(name: string, isIdle: boolean): void {
    this.#routes.delete(name);
    if (isIdle) this.#missing.delete(name);
    else {
      if (this.#missing.size >= MAX_MISSING) this.#missing.clear();
      this.#missing.add(name);
    }
    this.generation++;
    this.#wake(name);
  }

  find(authority: Authority): Destination {
    return this.#findService(authority) ?? this.#external(authority);
  }

  #findService(authority: Authority): Destination | null {
    const name = serviceName(authority, this.#settings.local.namespace, this.#settings.clusterDomain);
    return name.kind === "external" ? null : this.findRoute(name.route);
  }

  /** Null: nothing in the mesh has this name. */
  findRoute(name: string): Destination | null {
    this.#used.add(name);
    const host = this.#routes.get(name);
    if (host !== undefined) return { kind: "host", host };
    return this.#missing.has(name) ? null : { kind: "wait", route: name };
  }

  /** Where a request goes whose connection's address means nothing: by its Host, if that names a Service, else on to that address. */
  findBeside(authority: Authority, original: OriginalDestination): Destination {
    return this.#findService(authority) ?? this.passthrough(original);
  }

  /** On to an address outside of the mesh, where that is allowed. */
  passthrough({ address, port }: OriginalDestination): Destination {
    if (this.#settings.outboundPolicy === "REGISTRY_ONLY") return { kind: "unknown" };
    return { kind: "passthrough", cluster: this.#passthroughCluster(address, port) };
  }

  #external(authority: Authority): Destination {
    const port = authority.port === 0 ? 80 : authority.port;
    if (authority.host === "" || isAlmostAddress(authority.host)) return { kind: "unknown" };
    return this.passthrough({ address: authority.host, port });
  }

  #passthroughCluster(host: string, port: number): UpstreamCluster {
    const key = `PassthroughCluster ${host}:${port}`;
    let cluster = this.#passthrough.get(key);
    if (cluster === undefined) {
      if (this.#passthrough.size >= MAX_PASSTHROUGH) this.#forgetOldest();
      cluster = this.clusters.add(key, PASSTHROUGH_SETTINGS, () => PASSTHROUGH_LABELS);
      cluster.setEndpoints([{ ...PASSTHROUGH_ENDPOINT, address: host, port }]);
    } else this.#passthrough.delete(key);
    this.#passthrough.set(key, cluster);
    return cluster;
  }

  #forgetOldest(): void {
    const oldest = this.#passthrough.keys().next().value;
    if (oldest === undefined) return;
    this.#passthrough.delete(oldest);
    this.clusters.remove(oldest);
    this.generation++;
  }

  cluster(name: string): UpstreamCluster | undefined {
    return this.clusters.get(name);
  }

  wait(route: string, waiter: RouteWaiter): void {
    const waiting = this.#waiting.get(route);
    if (waiting !== undefined) {
      waiting.add(waiter);
      return;
    }
    this.#waiting.set(route, new Set([waiter]));
    this.#options.subscribe([route]);
  }

  leave(route: string, waiter: RouteWaiter): void {
    const waiting = this.#waiting.get(route);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiting.delete(route);
  }

  #wake(route: string): void {
    const waiting = this.#waiting.get(route);
    this.#waiting.delete(route);
    for (const waiter of waiting ?? []) waiter.resume();
  }

  /** Gives up routes and names that no request has used since the last call. */
  sweep(): void {
    const known = this.#options.scope === "all" ? [] : [...this.#routes.keys(), ...this.#missing];
    const idle = known.filter((name) => !this.#used.has(name));
    this.#used.clear();
    // Exchanges remember where their last authority led; a new generation makes them ask, and so mark, again.
    this.generation++;
    if (idle.length > 0) this.#options.unsubscribe(idle);
  }

  closed(exchange: Exchange): void {
    this.connections.closed(exchange);
  }
}

/** `127.1`, `0x7f000001` and the like: resolvers read them as addresses, and so past every rule about addresses. */
function isAlmostAddress(host: string): boolean {
  return isIP(host) === 0 && /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(host);
}

const PASSTHROUGH_SETTINGS = {
  protocol: "tcp",
  loadBalancer: "random",
  connectTimeoutMs: 2_000,
  poolIdleTimeoutMs: 60_000,
} as const;

/** One set of labels for all of them: an unknown host never makes a new series. */
const PASSTHROUGH_LABELS = { ...UNKNOWN_LABELS, service: "PassthroughCluster" } as const;

const PASSTHROUGH_ENDPOINT = {
  weight: 1,
  workload: "unknown",
  namespace: "unknown",
  serviceAccount: "unknown",
  app: "unknown",
  version: "unknown",
} as const;
