/** Which lists are believed at once. */
import { expect, it } from "vitest";
import { confirms, isSuspicious } from "./shrinkage.ts";

it.each([
  [0, 0, false],
  [1, 0, true],
  [1, 1, false],
  [10, 5, false],
  [10, 4, true],
])("of %i objects %i are left: must be confirmed: %s", (before, left, expected) => {
  expect(isSuspicious({ before, left })).toBe(expected);
});

it("is confirmed by a list that has not filled up meanwhile", () => {
  expect(confirms({ before: 1_000, left: 3 }, { before: 1_000, left: 3 })).toBe(true);
  expect(confirms({ before: 1_000, left: 3 }, { before: 1_000, left: 13 })).toBe(true);
  expect(confirms({ before: 1_000, left: 3 }, { before: 1_000, left: 300 })).toBe(false);
});
