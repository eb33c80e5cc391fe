import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { Bucket } from "./bucket.ts";

it("begins full, empties, and fills by itself", () => {
  const bucket = new Bucket({ flow: 0.01, cap: 2 }, 0);
  bucket.tokens -= 2;
  bucket.refill(50);
  expect(bucket.tokens).toBe(0.5);
  bucket.refill(150);
  expect(bucket.tokens).toBe(1.5);
  bucket.refill(1_000_000);
  expect(bucket.tokens).toBe(2);
});

it("a clock that goes back fills nothing", () => {
  const bucket = new Bucket({ flow: 1, cap: 10 }, 100);
  bucket.tokens = 0;
  bucket.refill(50);
  bucket.refill(100);
  expect(bucket.tokens).toBe(0);
});

it("lets pass what it held and what came in, whatever the moments of asking", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 100 }), gaps, (cap, perS, all) => {
      const bucket = new Bucket({ flow: perS / 1_000, cap }, 0);
      let now = 0;
      let passed = 0;
      for (const gap of all) {
        now += gap;
        bucket.refill(now);
        if (bucket.tokens < 1) continue;
        bucket.tokens--;
        passed++;
        expect(passed).toBeLessThanOrEqual(cap + (now * perS) / 1_000 + 1e-6);
      }
    }),
    runs(),
  );
});

it("lent: what there is no room for is given back, and no token is lost or made", () => {
  const bucket = new Bucket({ flow: 0.1, cap: 100 }, 0);
  bucket.lend({ flow: 0.01, cap: 20 }, 5, 0);
  expect(bucket.tokens).toBe(105);
  expect(bucket.takeSurplus()).toBe(85);
  bucket.refill(1_000);
  expect([bucket.tokens, bucket.takeSurplus()]).toEqual([20, 10]);
  expect(bucket.takeSurplus()).toBe(0);
});

it("back to a common share, it holds no more than that", () => {
  const bucket = new Bucket({ flow: 0.1, cap: 100 }, 0);
  bucket.lend({ flow: 0.1, cap: 100 }, 0, 0);
  bucket.release({ flow: 0.01, cap: 10 }, 0);
  expect([bucket.tokens, bucket.isLent]).toEqual([10, false]);
});
