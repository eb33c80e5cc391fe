/** Peak EWMA: up at once, down slowly; and a failure is dear for a moment only. */
import { expect, it } from "vitest";
import { Latency } from "./latency.ts";

it("30 ms until something is known", () => {
  expect(new Latency().at(0)).toBe(30);
});

it("jumps up with a slow answer and comes down by a third of what was in 10 s", () => {
  const latency = new Latency();
  latency.observe(5, 0);
  latency.observe(500, 100);
  expect(latency.at(100)).toBe(500);
  expect(latency.at(10_100)).toBeCloseTo(500 / Math.E);
  latency.observe(5, 10_100);
  expect(latency.at(10_100)).toBeLessThan(200);
});

it("a failure counts as a second more, and as some milliseconds three seconds later", () => {
  const latency = new Latency();
  latency.observe(5, 0);
  latency.failed(0);
  expect(latency.at(0)).toBe(1_005);
  expect(latency.at(3_000)).toBeLessThan(10);
  latency.failed(3_000);
  expect(latency.at(3_000)).toBeGreaterThan(1_000);
  expect(latency.at(60_000)).toBeLessThan(1);
});
