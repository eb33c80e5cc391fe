/** What the simulator has found, each as the smallest run that shows it. */
import { describe, expect, test } from "vitest";
import { isGood, type Report, successRate } from "./report.ts";
import { simulate } from "./run.ts";
import { instances, type Setup } from "./scenario.ts";

function run(setup: Setup): Report {
  const report = simulate(setup, 1);
  expect(report.violations).toEqual([]);
  return report;
}

const WELL = { phases: [{ from: 0, conduct: {} }] };
const BROKEN = { phases: [{ from: 0, conduct: { errors: 1 } }] };

describe("found by the simulator", () => {
  test("repeats of requests that a pooled connection took along were outside of the retry budget", () => {
    const { load } = run({
      instances: instances(5, () => ({ phases: [{ from: 0, conduct: { resets: 0.5 } }] })),
      cluster: {},
      rule: { retry: { attempts: 0 } },
      load: { phases: [{ from: 0, perSecond: 500 }] },
      durationMs: 5_000,
    });
    expect(load).toBeGreaterThan(1.05);
    expect(load).toBeLessThanOrEqual(1.2);
  });

  test("a hedge that got no connection in time ended the first try with it", () => {
    const { outcomes } = run({
      instances: instances(7, (index) => ({
        phases: [{ from: 0, conduct: index === 0 ? { connects: "ignore" } : { ms: 100 } }],
      })),
      cluster: { loadBalancer: "random", connectTimeoutMs: 50, retryBudget: { percent: 100 } },
      rule: { retry: { attempts: 1, on: ["5xx"], hedge: { kind: "delay", ms: 60 } } },
      load: { phases: [{ from: 0, perSecond: 150 }] },
      durationMs: 5_000,
    });
    expect(successRate(outcomes)).toBe(1);
  });

  test("the last endpoint was ejected when others weigh nothing", () => {
    const { ejections, outcomes } = run({
      instances: [BROKEN, { ...WELL, weight: 0 }, { ...WELL, weight: 0 }],
      cluster: { panicThreshold: 0, outlier: {} },
      load: { phases: [{ from: 0, perSecond: 100 }] },
      durationMs: 2_000,
    });
    expect(ejections.most).toBe(0);
    expect(new Set(outcomes.map(({ flag }) => flag))).toEqual(new Set(["-"]));
  });

  test("nobody was left when an update took away all but those that were ejected", () => {
    const report = run({
      instances: [BROKEN, BROKEN, WELL],
      cluster: { panicThreshold: 0, outlier: { maxEjectionPercent: 100 } },
      load: { phases: [{ from: 0, perSecond: 100 }] },
      changes: [{ at: 2_000, change: (world) => world.setEndpoints(world.instances.slice(0, 2)) }],
      durationMs: 3_000,
    });
    expect(report.ejections.most).toBe(2);
    expect(successRate(report.between(1_000, 2_000))).toBe(1);
    expect(new Set(report.between(2_000, 3_000).map(({ flag }) => flag))).toEqual(new Set(["-"]));
  });

  test.each(["ringHash", "maglev"] as const)(
    "%s: the bound on loads was given up when one is out",
    (loadBalancer) => {
      const { outcomes } = run({
        instances: instances(3, (index) => ({
          phases: [{ from: 0, conduct: index === 0 ? { errors: 1 } : { ms: 50 } }],
        })),
        cluster: {
          loadBalancer,
          hash: { kind: "header", name: "x-key" },
          hashBalanceFactor: 110,
          outlier: { baseEjectionMs: 60_000 },
        },
        load: { phases: [{ from: 0, perSecond: 1_000 }], keys: 3 },
        durationMs: 3_000,
      });
      expect(outcomes.filter((outcome) => !isGood(outcome)).length).toBeLessThan(20);
    },
  );
});
