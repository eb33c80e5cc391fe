/**
 * From what sidecars measured to what a person wants to see: one row per service and version, with each version's share
 * of its service. A canary's versions are called through Services of their own (`catalog-v1`), so rows are put under the
 * Service that the workload mainly belongs to: of those that select it, the one that selects the most workloads.
 */
import type { DestinationStats } from "./api-types.ts";
import { type PlannedService, type PlannedWorkload, selects } from "./plan.ts";

export interface StatsRow {
  /** Service name; with its namespace unless that is `default`. */
  readonly service: string;
  readonly version: string;
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** 0 to 1; 1 without requests. */
  readonly successRate: number;
  /** Of the slowest workload of this version, in milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** Callers' sidecars that leave an instance of it out at the moment. */
  readonly leftOutBy: number;
  /** Share of the service's requests, 0 to 1. */
  readonly share: number;
}

type Named = Pick<DestinationStats, "service" | "namespace" | "workload">;

export class StatsFolder {
  readonly #mainService = new Map<string, string>();
  readonly #order: readonly string[];

  /** Rows come in the order of `services`. */
  constructor(services: readonly PlannedService[], workloads: readonly PlannedWorkload[]) {
    for (const workload of workloads) {
      const main = mainService(workload, services, workloads);
      if (main !== undefined)
        this.#mainService.set(`${workload.namespace}/${workload.name}`, serviceTitle(main));
    }
    this.#order = services.map(serviceTitle);
  }

  /** What callers measured where anybody inside the mesh calls; else what the called side measured. */
  fold(destinations: readonly DestinationStats[]): readonly StatsRow[] {
    const called = new Set<string>();
    for (const d of destinations) if (d.reporter === "source" && d.requests > 0) called.add(this.#titleOf(d));
    const groups = new Map<string, DestinationStats[]>();
    for (const d of destinations) {
      const title = this.#titleOf(d);
      if (d.reporter !== (called.has(title) ? "source" : "destination")) continue;
      const key = `${title}\0${d.version}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [d]);
      else group.push(d);
    }
    const rows = [...groups].map(([key, group]) => mergeRow(key, group));
    const totals = new Map<string, number>();
    for (const row of rows) totals.set(row.service, (totals.get(row.service) ?? 0) + row.requests);
    return rows
      .map((row) => ({ ...row, share: row.requests / Math.max(1, totals.get(row.service) ?? 0) }))
      .sort((a, b) => this.#position(a) - this.#position(b) || (a.version < b.version ? -1 : 1));
  }

  /** Services that have a workload here: those that a run should have seen working. */
  get expectedServices(): readonly string[] {
    const main = new Set(this.#mainService.values());
    return this.#order.filter((title) => main.has(title));
  }

  #titleOf({ service, namespace, workload }: Named): string {
    return this.#mainService.get(`${namespace}/${workload}`) ?? serviceTitle({ name: service, namespace });
  }

  #position({ service }: { service: string }): number {
    const at = this.#order.indexOf(service);
    return at < 0 ? this.#order.length : at;
  }
}

/** `web`, or `shop/web` outside the default namespace. */
export function serviceTitle({ name, namespace }: { name: string; namespace: string }): string {
  return namespace === "default" ? name : `${namespace}/${name}`;
}

function mergeRow(key: string, group: readonly DestinationStats[]): Omit<StatsRow, "share"> {
  const [service = "", version = ""] = key.split("\0");
  const sum = (pick: (d: DestinationStats) => number) => group.reduce((total, d) => total + pick(d), 0);
  const max = (pick: (d: DestinationStats) => number) => Math.max(...group.map(pick));
  const requests = sum((d) => d.requests);
  const failures = sum((d) => d.failures);
  return {
    service,
    version,
    requests,
    failures,
    requestsPerSecond: sum((d) => d.requestsPerSecond),
    successRate: requests === 0 ? 1 : 1 - failures / requests,
    leftOutBy: max((d) => d.leftOutBy),
    p50Ms: max((d) => d.p50Ms),
    p95Ms: max((d) => d.p95Ms),
    p99Ms: max((d) => d.p99Ms),
  };
}

function mainService(
  workload: PlannedWorkload,
  services: readonly PlannedService[],
  workloads: readonly PlannedWorkload[],
): PlannedService | undefined {
  const size = (service: PlannedService) => workloads.filter((w) => selects(service, w)).length;
  return services
    .filter((service) => selects(service, workload))
    .reduce<PlannedService | undefined>(
      (best, service) => (best === undefined || size(service) > size(best) ? service : best),
      undefined,
    );
}
