import { expect, it } from "vitest";
import { chiSquareP } from "./chi-square.ts";
import { below, seededRandom } from "./random.ts";

it.each([
  // From tables of the distribution: statistic 3.841 and 6.635 at one degree of freedom, 16.919 at nine.
  [[50 + 9.7997, 50 - 9.7997], [1, 1], 0.05],
  [[50 + 12.879, 50 - 12.879], [1, 1], 0.01],
  [[100 + 29.0852, 100 - 29.0852, ...new Array<number>(8).fill(100)], new Array<number>(10).fill(1), 0.05],
])("%j against %j: p = %d", (counts, weights, p) => {
  expect(chiSquareP(counts, weights)).toBeCloseTo(p, 4);
});

it("a weight of zero allows no count", () => {
  expect(chiSquareP([10, 1], [1, 0])).toBe(0);
  expect(chiSquareP([10, 0], [1, 0])).toBe(1);
});

it("is itself uniform: one in ten fair experiments falls under 0.1, and a bias of 2 % is found", () => {
  const random = seededRandom(7);
  let under = 0;
  for (let run = 0; run < 1_000; run++) {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 400; i++) counts[below(random, 4)]!++;
    if (chiSquareP(counts, [1, 1, 1, 1]) < 0.1) under++;
  }
  expect(under).toBeGreaterThan(70);
  expect(under).toBeLessThan(130);
  expect(chiSquareP([52_000, 48_000], [1, 1])).toBeLessThan(0.001);
});
