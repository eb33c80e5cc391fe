import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chiSquareP } from "../../../test/harness/chi-square.ts";
import { seededRandom } from "../../../test/harness/random.ts";
import { runs } from "../../../test/harness/runs.ts";
import { Split } from "./split.ts";

/** The last number before 1 that `Math.random` can give. */
const ALMOST_ONE = 1 - 2 ** -53;

function splitOf(weights: readonly number[]): Split {
  return new Split(weights.map((weight, i) => ({ weight, cluster: `v${i}` })));
}

describe("split", () => {
  it.each([
    ["a canary", [90, 10]],
    ["a share of one in a thousand", [999, 1]],
    ["three, one of them off", [50, 0, 25]],
    ["off at both ends", [0, 3, 7, 0]],
    ["one alone", [5]],
    ["large weights", [1_000_000, 500_000, 1]],
    ["16 backends", Array.from({ length: 16 }, (_, i) => i + 1)],
  ])("%s: 100,000 picks fit the weights at p > 0.001", (_name, weights) => {
    const split = splitOf(weights);
    const random = seededRandom(weights.length * 1_000 + 17);
    const counts = weights.map(() => 0);
    for (let i = 0; i < 100_000; i++) counts[split.pick(random())]!++;
    expect(chiSquareP(counts, weights)).toBeGreaterThan(0.001);
  });

  it("all weights zero, or no backend: none", () => {
    for (const weights of [[], [0], [0, 0, 0]])
      for (const random of [0, 0.5, ALMOST_ONE]) expect(splitOf(weights).pick(random)).toBe(-1);
  });

  it("never picks a weight of zero, at the edges of its range neither", () => {
    const weights = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1_000_000 })), {
      minLength: 1,
      maxLength: 16,
    });
    const random = fc.oneof(
      fc.constantFrom(0, ALMOST_ONE, 2 ** -1074, 0.5),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    );
    fc.assert(
      fc.property(weights, random, (weights, random) => {
        const picked = splitOf(weights).pick(random);
        if (weights.every((weight) => weight === 0)) expect(picked).toBe(-1);
        else expect(weights[picked]).toBeGreaterThan(0);
      }),
      runs(2_000),
    );
  });

  it("each edge belongs to the backend behind it", () => {
    const split = splitOf([1, 1, 2]);
    expect([0, 0.2499, 0.25, 0.4999, 0.5, ALMOST_ONE].map((random) => split.pick(random))).toEqual([
      0, 0, 1, 1, 2, 2,
    ]);
  });
});
