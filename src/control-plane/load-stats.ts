/**
 * What sidecars measured, for `weft up` and `/v1/stats`: a ring of whole seconds, merged on demand. A minute is kept; for
 * longer there is Prometheus. Histograms merge by adding counts, so percentiles are those of all sidecars together.
 */
import { latencyBucketMicros } from "../discovery/latency.ts";
import type { DestinationLoad, LoadReport } from "../discovery/messages.ts";
import { Rates } from "./load-rate.ts";

/** Longest window, in seconds. */
export const MAX_WINDOW_S = 60;

/** One row: a workload behind a service, as one side measured it. */
export interface DestinationStats {
  readonly reporter: "source" | "destination";
  readonly service: string;
  readonly namespace: string;
  readonly workload: string;
  readonly version: string;
  readonly requests: number;
  readonly failures: number;
  readonly requestsPerSecond: number;
  /** 0 to 1; 1 without requests. */
  readonly successRate: number;
  readonly active: number;
  /** Callers that leave an instance of it out at the moment, ejected or by its active check. */
  readonly leftOutBy: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

interface Sums {
  readonly of: DestinationLoad;
  requests: number;
  failures: number;
  readonly latency: Map<number, number>;
  /** Latest count of each sidecar, with its second. */
  readonly active: Map<string, number>;
  readonly unhealthy: Map<string, number>;
}

interface Second {
  readonly at: number;
  readonly rows: Map<string, Sums>;
}

export class LoadStats {
  readonly #ring: Second[] = [];
  readonly #rates = new Rates(MAX_WINDOW_S);
  readonly #nowMs: () => number;

  /** @param nowMs a clock, in milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Adds a report of one sidecar to the second in which it arrived. */
  add(sidecar: string, report: LoadReport): void {
    const now = this.#nowMs();
    const at = Math.floor(now / 1_000);
    let second = this.#ring.at(-1);
    if (second === undefined || second.at < at) {
      second = { at, rows: new Map() };
      this.#ring.push(second);
      while ((this.#ring[0]?.at ?? at) <= at - MAX_WINDOW_S) this.#ring.shift();
    }
    for (const load of report.destinations) {
      const key = rowKey(load);
      merge(second.rows, key, load, sidecar);
      this.#rates.add(key, load.requests, report.intervalMs, now);
    }
  }

  /** Rows of the last `windowMs` (1,000 to 60,000), in order of service, workload and reporter. */
  window(windowMs: number): readonly DestinationStats[] {
    const seconds = Math.min(MAX_WINDOW_S, Math.max(1, Math.ceil(windowMs / 1_000)));
    const now = this.#nowMs();
    const from = Math.floor(now / 1_000) - seconds;
    const rows = new Map<string, Sums>();
    for (const second of this.#ring) {
      if (second.at < from) continue;
      for (const [key, sums] of second.rows) add(rows, key, sums);
    }
    return [...rows]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, sums]) => {
        return summary(sums, this.#rates.perSecond(key, seconds, now));
      });
  }
}

function rowKey({ service, workload, version, reporter }: DestinationLoad): string {
  return [service.namespace, service.name, workload, version, reporter].join("\n");
}

function merge(rows: Map<string, Sums>, key: string, load: DestinationLoad, sidecar: string): void {
  add(rows, key, {
    of: load,
    requests: load.requests,
    failures: load.failures,
    latency: new Map(load.latency),
    // A sidecar may report one workload under several clusters.
    active: new Map([[`${sidecar} ${load.cluster}`, load.active]]),
    unhealthy: new Map([[`${sidecar} ${load.cluster}`, load.unhealthy ?? 0]]),
  });
}

function add(rows: Map<string, Sums>, key: string, more: Sums): void {
  let sums = rows.get(key);
  if (sums === undefined) {
    sums = {
      of: more.of,
      requests: 0,
      failures: 0,
      latency: new Map(),
      active: new Map(),
      unhealthy: new Map(),
    };
    rows.set(key, sums);
  }
  sums.requests += more.requests;
  sums.failures += more.failures;
  for (const [bucket, count] of more.latency)
    sums.latency.set(bucket, (sums.latency.get(bucket) ?? 0) + count);
  for (const [sidecar, count] of more.active) sums.active.set(sidecar, count);
  for (const [sidecar, count] of more.unhealthy) sums.unhealthy.set(sidecar, count);
}

function summary(
  { of, requests, failures, latency, active, unhealthy }: Sums,
  requestsPerSecond: number,
): DestinationStats {
  const buckets = [...latency].sort(([a], [b]) => a - b);
  return {
    reporter: of.reporter,
    service: of.service.name,
    namespace: of.service.namespace,
    workload: of.workload,
    version: of.version,
    requests,
    failures,
    requestsPerSecond,
    successRate: requests === 0 ? 1 : (requests - failures) / requests,
    active: [...active.values()].reduce((sum, count) => sum + count, 0),
    leftOutBy: [...unhealthy.values()].filter((count) => count > 0).length,
    p50Ms: percentile(buckets, 0.5),
    p95Ms: percentile(buckets, 0.95),
    p99Ms: percentile(buckets, 0.99),
  };
}

function percentile(buckets: readonly (readonly [number, number])[], share: number): number {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let left = total * share;
  for (const [bucket, count] of buckets) {
    left -= count;
    if (left <= 0) return latencyBucketMicros(bucket) / 1_000;
  }
  return 0;
}
