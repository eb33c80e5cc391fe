/**
 * All clusters of a traffic loop by name, and what each new one needs: its series, its gauges, the loop it lives on.
 */
import type { LocalWorkload } from "../discovery/listener.ts";
import type { ClusterResource, EndpointResource } from "../discovery/messages.ts";
import { Cluster, type ClusterContext, type ClusterSettings } from "./clusters/cluster.ts";
import { ClusterStats } from "./clusters/cluster-stats.ts";
import type { Ejection } from "./clusters/ejection.ts";
import type { HashTable } from "./clusters/hash-table.ts";
import type { ClientConnection } from "./http1/client-connection.ts";
import type { Loop, UpstreamCluster, UpstreamEndpoint } from "./request/listener-context.ts";
import {
  type DestinationLabels,
  DestinationSeries,
  type PeerLabels,
  UNKNOWN_PEER,
} from "./telemetry/record.ts";
import type { SlotAllocator } from "./telemetry/slot-allocator.ts";

export type Reporter = "source" | "destination";

export class ClusterTable {
  readonly #clusters = new Map<string, UpstreamCluster>();
  /** One series per destination, shared by the endpoints of the same workload and version. */
  readonly #series = new Map<string, DestinationSeries>();
  readonly #loop: Loop;
  readonly #allocator: SlotAllocator;
  readonly #reporter: Reporter;
  #source: PeerLabels = UNKNOWN_PEER;
  /** Of this sidecar; empty: not known. */
  zone = "";
  /** An endpoint has been left out for failing, or is back. */
  onEjection: (ejection: Ejection) => void = () => {};
  /** Connections are wanted before requests are. */
  onPrewarm: (cluster: UpstreamCluster, endpoint: UpstreamEndpoint, count: number) => void = () => {};
  clusterDomain = "cluster.local";
  trustDomain = "cluster.local";

  constructor(loop: Loop, allocator: SlotAllocator, reporter: Reporter) {
    this.#loop = loop;
    this.#allocator = allocator;
    this.#reporter = reporter;
  }

  /** Who the requests come from, where that is this sidecar's own workload. */
  setLocal(local: LocalWorkload): void {
    this.#source = this.#reporter === "source" ? local : UNKNOWN_PEER;
    this.zone = local.zone ?? "";
  }

  get(name: string): UpstreamCluster | undefined {
    return this.#clusters.get(name);
  }

  values(): IterableIterator<UpstreamCluster> {
    return this.#clusters.values();
  }

  /** `table`: of the endpoints that it has, where its policy hashes. */
  set(resource: ClusterResource, table?: HashTable): UpstreamCluster {
    const existing = this.#clusters.get(resource.name);
    if (existing !== undefined) {
      existing.update(resource, table);
      return existing;
    }
    return this.add(resource.name, resource, (endpoint) => ({
      service: resource.service.name,
      serviceNamespace: resource.service.namespace,
      serviceHost: `${resource.service.name}.${resource.service.namespace}.svc.${this.clusterDomain}`,
      workload: endpoint.workload,
      workloadNamespace: endpoint.namespace,
      principal: `spiffe://${this.trustDomain}/ns/${endpoint.namespace}/sa/${endpoint.serviceAccount}`,
      app: endpoint.app,
      version: endpoint.version,
    }));
  }

  add(
    name: string,
    settings: ClusterSettings,
    labels: (endpoint: EndpointResource) => Omit<DestinationLabels, "reporter" | "cluster">,
  ): UpstreamCluster {
    const context: ClusterContext<ClientConnection> = {
      wheel: this.#loop.wheel,
      random: this.#loop.random,
      stats: new ClusterStats(this.#allocator, name),
      zone: () => this.zone,
      onEjection: (ejection) => this.onEjection(ejection),
      prewarm: (endpoint, count) => this.onPrewarm(cluster, endpoint, count),
      seriesOf: (endpoint) => this.series({ reporter: this.#reporter, cluster: name, ...labels(endpoint) }),
    };
    const cluster = new Cluster<ClientConnection>(name, settings, context);
    this.#clusters.set(name, cluster);
    return cluster;
  }

  series(labels: DestinationLabels): DestinationSeries {
    const key = JSON.stringify(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new DestinationSeries(this.#allocator, labels, this.#source);
      this.#series.set(key, series);
    }
    return series;
  }

  remove(name: string): void {
    this.#clusters.get(name)?.remove();
    this.#clusters.delete(name);
  }
}
