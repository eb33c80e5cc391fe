/** The common suite of all balancers, then what is each one's own. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chiSquareP } from "../../../test/harness/chi-square.ts";
import { seededRandom } from "../../../test/harness/random.ts";
import { runs } from "../../../test/harness/runs.ts";
import type { LoadBalancerPolicy } from "../../discovery/messages.ts";
import { type Balancer, makeBalancer } from "./balancer.ts";

const POLICIES: readonly LoadBalancerPolicy[] = ["leastRequest", "roundRobin", "random"];

interface Instance {
  active: number;
  weight: number;
}

const idle = (weights: readonly number[]): Instance[] => weights.map((weight) => ({ active: 0, weight }));

function count(balancer: Balancer, size: number, picks: number): number[] {
  const counts = new Array<number>(size).fill(0);
  for (let i = 0; i < picks; i++) counts[balancer.pick()]!++;
  return counts;
}

describe.each(POLICIES)("%s", (policy) => {
  it("has nobody to pick among none, or among weights of zero", () => {
    for (const weights of [[], [0], [0, 0]])
      expect(makeBalancer(policy, idle(weights), seededRandom(1)).pick()).toBe(-1);
  });

  it("picks an endpoint with a weight over zero, whatever the weights, the load and the random numbers", () => {
    const weight = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000 }));
    const instances = fc.array(fc.record({ active: fc.nat(50), weight }), { minLength: 1, maxLength: 20 });
    const random = fc.infiniteStream(
      fc.oneof(
        fc.constantFrom(0, 1 - 2 ** -53),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      ),
    );
    fc.assert(
      fc.property(instances, random, (instances, random) => {
        const balancer = makeBalancer(policy, instances, () => random.next().value);
        for (let i = 0; i < 20; i++) {
          const picked = balancer.pick();
          if (instances.every((instance) => instance.weight === 0)) expect(picked).toBe(-1);
          else expect(instances[picked]?.weight).toBeGreaterThan(0);
        }
      }),
      runs(500),
    );
  });

  it.each([[[1, 1, 1, 1]], [[3, 1]], [[1, 2, 3, 4, 0]], [[100, 1]]])(
    "idle endpoints of weights %j get their shares",
    (weights) => {
      const counts = count(makeBalancer(policy, idle(weights), seededRandom(11)), weights.length, 100_000);
      expect(chiSquareP(counts, weights)).toBeGreaterThan(0.001);
    },
  );

  it("shares hold under load too: 64 requests always in flight, of random lengths", () => {
    const weights = [4, 2, 1, 1];
    const instances = idle(weights);
    const random = seededRandom(5);
    const balancer = makeBalancer(policy, instances, random);
    const inFlight: number[] = [];
    const counts = weights.map(() => 0);
    for (let i = 0; i < 50_000; i++) {
      const picked = balancer.pick();
      counts[picked]!++;
      instances[picked]!.active++;
      inFlight.push(picked);
      if (inFlight.length > 64) {
        const [done = 0] = inFlight.splice(Math.floor(random() * inFlight.length), 1);
        instances[done]!.active--;
      }
    }
    for (const [i, weight] of weights.entries()) expect((counts[i]! / 50_000) * 8).toBeCloseTo(weight, 0);
  });

  it("a single endpoint gets everything", () => {
    expect(count(makeBalancer(policy, idle([7]), seededRandom(1)), 1, 10)).toEqual([10]);
  });
});

describe("leastRequest", () => {
  it("of two it takes the less loaded, always", () => {
    const instances = [
      { active: 5, weight: 1 },
      { active: 4, weight: 1 },
    ];
    expect(count(makeBalancer("leastRequest", instances, seededRandom(2)), 2, 1_000)).toEqual([0, 1_000]);
  });

  it("of many, the most loaded gets nothing and the least loaded twice its share", () => {
    const instances = [9, 1, 2, 3, 4].map((active) => ({ active, weight: 1 }));
    const counts = count(makeBalancer("leastRequest", instances, seededRandom(3)), 5, 100_000);
    // An endpoint wins against each of those that have more: 0, 4, 3, 2 and 1 pairs of 10.
    expect(counts[0]).toBe(0);
    expect(chiSquareP(counts, [0, 4, 3, 2, 1])).toBeGreaterThan(0.001);
  });

  it("load is judged by weight: four requests on weight 4 are as many as one on weight 1", () => {
    const instances = [
      { active: 5, weight: 4 },
      { active: 1, weight: 1 },
    ];
    const counts = count(makeBalancer("leastRequest", instances, seededRandom(4)), 2, 100_000);
    // The heavy one is taken only where both choices fell on it: (4/5)².
    expect(chiSquareP(counts, [16, 9])).toBeGreaterThan(0.001);
  });

  it("a slow endpoint is spared: it gets under half of what a fair share would be", () => {
    const instances = idle([1, 1, 1, 1]);
    const random = seededRandom(6);
    const balancer = makeBalancer("leastRequest", instances, random);
    const slow: number[] = [];
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 20_000; i++) {
      const picked = balancer.pick();
      counts[picked]!++;
      instances[picked]!.active++;
      // The first endpoint keeps each request for 20 turns, the others for none.
      if (picked !== 0) instances[picked]!.active--;
      else slow.push(i);
      if (slow[0] !== undefined && i - slow[0] >= 20) {
        slow.shift();
        instances[0]!.active--;
      }
    }
    expect(counts[0]).toBeLessThan(2_500);
    expect(counts[0]).toBeGreaterThan(0);
  });
});

describe("roundRobin", () => {
  it("equal weights: every turn visits everybody once, in the same order", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), (size, seed) => {
        const balancer = makeBalancer(
          "roundRobin",
          idle(new Array<number>(size).fill(3)),
          seededRandom(seed),
        );
        const turn = Array.from({ length: size }, () => balancer.pick());
        expect(turn.toSorted((a, b) => a - b)).toEqual(turn.map((_, i) => i));
        expect(Array.from({ length: size }, () => balancer.pick())).toEqual(turn);
      }),
      runs(),
    );
  });

  it("unequal weights: after any number of picks, everybody is within five of the exact share", () => {
    const weights = fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(weights, fc.integer(), (weights, seed) => {
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        fc.pre(total > 0);
        const balancer = makeBalancer("roundRobin", idle(weights), seededRandom(seed));
        const counts = weights.map(() => 0);
        for (let n = 1; n <= 2_000; n++) {
          counts[balancer.pick()]!++;
          for (const [i, weight] of weights.entries())
            if (Math.abs(counts[i]! - (n * weight) / total) > 5)
              expect.fail(`${counts} after ${n} of ${weights}`);
        }
      }),
      runs(60),
    );
  });
});
