/**
 * All active health checks of a sidecar. They run once, on the control thread, however many traffic loops there are; what they
 * find goes to all loops as one level-triggered change per cluster, which names every endpoint that fails now.
 */
import type { ClusterResource, EndpointResource } from "../../discovery/messages.ts";
import type { Change } from "../snapshot/loop-protocol.ts";
import { type CheckedCluster, ClusterChecks, type ClusterChecksOptions } from "./cluster-checks.ts";
import type { EndpointCheck, Pace } from "./endpoint-check.ts";
import type { Probe } from "./probe.ts";
import { ProbeSlots } from "./probe-slots.ts";

/** Checks under way at once, of all clusters. */
export const MAX_PROBES = 100;

export interface MonitorOptions {
  readonly pace: Pace;
  readonly makeProbe: (cluster: CheckedCluster) => Probe;
  /** Gives changes to all loops, in order; resolves when all have applied them. */
  readonly send: (changes: readonly Change[]) => Promise<void>;
  /** An endpoint has become unhealthy, or healthy again. */
  readonly onVerdict: (cluster: string, check: EndpointCheck) => void;
}

interface Entry {
  resource: ClusterResource;
  endpoints: readonly EndpointResource[];
  /** Null: the cluster has no health check. */
  checks: ClusterChecks | null;
}

export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #slots = new ProbeSlots(MAX_PROBES);
  readonly #clusters = new Map<string, Entry>();
  /** Clusters of which the loops do not know the latest. */
  readonly #stale = new Set<string>();
  #isSending = false;

  constructor(options: MonitorOptions) {
    this.#options = options;
  }

  /** The checks of all clusters that have any, with the cluster's name. */
  *clusters(): Generator<readonly [cluster: string, checks: ClusterChecks]> {
    for (const [name, { checks }] of this.#clusters) if (checks !== null) yield [name, checks];
  }

  /** The loops have applied these. */
  applied(changes: readonly Change[]): void {
    for (const change of changes) {
      switch (change.kind) {
        case "cluster":
          this.#setCluster(change.resource);
          break;
        case "cluster-removed":
          this.#clusters.get(change.name)?.checks?.stop();
          this.#clusters.delete(change.name);
          break;
        case "endpoints":
          this.#setEndpoints(change.name, change.endpoints);
          break;
        case "endpoints-removed":
          this.#setEndpoints(change.name, []);
          break;
        default:
      }
    }
  }

  close(): void {
    for (const [, checks] of this.clusters()) checks.stop();
    this.#clusters.clear();
  }

  #setCluster(resource: ClusterResource): void {
    const entry = this.#clusters.get(resource.name) ?? { resource, endpoints: [], checks: null };
    this.#clusters.set(resource.name, entry);
    entry.resource = resource;
    if (isChecked(resource)) {
      if (entry.checks !== null) entry.checks.update(resource);
      else {
        entry.checks = new ClusterChecks(resource, this.#optionsFor(resource.name));
        entry.checks.setEndpoints(entry.endpoints);
      }
    } else if (entry.checks !== null) {
      entry.checks.stop();
      entry.checks = null;
      this.#publish(resource.name);
    }
  }

  #setEndpoints(name: string, endpoints: readonly EndpointResource[]): void {
    const entry = this.#clusters.get(name);
    if (entry === undefined) return;
    entry.endpoints = endpoints;
    // Or else one that comes back would be unhealthy to the loops, and not yet asked here.
    if (entry.checks?.setEndpoints(endpoints) === true) this.#publish(name);
  }

  #optionsFor(cluster: string): ClusterChecksOptions {
    const { pace, makeProbe, onVerdict } = this.#options;
    return {
      pace,
      makeProbe,
      slots: this.#slots,
      changed: (check) => {
        onVerdict(cluster, check);
        this.#publish(cluster);
      },
      passed: () => this.#publish(cluster),
    };
  }

  /** What is found while the loops apply the last is told in one. */
  #publish(cluster: string): void {
    this.#stale.add(cluster);
    if (!this.#isSending) void this.#sendStale();
  }

  async #sendStale(): Promise<void> {
    this.#isSending = true;
    while (this.#stale.size > 0) {
      const changes: Change[] = [];
      for (const name of this.#stale) {
        const entry = this.#clusters.get(name);
        if (entry === undefined) continue;
        const passed = entry.checks?.takePassed() ?? [];
        const unhealthy = entry.checks?.unhealthy() ?? [];
        changes.push({ kind: "health", name, unhealthy, ...(passed.length > 0 && { passed }) });
      }
      this.#stale.clear();
      if (changes.length > 0) await this.#options.send(changes);
    }
    this.#isSending = false;
  }
}

function isChecked(resource: ClusterResource): resource is CheckedCluster {
  return resource.healthCheck !== undefined;
}
