import fc from "fast-check";
import { expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { RateLimiter } from "./rate-limit.ts";

it("gives the burst, then what time brings, and says when to come back", () => {
  const limiter = new RateLimiter({ burst: 2, perSecond: 4, maxKeys: 10 });
  expect([0, 0, 0].map((now) => limiter.take("a", now))).toEqual([0, 0, 250]);
  expect(limiter.take("b", 0)).toBe(0);
  expect(limiter.take("a", 100)).toBe(150);
  expect(limiter.take("a", 250)).toBe(0);
  expect([60_000, 60_000, 60_000].map((now) => limiter.take("a", now))).toEqual([0, 0, 250]);
});

it("never gives more than burst and rate allow, and whoever waits as told is served", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 400 }), { maxLength: 100 }), (waits) => {
      const limiter = new RateLimiter({ burst: 5, perSecond: 10, maxKeys: 1 });
      let now = 0;
      let given = 0;
      for (const wait of waits) {
        now += wait;
        const retryAfter = limiter.take("a", now);
        if (retryAfter > 0) {
          now += retryAfter;
          expect(limiter.take("a", now)).toBe(0);
        }
        expect(++given).toBeLessThanOrEqual(5 + now / 100 + 1e-6);
      }
    }),
    runs(),
  );
});

it("forgets the key that was used longest ago", () => {
  const limiter = new RateLimiter({ burst: 1, perSecond: 1, maxKeys: 2 });
  for (const key of ["a", "b", "a"]) limiter.take(key, 0);
  limiter.take("c", 0);
  expect(limiter.take("a", 0)).toBe(1000);
  expect(limiter.take("b", 0)).toBe(0);
});
