/** The configuration changes under load; and everything at once, by chance. */
import type { Fault } from "../../../src/discovery/faults.ts";
import type { LoadBalancerPolicy } from "../../../src/discovery/messages.ts";
import type { Conduct, Phase } from "../instance.ts";
import { successRate } from "../report.ts";
import { type Chance, instances, type Scenario, type Setup } from "../scenario.ts";
import { atLeast } from "./failing.ts";

export const removal: Scenario = {
  name: "endpoints are removed under load",
  runs: 10,
  draw(chance) {
    const count = chance.int(3, 20);
    return {
      instances: instances(count, () => ({ phases: [{ from: 0, conduct: { ms: chance.int(2, 80) } }] })),
      cluster: {
        loadBalancer: chance.oneOf([
          "leastRequest",
          "roundRobin",
          "random",
          "peakEwma",
          "ringHash",
          "maglev",
        ]),
        hash: { kind: "header", name: "x-key" },
        breaker: chance.oneOf([{}, { maxConnections: 50 }]),
        connections: chance.oneOf([{}, { maxRequests: 5 }, { maxAgeMs: 500 }, { prewarm: 2 }]),
      },
      load: {
        phases: [{ from: 0, perSecond: chance.int(100, 400) }],
        unsafe: 0.3,
        keys: 50,
        leaving: chance.oneOf([0, 0.02]),
      },
      changes: Array.from({ length: 20 }, (_, i) => {
        const kept = instances(count, () => ({ phases: [] })).map(() => chance.real(0, 1) < 0.5);
        return {
          at: 500 * (i + 1),
          change: (world) =>
            world.setEndpoints(world.instances.filter(({ index }) => index === 0 || kept[index])),
        };
      }),
      durationMs: 12_000,
    };
  },
  judge: ({ outcomes }) =>
    atLeast("success", successRate(outcomes.filter(({ request }) => !request.leaves)), 1),
};

export const chaos: Scenario = {
  name: "anything happens to anybody",
  runs: 60,
  draw(chance) {
    const count = chance.int(1, 30);
    return {
      instances: instances(count, () => ({
        weight: chance.oneOf([0, 1, 1, 1, 2, 5]),
        ...chance.oneOf([{}, { zone: "a" }, { zone: "b" }]),
        phases: phases(chance),
      })),
      ...chance.oneOf([{}, { zone: "a" }]),
      cluster: settings(chance),
      rule: rule(chance),
      load: {
        phases: [
          { from: 0, perSecond: chance.int(20, 400) },
          { from: 3_000, perSecond: chance.int(0, 1_000) },
          { from: 6_000, perSecond: chance.int(0, 300) },
        ],
        unsafe: chance.oneOf([0, 0.2]),
        leaving: chance.oneOf([0, 0.05]),
        keys: 100,
      },
      changes: Array.from({ length: chance.int(0, 6) }, () => {
        const kept = Array.from({ length: count }, () => chance.real(0, 1) < 0.7);
        const next = settings(chance);
        const at = chance.int(100, 9_000);
        return chance.oneOf([
          { at, change: (world) => world.setEndpoints(world.instances.filter(({ index }) => kept[index])) },
          { at, change: (world) => world.update(next) },
          { at, change: (world) => world.setUnhealthy(world.instances.filter(({ index }) => !kept[index])) },
        ] satisfies NonNullable<Setup["changes"]>);
      }),
      durationMs: 9_000,
    };
  },
};

const POLICIES: readonly LoadBalancerPolicy[] = [
  "leastRequest",
  "roundRobin",
  "random",
  "peakEwma",
  "ringHash",
  "maglev",
];

