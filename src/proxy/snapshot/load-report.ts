/**
 * What traffic did since the last report, per destination: the `latency` blocks of all loops, as deltas against the
 * previous reading. The control plane merges these over sidecars for the dashboard and for canary analysis.
 */
import type { DestinationLoad, LoadReport } from "../../discovery/messages.ts";
import { LATENCY_BLOCK } from "../telemetry/slots.ts";
import type { Series, SeriesTable } from "./series.ts";

export class LoadReporter {
  readonly #table: SeriesTable;
  readonly #now: () => number;
  readonly #previous = new Map<Series, Float64Array>();
  #lastAt: number;

  /** `now` in milliseconds. */
  constructor(table: SeriesTable, now: () => number) {
    this.#table = table;
    this.#now = now;
    this.#lastAt = now();
  }

  /** The report since the last one; undefined when nothing has changed. */
  next(): LoadReport | undefined {
    const destinations: DestinationLoad[] = [];
    for (const series of this.#table.of("latency")) {
      const load = this.#delta(series);
      if (load !== undefined) destinations.push(load);
    }
    const at = this.#now();
    const intervalMs = at - this.#lastAt;
    this.#lastAt = at;
    return destinations.length > 0 ? { intervalMs, destinations } : undefined;
  }

  #delta(series: Series): DestinationLoad | undefined {
    let before = this.#previous.get(series);
    if (before === undefined) {
      // Until its first request a destination is not worth the memory of a reading.
      if (series.read(LATENCY_BLOCK.requests) === 0 && series.read(LATENCY_BLOCK.active) === 0)
        return undefined;
      before = new Float64Array(LATENCY_BLOCK.slots);
      this.#previous.set(series, before);
    }
    const since = (slot: number): number => {
      const now = series.read(slot);
      const delta = now - (before[slot] ?? 0);
      before[slot] = now;
      return delta;
    };
    const requests = since(LATENCY_BLOCK.requests);
    const failures = since(LATENCY_BLOCK.failures);
    const isActiveChanged = since(LATENCY_BLOCK.active) !== 0;
    const unhealthy = series.read(LATENCY_BLOCK.unhealthy);
    if (requests === 0 && !isActiveChanged && unhealthy === 0) return undefined;
    const latency: [number, number][] = [];
    for (let slot = LATENCY_BLOCK.buckets; requests > 0 && slot < LATENCY_BLOCK.slots; slot++) {
      const count = since(slot);
      if (count > 0) latency.push([slot - LATENCY_BLOCK.buckets, count]);
    }
    const {
      reporter,
      cluster = "",
      service = "",
      service_namespace,
      workload = "",
      version = "",
    } = series.labels;
    return {
      reporter: reporter === "destination" ? "destination" : "source",
      cluster,
      service: { name: service, namespace: service_namespace ?? "" },
      workload,
      version,
      requests,
      failures,
      active: Math.max(0, series.read(LATENCY_BLOCK.active)),
      ...(unhealthy > 0 && { unhealthy }),
      latency,
    };
  }
}
