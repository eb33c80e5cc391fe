import { expect, it } from "vitest";
import { Rates } from "./load-rate.ts";

it.each([0, 1, 250, 500, 999])("ten requests a second are ten, whenever it is asked (+%i ms)", (offset) => {
  const rates = new Rates(60);
  for (let now = 100_370; now <= 110_370; now += 1_000) rates.add("row", 10, 1_000, now);
  for (let asked = 105_400; asked < 110_400; asked += 1_000) {
    expect(rates.perSecond("row", 5, asked + offset)).toBeCloseTo(10, 6);
  }
});

it("does not count time before the first report", () => {
  const rates = new Rates(60);
  rates.add("row", 10, 1_000, 101_000);
  rates.add("row", 10, 1_000, 102_000);
  expect(rates.perSecond("row", 10, 102_100)).toBe(10);
  expect(rates.perSecond("other", 10, 102_100)).toBe(0);
});

it("falls to nothing when there are no more requests", () => {
  const rates = new Rates(60);
  rates.add("row", 10, 1_000, 101_000);
  expect(rates.perSecond("row", 5, 104_000)).toBeCloseTo(10 / 3);
  expect(rates.perSecond("row", 5, 107_000)).toBe(0);
});
