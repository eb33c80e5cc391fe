import { expect, it } from "vitest";
import { stretchMs, Timeline } from "./timeline.ts";

it("counts answers and errors where they came, and keeps empty stretches", () => {
  const timeline = new Timeline(1_000, 100);
  timeline.answered(5, 1_010);
  timeline.answered(7, 1_090);
  timeline.failed(1_350);
  const points = timeline.finish(1_400);
  expect(points.map((point) => [point.atMs, point.answered, point.errors])).toEqual([
    [0, 2, 0],
    [100, 0, 0],
    [200, 0, 0],
    [300, 0, 1],
  ]);
  expect(points[0]).toMatchObject({ p50: expect.closeTo(5, 1), max: 7 });
});

it("shows a last stretch that is long enough, with its length, and no sliver", () => {
  expect(new Timeline(0, 100).finish(160)).toMatchObject([{ lengthMs: 100 }, { lengthMs: 60 }]);
  expect(new Timeline(0, 100).finish(110)).toMatchObject([{ lengthMs: 110 }]);
});

it("stays bounded for a run of unknown length, and loses no answer", () => {
  const timeline = new Timeline(0, 100);
  for (let second = 0; second < 3_600; second++) timeline.answered(second === 1_800 ? 90 : 1, second * 1_000);
  const points = timeline.finish(3_600_000);
  expect(points.length).toBeLessThanOrEqual(480);
  expect(points.reduce((sum, point) => sum + point.answered, 0)).toBe(3_600);
  expect(Math.max(...points.map((point) => point.max))).toBe(90);
  expect(
    points.every(
      (point, i) => i === 0 || point.atMs === (points[i - 1]?.atMs ?? 0) + (points[i - 1]?.lengthMs ?? 0),
    ),
  ).toBe(true);
});

it.each([
  [undefined, 100],
  [10_000, 100],
  [60_000, 500],
  [24 * 3_600_000, 600_000],
])("stretches of a run of %s ms are %i ms", (duration, expected) => {
  expect(stretchMs(duration)).toBe(expected);
});
