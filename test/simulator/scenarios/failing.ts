/** Endpoints that fail: now and then, half of the time, all together, one after the other. */
import type { RetryPolicy } from "../../../src/discovery/resilience.ts";
import { isGood, percentile, type Report, successRate } from "../report.ts";
import { instances, type Scenario } from "../scenario.ts";

/** Whatever fails is tried again, where that does no harm. */
export const RETRY: RetryPolicy = { attempts: 2, on: ["5xx"] };

export const flapping: Scenario = {
  name: "one endpoint flaps",
  runs: 12,
  draw(chance) {
    const count = chance.int(3, 30);
    const period = chance.int(500, 4_000);
    const down = chance.oneOf([
      { connects: "refuse", severs: true },
      { connects: "ignore", severs: true },
      { errors: 1 },
      { resets: 1 },
    ] as const);
    const phases = Array.from({ length: Math.floor(20_000 / period) }, (_, i) => ({
      from: i * period,
      conduct: i % 2 === 0 ? {} : down,
    }));
    return {
      instances: instances(count, (index) => ({
        phases: index === 0 ? phases : [{ from: 0, conduct: {} }],
      })),
      cluster: {
        loadBalancer: chance.policy(),
        connectTimeoutMs: chance.int(100, 1_000),
        outlier: { baseEjectionMs: chance.int(1_000, 5_000), intervalMs: 1_000 },
      },
      rule: { retry: RETRY, requestTimeoutMs: 5_000 },
      load: {
        phases: [{ from: 0, perSecond: chance.int(100, 500) }],
        unsafe: chance.oneOf([0, 0.2]),
        leaving: chance.oneOf([0, 0.02]),
      },
      durationMs: 20_000,
    };
  },
  judge: ({ outcomes }) =>
    atLeast(
      "success of what may be retried",
      successRate(outcomes.filter(({ request }) => request.isSafe && !request.leaves)),
      0.995,
    ),
};

export const halfDead: Scenario = {
  name: "one endpoint is half dead",
  runs: 12,
  draw(chance) {
    const count = chance.int(3, 30);
    return {
      instances: instances(count, (index) => ({
        phases: [{ from: 0, conduct: index === 0 ? { errors: 0.5, status: chance.oneOf([500, 503]) } : {} }],
      })),
      cluster: {
        loadBalancer: chance.policy(),
        outlier: {
          consecutive5xx: 5,
          intervalMs: 2_000,
          failurePercentage: { threshold: 40, minimumHosts: 3, requestVolume: 20 },
        },
      },
      rule: { retry: RETRY },
      load: { phases: [{ from: 0, perSecond: chance.int(100, 500) }], leaving: chance.oneOf([0, 0.02]) },
      durationMs: 15_000,
    };
  },
  judge: ({ outcomes }) =>
    atLeast("success", successRate(outcomes.filter(({ request }) => !request.leaves)), 0.99),
};

export const storm: Scenario = {
  name: "all endpoints fail 30 % of requests",
  runs: 12,
  draw(chance) {
    const how = chance.oneOf([{ errors: 0.3 }, { resets: 0.3 }, { errors: 0.2, resets: 0.1 }]);
    return {
      instances: instances(chance.int(3, 30), () => ({
        phases: [{ from: 0, conduct: { ...how, ms: chance.int(2, 50) } }],
      })),
      cluster: { loadBalancer: chance.policy(), ...chance.oneOf([{}, { outlier: {} }]) },
      rule: { retry: { ...RETRY, attempts: chance.int(1, 5) } },
      load: { phases: [{ from: 0, perSecond: chance.int(200, 1_000) }], unsafe: chance.oneOf([0, 0.3]) },
      durationMs: 15_000,
    };
  },
  judge({ outcomes, load, notes }) {
    notes.set("tries per request", load);
    const minimum = 16 * 10;
    return load <= 1.2 + minimum / outcomes.length ? [] : [`${load} tries per request`];
  },
};

const HOLE = { from: 4_000, to: 7_000 };

