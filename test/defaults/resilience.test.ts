/** The defaults of semantics.md about failure, each by name: from a TrafficPolicy without any field to what the sidecar does. */
import { describe, expect, it } from "vitest";
import type { ClusterResource } from "../../src/discovery/messages.ts";
import { DEFAULT_RETRY_CONDITIONS } from "../../src/discovery/resilience.ts";
import type { RouteResource } from "../../src/discovery/route.ts";
import { ADAPTIVE_DEFAULTS } from "../../src/proxy/clusters/adaptive-concurrency.ts";
import { DEFAULT_LIMIT } from "../../src/proxy/clusters/breaker.ts";
import { TABLE_SIZE } from "../../src/proxy/clusters/maglev.ts";
import {
  FAILURE_PERCENTAGE_DEFAULTS,
  OUTLIER_DEFAULTS,
  SUCCESS_RATE_DEFAULTS,
} from "../../src/proxy/clusters/outlier-detection.ts";
import { RetryBudget, WINDOW_MS } from "../../src/proxy/clusters/retry-budget.ts";
import { MINIMUM_RING_SIZE, ringPlaces } from "../../src/proxy/clusters/ring-hash.ts";
import { rampedShare } from "../../src/proxy/clusters/slow-start.ts";
import { DEFAULT_PANIC_THRESHOLD, OVERPROVISIONING, tiersOf } from "../../src/proxy/clusters/tiers.ts";
import { MAX_REPLAY_BYTES } from "../../src/proxy/request/replay.ts";
import { DEFAULT_RETRY_AFTER_MAX_MS, RetryPolicy } from "../../src/proxy/routing/retry-policy.ts";
import { compiled, serviceDocument, trafficPolicyDocument } from "../harness/compiled.ts";

const cluster = (spec: object) =>
  compiled<ClusterResource>(
    [serviceDocument("shop"), trafficPolicyDocument("shop", spec)],
    "cluster",
    "shop.default:80",
  );
const route = (spec: object) =>
  compiled<RouteResource>(
    [serviceDocument("shop"), trafficPolicyDocument("shop", spec)],
    "route",
    "shop.default:80",
  );

