import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../test/harness/runs.ts";
import { MIN_RENEWAL_DELAY_MS, RETRY_MAX_MS, renewAt, renewalDelayMs, retryDelayMs } from "./renewal.ts";

const HOUR = 3_600_000;
const DAY = { notBefore: 0, notAfter: 24 * HOUR };
const random = fc.double({ min: 0, max: 0.999999, noNaN: true });

it("a certificate of 24 h is renewed between 9:36 and 14:24, at 12 h on average", () => {
  expect(renewAt(DAY, 0)).toBeCloseTo(9.6 * HOUR);
  expect(renewAt(DAY, 0.5)).toBe(12 * HOUR);
  expect(renewAt(DAY, 1)).toBeCloseTo(14.4 * HOUR);
});

describe("clocks that jump", () => {
  it.each([
    ["an hour ahead", HOUR, 11 * HOUR],
    ["an hour back", -HOUR, 13 * HOUR],
    ["a year ahead", 365 * 24 * HOUR, MIN_RENEWAL_DELAY_MS],
    ["a year back", -365 * 24 * HOUR, 14.4 * HOUR],
  ])("%s", (_jump, now, delay) => {
    expect(renewalDelayMs(DAY, now, 0.5)).toBe(delay);
  });

  it("never make a loop of renewals, nor stop them", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), random, (now, chance) => {
        const delay = renewalDelayMs(DAY, now, chance);
        expect(delay).toBeGreaterThanOrEqual(MIN_RENEWAL_DELAY_MS);
        expect(delay).toBeLessThanOrEqual(14.4 * HOUR);
      }),
      runs(),
    );
  });
});

it("a control plane that is away for a half-life is asked about once a minute, by each at another time", () => {
  expect([1, 2, 3, 4, 7, 100].map((failures) => retryDelayMs(failures, 0.999999))).toEqual(
    [1, 2, 4, 8, 60, 60].map((seconds) => expect.closeTo(seconds * 1000, 0)),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e6 }), random, (failures, chance) => {
      const delay = retryDelayMs(failures, chance);
      expect(delay).toBeGreaterThanOrEqual(500);
      expect(delay).toBeLessThanOrEqual(RETRY_MAX_MS);
    }),
    runs(),
  );
});
