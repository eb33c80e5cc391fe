import { expect, it } from "vitest";
import { latencyBucket } from "../discovery/latency.ts";
import type { DestinationLoad } from "../discovery/messages.ts";
import { LoadStats } from "./load-stats.ts";

function load(requests: number, failures: number, micros: number): DestinationLoad {
  return {
    reporter: "source",
    cluster: "web.default:80",
    service: { name: "web", namespace: "default" },
    workload: "web-1",
    version: "v1",
    requests,
    failures,
    active: 2,
    latency: [[latencyBucket(micros), requests]],
  };
}

it("merges sidecars and seconds, and forgets what is older than the window", () => {
  let now = 100_000;
  const stats = new LoadStats(() => now);
  stats.add("a", { intervalMs: 1_000, destinations: [load(90, 0, 1_000)] });
  stats.add("b", { intervalMs: 1_000, destinations: [load(10, 10, 100_000)] });
  now += 1_000;
  stats.add("a", { intervalMs: 1_000, destinations: [load(100, 0, 1_000)] });
  const [row] = stats.window(10_000);
  expect(row).toMatchObject({
    requests: 200,
    failures: 10,
    requestsPerSecond: 100,
    successRate: 0.95,
    active: 4,
    leftOutBy: 0,
  });
  expect(row?.p50Ms).toBeCloseTo(1, 1);
  expect(row?.p99Ms).toBeGreaterThan(90);
  now += 30_000;
  expect(stats.window(10_000)).toEqual([]);
  expect(stats.window(60_000)).toHaveLength(1);
  now += 60_000;
  stats.add("a", { intervalMs: 1_000, destinations: [] });
  expect(stats.window(60_000)).toEqual([]);
});
