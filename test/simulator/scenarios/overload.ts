/** More than can be borne at once, and slow answers that a second try overtakes. */
import { isGood, percentile, successRate } from "../report.ts";
import { simulate } from "../run.ts";
import { instances, type Scenario } from "../scenario.ts";
import { atLeast } from "./failing.ts";

const SERVICE_MS = 10;

export const adaptive: Scenario = {
  name: "adaptive concurrency finds the knee",
  runs: 8,
  draw(chance) {
    const count = chance.int(3, 6);
    const workers = chance.int(4, 10);
    const capacity = (count * workers * 1_000) / SERVICE_MS;
    return {
      instances: instances(count, () => ({
        phases: [{ from: 0, conduct: { ms: SERVICE_MS, spread: "fixed", workers } }],
      })),
      cluster: {
        loadBalancer: "leastRequest",
        adaptiveConcurrency: { minRttIntervalMs: 60_000, minConcurrency: 3, maxConcurrency: 1_000 },
        breaker: { maxRequests: 10_000, maxConnections: 10_000, maxPending: 10_000 },
      },
      load: { phases: [{ from: 0, perSecond: capacity * chance.real(1.2, 2) }] },
      durationMs: 6_000,
    };
  },
  judge(report, { instances: all }) {
    const workers = all[0]?.phases[0]?.conduct.workers ?? 0;
    const capacity = (all.length * workers * 1_000) / SERVICE_MS;
    const settled = report.between(2_000, 6_000);
    const good = settled.filter(isGood);
    const share = good.length / 4 / capacity;
    const p99 = percentile(good, 0.99);
    report.notes.set("goodput by capacity", share);
    report.notes.set("p99 of those let in, in ms", p99);
    const wrong = p99 <= 10 * SERVICE_MS ? [] : [`p99 of those let in is ${p99} ms`];
    return [...wrong, ...atLeast("goodput by capacity", share, 0.9)];
  },
};

export const hedging: Scenario = {
  name: "hedges overtake slow answers",
  runs: 10,
  draw(chance) {
    const count = chance.int(5, 20);
    return {
      instances: instances(count, (index) => ({
        phases: [{ from: 0, conduct: { ms: index === 0 ? 400 : 5 } }],
      })),
      cluster: { loadBalancer: chance.oneOf(["random", "roundRobin"] as const) },
      rule: {
        retry: {
          attempts: 1,
          on: ["5xx"],
          hedge: chance.oneOf([
            { kind: "delay", ms: 30 } as const,
            { kind: "percentile", share: 0.9 } as const,
          ]),
        },
      },
      load: { phases: [{ from: 0, perSecond: chance.int(100, 500) }], leaving: chance.oneOf([0, 0.02]) },
      durationMs: 15_000,
    };
  },
  judge({ outcomes, world, load, notes }, setup) {
    const without = simulate({ ...setup, rule: { retry: { attempts: 1, on: ["5xx"] } } }, world.seed);
    const ratio = percentile(outcomes, 0.99) / percentile(without.outcomes, 0.99);
    notes.set("p99 by that without", ratio);
    notes.set("tries per request", load);
    const wrong = load <= 1.2 ? [] : [`${load} tries per request`];
    return ratio <= 0.6 ? wrong : [...wrong, `p99 is ${ratio} of what it is without`];
  },
};

export const hedgedHole: Scenario = {
  name: "a hedge that finds no connection harms nobody",
  runs: 10,
  draw(chance) {
    const count = chance.int(6, 12);
    const timeouts = chance.oneOf([{}, { perTryTimeoutMs: 1_000 }]);
    return {
      instances: instances(count, (index) => ({
        phases: [
          { from: 0, conduct: { ms: 40 } },
          { from: 2_000, conduct: index === 0 ? { connects: "ignore", severs: true } : { ms: 100 } },
        ],
      })),
      cluster: {
        loadBalancer: chance.oneOf(["random", "roundRobin"] as const),
        connectTimeoutMs: 50,
        retryBudget: { percent: 100, minConcurrency: 100 },
      },
      rule: {
        retry: { attempts: 1, on: ["5xx"], hedge: { kind: "delay", ms: 60 }, ...timeouts },
      },
      load: { phases: [{ from: 0, perSecond: chance.int(50, 200) }], leaving: chance.oneOf([0, 0.02]) },
      durationMs: 10_000,
    };
  },
  judge: ({ outcomes }) =>
    atLeast("success", successRate(outcomes.filter(({ request }) => !request.leaves)), 0.995),
};
