import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistogram } from "./histogram.ts";

describe("percentiles", () => {
  it("are within a thousandth of those of the sorted values", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (values) => {
          const histogram = new LatencyHistogram();
          for (const value of values) histogram.record(value);
          const sorted = values.toSorted((a, b) => a - b);
          for (const percentile of [50, 90, 99, 100]) {
            const exact = sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? 0;
            // A thousandth, or the microsecond that is the unit.
            expect(Math.abs(histogram.at(percentile) - exact)).toBeLessThanOrEqual(exact / 500 + 0.001);
          }
        },
      ),
    );
  });

  it("of nothing are 0", () => {
    expect(new LatencyHistogram().summary()).toMatchObject({ count: 0, min: 0, p50: 0, max: 0, curve: [] });
  });

  it("more than an hour counts as an hour, and less than nothing as nothing", () => {
    const histogram = new LatencyHistogram();
    histogram.record(7_200_000);
    histogram.record(-5);
    expect([histogram.count, histogram.summary().min]).toEqual([2, 0]);
    expect(histogram.at(100)).toBeGreaterThan(3_590_000);
  });
});

it("the curve rises to the maximum and has the usual percentiles in it", () => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms <= 10_000; ms++) histogram.record(ms);
  const { curve, p99_9 } = histogram.summary();
  expect(curve[0]).toEqual([0, expect.any(Number)]);
  expect(curve.at(-1)).toEqual([100, 10_000]);
  expect(curve).toContainEqual([99.9, p99_9]);
  expect(
    curve.every(
      ([at, ms], i) => i === 0 || (at > (curve[i - 1]?.[0] ?? 0) && ms >= (curve[i - 1]?.[1] ?? 0)),
    ),
  ).toBe(true);
  expect(curve.length).toBeLessThan(130);
});
