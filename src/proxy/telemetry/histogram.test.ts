import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { LATENCY_BUCKETS, latencyBucket, latencyBucketMicros } from "../../discovery/latency.ts";
import { ENVOY_BUCKETS, envoyBucket } from "./histogram.ts";

describe("Envoy's buckets", () => {
  it("are those that dashboards ask for, in order", () => {
    expect(ENVOY_BUCKETS).toEqual([
      0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000,
      3600000,
    ]);
  });

  it("take values up to and with their bound, as `le` says", () => {
    const value = fc.oneof(
      fc.double({ min: 0, max: 4e6, noNaN: true }),
      fc.constantFrom(...ENVOY_BUCKETS, 0, 1e300),
    );
    fc.assert(
      fc.property(value, (value) => {
        const found = ENVOY_BUCKETS.findIndex((bound) => value <= bound);
        expect(envoyBucket(value)).toBe(found < 0 ? ENVOY_BUCKETS.length : found);
      }),
      runs(2_000),
    );
  });
});

describe("the log-linear histogram of load reports", () => {
  const micros = fc.oneof(fc.nat(100), fc.nat(100_000), fc.integer({ min: 0, max: 2 ** 32 - 1 }));

  it("a bucket holds its values, within 6.25 %, and buckets follow each other without a gap", () => {
    fc.assert(
      fc.property(micros, (value) => {
        const bucket = latencyBucket(value);
        expect(bucket).toBeLessThan(LATENCY_BUCKETS);
        const largest = latencyBucketMicros(bucket);
        expect(largest).toBeGreaterThanOrEqual(value);
        expect(largest - value).toBeLessThanOrEqual(value / 16);
        expect(latencyBucket(Math.min(largest, 2 ** 32 - 1))).toBe(bucket);
        if (bucket > 0) expect(latencyBucketMicros(bucket - 1)).toBeLessThan(value);
      }),
      runs(2_000),
    );
  });

  it("takes fractions and whatever is longer than an hour", () => {
    expect(latencyBucket(0.9)).toBe(0);
    expect(latencyBucket(15.9)).toBe(15);
    expect(latencyBucket(1e12)).toBe(LATENCY_BUCKETS - 1);
  });

  it("histograms of many sidecars merge by adding: the quantiles are those of all values together", () => {
    const values = fc.array(micros, { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(values, values, fc.constantFrom(0.5, 0.9, 0.99), (one, other, quantile) => {
        const counts = new Map<number, number>();
        for (const value of [...one, ...other]) {
          const bucket = latencyBucket(value);
          counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
        }
        const all = [...one, ...other].toSorted((a, b) => a - b);
        const exact = all[Math.ceil(all.length * quantile) - 1] ?? 0;
        let left = Math.ceil(all.length * quantile);
        let found = 0;
        for (const [bucket, count] of [...counts].toSorted(([a], [b]) => a - b)) {
          if (left > 0) found = bucket;
          left -= count;
        }
        expect(latencyBucketMicros(found)).toBeGreaterThanOrEqual(exact);
        expect(latencyBucketMicros(found)).toBeLessThanOrEqual(exact * 1.0625);
      }),
      runs(500),
    );
  });
});
