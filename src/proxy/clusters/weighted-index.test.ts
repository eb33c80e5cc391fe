import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { WeightedIndex } from "./weighted-index.ts";

it("finds what walking along the weights finds", () => {
  const weights = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 40 });
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(weights, share, (weights, share) => {
      const index = new WeightedIndex(weights);
      fc.pre(index.total > 0);
      const point = share * index.total;
      let left = point;
      const walked = weights.findIndex((weight) => {
        if (left < weight) return true;
        left -= weight;
        return false;
      });
      expect(index.at(point)).toBe(walked);
      expect(weights[index.at(point)]).toBeGreaterThan(0);
    }),
    runs(2_000),
  );
});

it("knows its total, its size and whether all weigh the same", () => {
  expect(new WeightedIndex([])).toMatchObject({ total: 0, size: 0, isUniform: true });
  expect(new WeightedIndex([2, 2])).toMatchObject({ total: 4, size: 2, isUniform: true });
  expect(new WeightedIndex([2, 1])).toMatchObject({ total: 3, size: 2, isUniform: false });
});
