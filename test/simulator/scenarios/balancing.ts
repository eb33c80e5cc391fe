/** Who gets how much: slow endpoints, weights, newcomers, zones. */
import { chiSquareP } from "../../harness/chi-square.ts";
import { percentile, successRate } from "../report.ts";
import { simulate } from "../run.ts";
import { instances, type Scenario } from "../scenario.ts";
import { atLeast, RETRY } from "./failing.ts";

/** Below this a deviation is no chance: one seed in a million would give it. */
const NO_CHANCE = 1e-6;

export const slow: Scenario = {
  name: "one endpoint in ten is slow",
  runs: 10,
  draw(chance) {
    const ms = chance.int(2, 10);
    return {
      instances: instances(10, (index) => ({
        phases: [{ from: 0, conduct: { ms: index === 0 ? ms * chance.int(20, 100) : ms } }],
      })),
      cluster: { loadBalancer: "peakEwma" },
      load: { phases: [{ from: 0, perSecond: chance.int(200, 800) }] },
      durationMs: 20_000,
    };
  },
  judge({ outcomes, world, notes }, setup) {
    const inTurn = simulate({ ...setup, cluster: { loadBalancer: "roundRobin" } }, world.seed);
    const ratio = percentile(outcomes, 0.99) / percentile(inTurn.outcomes, 0.99);
    notes.set("p99 of peak EWMA by that of round robin", ratio);
    return ratio <= 0.5 ? [] : [`p99 is ${ratio} times that of round robin`];
  },
};

export const weights: Scenario = {
  name: "shares follow weights",
  runs: 10,
  draw(chance) {
    const heavy = chance.int(2, 9);
    return {
      instances: instances(chance.int(3, 30), (index) => ({
        weight: index === 0 ? 0 : index % 3 === 0 ? heavy : 1,
        phases: [{ from: 0, conduct: { ms: 1 } }],
      })),
      cluster: { loadBalancer: chance.oneOf(["random", "roundRobin", "leastRequest"] as const) },
      // One at a time: least request then gives everybody exactly the weight.
      load: { phases: [], callers: { count: 1, pauseMs: 2 } },
      durationMs: 60_000,
    };
  },
  judge({ world, notes }) {
    const counts = world.instances.map(({ arrivals }) => arrivals);
    const p = chiSquareP(
      counts,
      world.instances.map(({ resource }) => resource.weight),
    );
    notes.set("p", p);
    return p >= NO_CHANCE ? [] : [`shares ${counts.join(" ")} are no chance: p ${p}`];
  },
};

export const slowStart: Scenario = {
  name: "newcomers start slowly",
  runs: 8,
  draw(chance) {
    const count = chance.int(4, 20);
    const windowMs = chance.int(2_000, 8_000);
    return {
      instances: instances(count, () => ({ phases: [{ from: 0, conduct: {} }] })),
      atStart: count - 1,
      cluster: {
        loadBalancer: chance.oneOf(["random", "roundRobin", "leastRequest"] as const),
        slowStart: { windowMs, ...chance.oneOf([{}, { minWeight: 0.01 }, { minWeight: 0.3 }]) },
      },
      rule: { retry: RETRY },
      load: { phases: [{ from: 0, perSecond: 1_000 }] },
      changes: [{ at: 10_000, change: (world) => world.setEndpoints(world.instances) }],
      durationMs: 10_000 + 2 * windowMs,
    };
  },
  judge({ outcomes, world }, { cluster, durationMs }) {
    const windowMs = cluster.slowStart?.windowMs ?? 0;
    const newcomer = world.instances.length - 1;
    const share = (from: number, to: number) => {
      const during = outcomes.filter(({ request: { at } }) => at >= from && at < to);
      const own = during.filter(({ request: { instance } }) => instance === newcomer).length;
      return (own / during.length) * world.instances.length;
    };
    const early = share(10_000, 10_000 + windowMs / 4);
    const late = share(10_000 + windowMs, durationMs);
    const wrong: string[] = [];
    if (early > 0.6) wrong.push(`at first the newcomer gets ${early} of a share`);
    if (late < 0.75 || late > 1.25) wrong.push(`in the end the newcomer gets ${late} of a share`);
    return [...wrong, ...atLeast("success", successRate(outcomes), 1)];
  },
};

export const zoneLoss: Scenario = {
  name: "the client's zone dies and comes back",
  runs: 10,
  draw(chance) {
    const perZone = chance.int(2, 8);
    const down = chance.oneOf([
      { connects: "refuse", severs: true },
      { connects: "ignore", severs: true, silent: 1 },
      { errors: 1 },
    ] as const);
    return {
      zone: "a",
      instances: instances(3 * perZone, (index) => ({
        zone: ["a", "b", "c"][index % 3] ?? "a",
        phases: [
          { from: 0, conduct: {} },
          { from: 5_000, conduct: index % 3 === 0 ? down : {} },
          { from: 12_000, conduct: {} },
        ],
      })),
      cluster: {
        loadBalancer: chance.policy(),
        connectTimeoutMs: 200,
        outlier: { maxEjectionPercent: 50, baseEjectionMs: 1_000, intervalMs: 500 },
      },
      rule: { retry: { ...RETRY, perTryTimeoutMs: 200 } },
      load: { phases: [{ from: 0, perSecond: chance.int(200, 500) }] },
      durationMs: 20_000,
    };
  },
  judge(report) {
    const atHome = (from: number, to: number) => {
      const during = report.between(from, to);
      return during.filter(({ request: { instance } }) => instance % 3 === 0).length / during.length;
    };
    return [
      ...atLeast("share of the own zone before", atHome(0, 4_900), 1),
      ...atLeast("success while the zone is gone", successRate(report.between(7_000, 12_000)), 0.85),
      ...atLeast("share of others while the zone is gone", 1 - atHome(7_000, 12_000), 0.9),
      ...atLeast("share of the own zone after", atHome(17_000, 20_000), 0.99),
    ];
  },
};
