/** Waits grow, never beyond their limit, and are never the same for all. */
import { expect, it } from "vitest";
import { backOffMs } from "./back-off.ts";

it("doubles from the first to the longest, with jitter above half", () => {
  const limits = { firstMs: 100, longestMs: 1_000 };
  expect([1, 2, 3, 4, 5, 500].map((n) => backOffMs(n, limits, () => 1))).toEqual([
    100, 200, 400, 800, 1_000, 1_000,
  ]);
  expect(backOffMs(3, limits, () => 0)).toBe(200);
});
