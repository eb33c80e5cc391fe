import { expect, it } from "vitest";
import type { DemandReport, Lease, RateLimitRules } from "../../discovery/rate-limit.ts";
import { Lessee } from "./lessee.ts";

const numbers = { ports: [80], requests: 100, perMs: 1_000, burst: 100, key: [] };
const RULES: readonly RateLimitRules[] = [
  { id: "default/own/0", ...numbers },
  { id: "default/mesh/0", ...numbers, mesh: { instances: 2 } },
];

function demand(limit: string, part: number, wanted: number): DemandReport {
  const said = { limit, demand: wanted, level: 0, returned: 0, flow: 50, isLent: false };
  return { part, demands: [said], dropped: [] };
}

it("limits of the mesh are the control plane's, others are shared out here", () => {
  const toPlane: DemandReport[] = [];
  const toLoop: (readonly [number, readonly Lease[]])[] = [];
  const lessee = new Lessee({
    rulesOf: (limit) => RULES.find(({ id }) => id === limit),
    toPlane: (report) => void toPlane.push(report),
    toLoop: (...what) => void toLoop.push(what),
    now: () => 0,
  });
  lessee.take(demand("default/own/0", 0, 300));
  lessee.take(demand("default/own/0", 1, 100));
  expect(toPlane).toEqual([]);
  expect(toLoop.map(([loop, [lease]]) => [loop, Math.round(lease?.flow ?? 0)])).toEqual([
    [0, 100],
    [0, 75],
    [1, 25],
  ]);

  toLoop.length = 0;
  lessee.take(demand("default/mesh/0", 1, 300));
  expect([toPlane, toLoop]).toEqual([[demand("default/mesh/0", 1, 300)], []]);
  const leases = [{ limit: "default/mesh/0", flow: 10, cap: 10, grant: 0 }];
  lessee.lend({ part: 1, leases });
  expect(toLoop).toEqual([[1, leases]]);
});
