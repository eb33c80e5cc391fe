/** One instance of a cluster: where it is, what it carries, how it fares, its idle connections and the series it counts in. */
import type { EndpointResource } from "../../discovery/messages.ts";
import type { Session, TlsTarget } from "../net/tls-connect.ts";
import type { DestinationSeries } from "../telemetry/record.ts";
import { Latency } from "./latency.ts";
import { OutlierRecord } from "./outlier-detection.ts";
import { Pool, type PooledConnection } from "./pool.ts";

/** The series that exchanges with an instance count in. */
export type SeriesOf = (endpoint: EndpointResource) => DestinationSeries;

export class Endpoint<C extends PooledConnection> implements TlsTarget {
  readonly address: string;
  readonly port: number;
  /** Whose workload it is: who has to answer there, where that must be proven. */
  readonly namespace: string;
  readonly workload: string;
  readonly serviceAccount: string;
  readonly isMutual: boolean;
  /** Empty: not known. */
  zone: string;
  /** The latest TLS session. */
  session: Session | null = null;
  protocol: string | null = null;
  readonly pool = new Pool<C>();
  readonly latency = new Latency();
  readonly outlier = new OutlierRecord();
  /** For hashing. */
  readonly key: string;
  /** As configured. */
  configuredWeight: number;
  /** What holds now: less while it is new. */
  weight: number;
  /** Of an update that is not yet in place. */
  staged: EndpointResource;
  /** Requests in flight. */
  active = 0;
  /** When it came, or came back. */
  since = 0;
  /** Its active health check fails. */
  failsCheck = false;
  /** No longer in the configuration: finishes what it has, takes nothing new. */
  isRemoved = false;

  #wasHealthy = true;
  readonly #resource: EndpointResource;
  readonly #seriesOf: SeriesOf;
  #series: DestinationSeries | null = null;

  constructor(resource: EndpointResource, seriesOf: SeriesOf) {
    this.address = resource.address;
    this.port = resource.port;
    this.namespace = resource.namespace;
    this.workload = resource.workload;
    this.serviceAccount = resource.serviceAccount;
    this.isMutual = resource.tls === "mutual";
    this.zone = resource.zone ?? "";
    this.key = hashingKey(resource);
    this.configuredWeight = resource.weight;
    this.weight = resource.weight;
    this.staged = resource;
    this.#resource = resource;
    this.#seriesOf = seriesOf;
  }

  /** Tells the series once of each change; true when there was one. */
  noteHealth(): boolean {
    const { isHealthy } = this;
    if (isHealthy === this.#wasHealthy) return false;
    this.#wasHealthy = isHealthy;
    this.series.leftOut(isHealthy ? -1 : 1);
    return true;
  }

  /** It is no longer in the configuration: finishes what it has. */
  leave(): void {
    this.isRemoved = true;
    this.pool.clear();
    if (this.#wasHealthy) return;
    this.#wasHealthy = true;
    this.series.leftOut(-1);
  }

  get isHealthy(): boolean {
    return !this.failsCheck && this.outlier.ejectedUntil === 0;
  }

  /** Bound at the first request: a cluster of thousands, few of them used, has few series. */
  get series(): DestinationSeries {
    this.#series ??= this.#seriesOf(this.#resource);
    return this.#series;
  }
}

/** What an instance is known by where requests are hashed to it. */
export function hashingKey({ address, port, workload }: EndpointResource): string {
  return `${address}:${port} ${workload}`;
}

/** Same instance: an endpoint that keeps this key keeps its connections over an update. */
export function endpointKey(resource: EndpointResource): string {
  return `${resource.address} ${resource.port} ${resource.namespace} ${resource.workload} ${resource.app} ${resource.version} ${resource.serviceAccount} ${resource.tls ?? "none"}`;
}