export const herd: Scenario = {
  name: "all clients come back after a blackhole",
  runs: 12,
  draw(chance) {
    const count = chance.int(3, 20);
    const workers = chance.int(4, 10);
    // Half of what the instances can bear.
    const perSecond = (0.5 * count * workers * 1_000) / 5;
    const frozen = chance.oneOf([
      { isFrozen: true, workers },
      { connects: "ignore", silent: 1, workers },
    ] as const);
    return {
      instances: instances(count, () => ({
        phases: [
          { from: 0, conduct: { workers } },
          { from: HOLE.from, conduct: frozen },
          { from: HOLE.to, conduct: { workers } },
        ],
      })),
      cluster: {
        loadBalancer: chance.policy(),
        connectTimeoutMs: 250,
        breaker: { maxPending: chance.int(10, 200), maxConnections: 50 * count, maxRequests: 60 * count },
        outlier: { baseEjectionMs: 1_000, intervalMs: 1_000 },
      },
      rule: { retry: { ...RETRY, perTryTimeoutMs: 500 }, requestTimeoutMs: 1_500 },
      load: {
        phases: [{ from: 0, perSecond: Math.min(800, perSecond) / 2 }],
        callers: { count: chance.int(20, 200), pauseMs: 250 },
      },
      durationMs: 12_000,
    };
  },
  judge: ({ outcomes, notes }) => recovered(outcomes, HOLE.to, 2_000, notes),
};

export const rollingRestart: Scenario = {
  name: "all endpoints restart one after the other",
  runs: 12,
  draw(chance) {
    const count = chance.int(3, 12);
    const every = chance.int(1_000, 2_000);
    const down = chance.int(200, 900);
    const isGentle = chance.oneOf([true, false]);
    return {
      instances: instances(count, (index) => {
        const from = 1_000 + index * every;
        return {
          phases: [
            { from: 0, conduct: {} },
            { from, conduct: { connects: "refuse", severs: true } },
            { from: from + down, conduct: isGentle ? {} : { ms: 20 } },
            { from: from + down + 500, conduct: {} },
          ],
        };
      }),
      cluster: {
        loadBalancer: chance.policy(),
        outlier: { baseEjectionMs: 1_000, intervalMs: 500 },
        slowStart: { windowMs: chance.int(500, 2_000) },
      },
      rule: { retry: { ...RETRY, attempts: 3 } },
      load: { phases: [{ from: 0, perSecond: chance.int(100, 500) }] },
      durationMs: 2_000 + count * every,
    };
  },
  judge: ({ outcomes }) => atLeast("success", successRate(outcomes), 0.99),
};

export const panic: Scenario = {
  name: "most endpoints are unwell",
  runs: 8,
  draw(chance) {
    const count = chance.int(5, 30);
    const bad = Math.ceil(0.7 * count);
    return {
      instances: instances(count, (index) => ({
        phases: [
          { from: 0, conduct: {} },
          { from: 3_000, conduct: index < bad ? { errors: chance.real(0.3, 1) } : {} },
          { from: 9_000, conduct: {} },
        ],
      })),
      cluster: {
        loadBalancer: chance.policy(),
        panicThreshold: chance.oneOf([0, 50]),
        outlier: {
          maxEjectionPercent: chance.oneOf([10, 50, 100]),
          baseEjectionMs: 1_000,
          intervalMs: 1_000,
        },
      },
      rule: { retry: RETRY },
      load: { phases: [{ from: 0, perSecond: chance.int(100, 400) }] },
      durationMs: 15_000,
    };
  },
  judge: (report) => atLeast("success after the end", successRate(report.between(11_500, 15_000)), 1),
};

export function atLeast(what: string, is: number, least: number): readonly string[] {
  return is >= least ? [] : [`${what}: ${is}, not ${least}`];
}

/** All is well again within `ms` after `end`. */
export function recovered(
  outcomes: Report["outcomes"],
  end: number,
  ms: number,
  notes: Report["notes"],
): readonly string[] {
  const bad = outcomes.filter((outcome) => !isGood(outcome) && outcome.request.at >= end);
  const last = bad.reduce((latest, { request }) => Math.max(latest, request.at), end) - end;
  notes.set("ms to recover", last);
  notes.set(
    "p99 before, in ms",
    percentile(
      outcomes.filter(({ request: { at } }) => at < end - 3_000),
      0.99,
    ),
  );
  return last <= ms ? [] : [`requests still fail ${last} ms after the end`];
}
