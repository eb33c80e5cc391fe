import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../test/harness/runs.ts";
import { shareFlow, shareStock, storeOf } from "./lease-share.ts";

const amounts = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
const sum = (all: readonly number[]) => all.reduce((a, b) => a + b, 0);

describe("the flow", () => {
  it("is never more than the limit, and all of it while that is asked for", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 1e6, noNaN: true }), amounts, (rate, demands) => {
        const flows = shareFlow(rate, demands);
        expect(sum(flows)).toBeLessThanOrEqual(rate * (1 + 1e-9));
        expect(Math.min(...flows)).toBeGreaterThan(0);
        if (sum(demands) >= rate) expect(sum(flows)).toBeGreaterThan(rate * (1 - 1e-9));
        else
          for (const [i, demand] of demands.entries()) expect(flows[i]).toBeGreaterThanOrEqual(demand * 0.99);
      }),
      runs(300),
    );
  });

  it("beyond the limit everybody gets the same share of what he asks for", () => {
    const [a = 0, b = 0, c = 0] = shareFlow(100, [300, 100, 0]);
    expect((a - c) / (b - c)).toBeCloseTo(3);
    expect(c).toBeCloseTo(0.33, 2);
  });

  it("is all of it for one alone", () => {
    expect(shareFlow(100, [0])).toEqual([100]);
  });
});

it("a stock goes to those who need it, and no further than it reaches", () => {
  expect(shareStock(10, [2, 3])).toEqual([2, 3]);
  expect(shareStock(10, [30, 10])).toEqual([7.5, 2.5]);
  expect(shareStock(-1, [30, 10])).toEqual([0, 0]);
  expect(shareStock(10, [0, 0])).toEqual([0, 0]);
});

it("stores hold the burst together, and each at least one request", () => {
  const size = { rate: 100, burst: 100 };
  for (const isShort of [false, true]) {
    const stores = shareFlow(100, [300, 100, 0, 0]).map((flow) => storeOf(size, 4, flow, isShort));
    expect(sum(stores)).toBeCloseTo(100);
  }
  expect(storeOf(size, 4, 0, false)).toBe(12.5);
  expect(storeOf(size, 4, 0, true)).toBe(1.25);
  expect(storeOf({ rate: 1, burst: 1 }, 20, 0, false)).toBe(1);
});