function settings(chance: Chance): Setup["cluster"] {
  const loadBalancer = chance.oneOf(POLICIES);
  const isHashed = loadBalancer === "ringHash" || loadBalancer === "maglev";
  return {
    loadBalancer,
    hash: { kind: "header", name: "x-key" },
    connectTimeoutMs: chance.int(50, 1_000),
    panicThreshold: chance.oneOf([0, 50, 100]),
    ...chance.oneOf([{}, { hashBalanceFactor: 150 }]),
    ...chance.oneOf([
      {},
      { breaker: { maxConnections: 5 } },
      { breaker: { maxRequests: 20 } },
      { breaker: { maxConnections: 8, maxPending: 3, maxRetries: 2 } },
    ]),
    ...chance.oneOf([
      {},
      { retryBudget: { percent: 50 } },
      { retryBudget: { minConcurrency: 1, minPerSecond: 1 } },
    ]),
    ...chance.oneOf([
      {},
      { outlier: {} },
      {
        outlier: {
          maxEjectionPercent: chance.oneOf([10, 40, 100]),
          baseEjectionMs: chance.int(200, 3_000),
          intervalMs: 500,
          successRate: { requestVolume: 10, minimumHosts: 3 },
          failurePercentage: { requestVolume: 10, minimumHosts: 3 },
        },
      },
    ]),
    // Not for those that hash.
    ...(isHashed ? {} : chance.oneOf([{}, { slowStart: { windowMs: 1_000 } }])),
    ...chance.oneOf([{}, {}, { adaptiveConcurrency: { minRttIntervalMs: 2_000 } }]),
    ...chance.oneOf([
      {},
      { connections: { maxRequests: 10 } },
      { connections: { maxAgeMs: 1_000 } },
      { connections: { prewarm: 2 } },
    ]),
  };
}

function rule(chance: Chance): NonNullable<Setup["rule"]> {
  return {
    ...chance.oneOf([{}, { requestTimeoutMs: chance.int(200, 2_000) }]),
    ...chance.oneOf([{}, { backendRequestTimeoutMs: chance.int(100, 1_000) }]),
    ...chance.oneOf([{}, {}, { faults: [fault(chance)] }, { faults: [fault(chance), fault(chance)] }]),
    retry: {
      attempts: chance.int(0, 4),
      on: chance.oneOf([["5xx"], ["5xx"], ["gateway-error"], ["connect-failure"]] as const),
      ...chance.oneOf([{}, { perTryTimeoutMs: chance.int(50, 500) }]),
      ...chance.oneOf([
        {},
        { hedge: { kind: "delay", ms: chance.int(5, 100) } as const },
        { hedge: { kind: "percentile", share: 0.9 } as const },
      ]),
    },
  };
}

function fault(chance: Chance): Fault {
  const minMs = chance.int(1, 300);
  return {
    source: "chaos",
    share: chance.real(0, 0.5),
    ...chance.oneOf<Partial<Fault>>([
      { delay: { minMs, maxMs: 2 * minMs } },
      { abort: { kind: "status", status: 503 } },
      { abort: { kind: "reset" }, delay: { minMs, maxMs: minMs } },
      { bytesPerSecond: chance.int(1, 100) },
    ]),
  };
}

function phases(chance: Chance): readonly Phase[] {
  const list: Phase[] = [];
  for (let from = 0; from < 9_000; from += chance.int(300, 5_000))
    list.push({ from, conduct: conduct(chance) });
  return [...list, { from: 9_500, conduct: {} }];
}

function conduct(chance: Chance): Conduct {
  const ms = chance.oneOf([1, 5, 20, 200]);
  return {
    ms,
    ...chance.oneOf<Conduct>([
      {},
      {},
      {},
      { errors: chance.real(0, 1), status: chance.oneOf([500, 502, 503]) },
      { resets: chance.real(0, 1) },
      { silent: chance.real(0, 0.3) },
      { drips: chance.real(0, 1) },
      { cuts: chance.real(0, 0.5), drips: 0.2 },
      { workers: chance.int(1, 4) },
      { connects: "refuse" },
      { connects: "ignore" },
      { isFrozen: true },
    ]),
    ...chance.oneOf([{}, {}, { severs: true }]),
  };
}
