/** Keys keep their endpoint while others come and go, and nobody takes much more than the others. */
import { isGood } from "../report.ts";
import { instances, type Scenario } from "../scenario.ts";

export const sticky: Scenario = {
  name: "keys stay where they are under churn",
  runs: 10,
  draw(chance) {
    const count = chance.int(4, 20);
    const dead = chance.int(0, count - 2);
    return {
      instances: instances(count, (index) => ({
        phases: [
          { from: 0, conduct: {} },
          { from: 4_000, conduct: index === dead ? { connects: "refuse", severs: true } : {} },
          { from: 8_000, conduct: {} },
        ],
      })),
      atStart: count - 1,
      cluster: {
        loadBalancer: chance.oneOf(["ringHash", "maglev"] as const),
        hash: { kind: "header", name: "x-key" },
        outlier: { baseEjectionMs: 3_000, intervalMs: 500 },
      },
      rule: { retry: { attempts: 2, on: ["5xx"] } },
      load: { phases: [{ from: 0, perSecond: 400 }], keys: chance.int(50, 500) },
      // The last instance comes when all others are well again.
      changes: [{ at: 14_000, change: (world) => world.setEndpoints(world.instances) }],
      durationMs: 20_000,
    };
  },
  judge({ outcomes, world }, { cluster, instances: all }) {
    const homes = new Map<number, Set<number>>();
    const moved = new Set<number>();
    const dead = all.findIndex(({ phases }) => phases[1]?.conduct.severs === true);
    const newcomer = all.length - 1;
    const wrong: string[] = [];
    for (const outcome of outcomes) {
      const { key, instance, at } = outcome.request;
      if (!isGood(outcome)) continue;
      const known = homes.get(key) ?? new Set();
      homes.set(key, known);
      known.add(instance);
      if (at >= 14_000 && instance === newcomer) moved.add(key);
    }
    for (const [key, known] of homes) {
      const homesOfKey = [...known].filter((index) => index !== newcomer);
      if (homesOfKey.length > 1 && !known.has(dead)) wrong.push(`key ${key} was at ${[...known].join(" ")}`);
      if (homesOfKey.length > 2) wrong.push(`key ${key} wandered over ${[...known].join(" ")}`);
    }
    const fair = homes.size / all.length;
    if (moved.size > fair + 6 * Math.sqrt(fair) + 3) wrong.push(`${moved.size} keys moved to the newcomer`);
    if (world.cluster.settings.loadBalancer !== cluster.loadBalancer) wrong.push("another policy");
    // Maglev moves a few keys more than it must.
    return cluster.loadBalancer === "maglev" ? wrong.slice(Math.ceil(0.1 * homes.size)) : wrong;
  },
};

export const bounded: Scenario = {
  name: "hashed load is bounded",
  runs: 8,
  draw(chance) {
    const count = chance.int(3, 20);
    const isOneDead = chance.oneOf([true, false]);
    return {
      instances: instances(count, (index) => ({
        phases: [{ from: 0, conduct: index === 0 && isOneDead ? { connects: "refuse" } : { ms: 50 } }],
      })),
      cluster: {
        loadBalancer: chance.oneOf(["ringHash", "maglev"] as const),
        hash: { kind: "header", name: "x-key" },
        hashBalanceFactor: chance.oneOf([110, 125, 150, 200]),
        outlier: { baseEjectionMs: 60_000 },
      },
      rule: { retry: { attempts: 2, on: ["5xx"] } },
      // Few keys: without the bound some would have several times the mean.
      load: { phases: [{ from: 0, perSecond: 1_000 }], keys: chance.int(2, 30) },
      durationMs: 10_000,
    };
  },
};