describe("retries", () => {
  it("2, on connect-failure, refused-stream, unavailable, cancelled (Istio's) and reset-before-request", () => {
    const policy = new RetryPolicy();
    expect(policy.attempts).toBe(2);
    expect([...DEFAULT_RETRY_CONDITIONS].toSorted()).toEqual([
      "cancelled",
      "connect-failure",
      "refused-stream",
      "reset-before-request",
      "unavailable",
    ]);
    expect(route({ retry: {} }).rules[0]?.retry).toMatchObject({ attempts: 2, on: DEFAULT_RETRY_CONDITIONS });
    expect(
      ["connect", "refused", "reset", "timeout"].map((f) => policy.takesFault(f as "connect", () => true)),
    ).toEqual([true, true, false, false]);
    expect(["1", "4", "8", "13", "14"].map((status) => policy.takesGrpcStatus(status))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
  });

  it("back-off: full jitter, base 25 ms, at most 250 ms", () => {
    const policy = new RetryPolicy();
    expect([1, 2, 3, 4, 5, 10].map((retry) => policy.backoffMs(retry, 1))).toEqual([
      25, 75, 175, 250, 250, 250,
    ]);
    expect(policy.backoffMs(5, 0)).toBe(0);
    expect(policy.backoffMs(5, 0.5)).toBe(125);
  });

  it("Retry-After is honoured up to 10 s", () => {
    expect(DEFAULT_RETRY_AFTER_MAX_MS).toBe(10_000);
    expect(route({ retry: {} }).rules[0]?.retry?.retryAfterMaxMs).toBe(10_000);
  });

  it("per try: unset", () => {
    expect(new RetryPolicy().perTryTimeoutMs).toBe(0);
    expect(route({ retry: {} }).rules[0]?.retry?.perTryTimeoutMs).toBeUndefined();
  });

  it("budget: 20 % of active requests, 3 concurrent; 20 % of the requests of a second, 10 a second", () => {
    const budget = new RetryBudget();
    expect(WINDOW_MS).toBe(1_000);
    expect([0, 2, 3].map((retries) => budget.allows(0, 1, retries))).toEqual(["now", "now", "later"]);
    expect([19, 20].map((retries) => budget.allows(0, 100, retries))).toEqual(["now", "later"]);
    for (let i = 0; i < 10; i++) budget.retried(0);
    expect(budget.allows(0, 100, 0)).toBe("no");
    for (let i = 0; i < 100; i++) budget.request(0);
    expect(budget.allows(0, 100, 0)).toBe("now");
    for (let i = 0; i < 10; i++) budget.retried(0);
    expect(budget.allows(0, 100, 0)).toBe("no");
    expect(budget.allows(1_000, 100, 0)).toBe("now");
    expect(cluster({ retryBudget: {} }).retryBudget).toEqual({
      percent: 20,
      minConcurrency: 3,
      minPerSecond: 10,
    });
  });

  it("a body is kept for replay up to 64 KiB", () => {
    expect(MAX_REPLAY_BYTES).toBe(65_536);
  });
});

describe("circuit breakers", () => {
  it("1,024 connections, 1,024 pending, 1,024 requests; retries by the budget", () => {
    expect(DEFAULT_LIMIT).toBe(1_024);
    expect(cluster({ connectionPool: {} }).breaker).toEqual({
      maxConnections: 1_024,
      maxPending: 1_024,
      maxRequests: 1_024,
    });
  });

  it("adaptive concurrency: Envoy's parameters", () => {
    expect(cluster({ adaptiveConcurrency: {} }).adaptiveConcurrency).toEqual(ADAPTIVE_DEFAULTS);
    expect(ADAPTIVE_DEFAULTS).toMatchObject({
      minRttRequests: 50,
      minConcurrency: 3,
      buffer: 0.25,
      maxConcurrency: 1_000,
    });
  });
});

describe("outlier detection", () => {
  it("off until configured", () => {
    expect(cluster({ timeouts: {} }).outlier).toBeUndefined();
  });

  it("5 in a row of either, 10 s, 30 s times ejections up to 300 s, 10 %", () => {
    expect(cluster({ outlierDetection: {} }).outlier).toEqual(OUTLIER_DEFAULTS);
    expect(OUTLIER_DEFAULTS).toEqual({
      consecutive5xx: 5,
      consecutiveGatewayErrors: 5,
      intervalMs: 10_000,
      baseEjectionMs: 30_000,
      maxEjectionMs: 300_000,
      maxEjectionPercent: 10,
    });
  });

  it("success rate: 5 hosts, 100 requests, 1.9 deviations; failure percentage: 85", () => {
    const outlierDetection = { successRate: {}, failurePercentage: {} };
    expect(cluster({ outlierDetection }).outlier).toMatchObject({
      successRate: SUCCESS_RATE_DEFAULTS,
      failurePercentage: FAILURE_PERCENTAGE_DEFAULTS,
    });
    expect(SUCCESS_RATE_DEFAULTS).toEqual({ minimumHosts: 5, requestVolume: 100, deviations: 1.9 });
    expect(FAILURE_PERCENTAGE_DEFAULTS).toMatchObject({ threshold: 85 });
  });
});

describe("load balancing", () => {
  it("leastRequest; Maglev has 65,537 places, a ring at least 1,024", () => {
    expect(cluster({ loadBalancer: {} }).loadBalancer).toBe("leastRequest");
    expect([TABLE_SIZE, MINIMUM_RING_SIZE]).toEqual([65_537, 1_024]);
    for (let size = 1; size < 5_000; size += Math.ceil(size / 10)) {
      const endpoints = Array.from({ length: size }, (_, i) => ({ key: String(i), weight: 1 }));
      expect(ringPlaces(endpoints).length).toBeGreaterThanOrEqual(MINIMUM_RING_SIZE);
    }
  });

  it("a zone spills when its healthy share × 1.4 falls under 100 %", () => {
    expect(OVERPROVISIONING).toBe(1.4);
    const zone = (name: string, healthy: number, of: number) =>
      Array.from({ length: of }, (_, i) => ({ zone: name, weight: 1, isHealthy: i < healthy }));
    const shares = (healthy: number) =>
      tiersOf([...zone("a", healthy, 10), ...zone("b", 10, 10)], "a", 50).map(({ share }) =>
        Math.round(share * 100),
      );
    expect([10, 8, 7, 5, 1, 0].map(shares)).toEqual([[100], [100], [98, 2], [70, 30], [14, 86], [100]]);
  });

  it("panic: under 50 % healthy", () => {
    expect(DEFAULT_PANIC_THRESHOLD).toBe(50);
    expect(cluster({ loadBalancer: {} }).panicThreshold).toBe(50);
    const hosts = (healthy: number) =>
      Array.from({ length: 10 }, (_, i) => ({ zone: "", weight: 1, isHealthy: i < healthy }));
    expect([5, 4].map((healthy) => tiersOf(hosts(healthy), "", 50)[0]?.hosts.length)).toEqual([5, 10]);
  });

  it("slow start: none; where it is, linear from a tenth", () => {
    expect(cluster({ loadBalancer: {} }).slowStart).toBeUndefined();
    const { slowStart } = cluster({ loadBalancer: { slowStart: { window: "10s" } } });
    expect(slowStart).toEqual({ windowMs: 10_000, minWeight: 0.1 });
    if (slowStart === undefined) return;
    expect([0, 500, 5_000, 10_000, 20_000].map((age) => rampedShare(slowStart, age))).toEqual([
      0.1, 0.1, 0.5, 1, 1,
    ]);
  });
});
