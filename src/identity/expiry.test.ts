import { expect, it } from "vitest";
import { expiryNotice } from "./expiry.ts";

const DAY = 86_400_000;

it.each<[number, string]>([
  [31, "fine"],
  [30.01, "fine"],
  [30, "30 days, 30 left"],
  [7.5, "30 days, 7 left"],
  [7, "7 days, 7 left"],
  [1.5, "7 days, 1 left"],
  [1, "1 days, 1 left"],
  [0.01, "1 days, 0 left"],
  [0, "expired"],
  [-1, "expired"],
])("%d days before the end: %s (warnings at 30, 7 and 1 days)", (days, expected) => {
  const notice = expiryNotice(1_000 * DAY, 1_000 * DAY - days * DAY);
  const text = notice.kind === "soon" ? `${notice.within} days, ${notice.daysLeft} left` : notice.kind;
  expect(text).toBe(expected);
});
