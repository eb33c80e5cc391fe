import { expect, it } from "vitest";
import { PAGE_SLOTS } from "../telemetry/slots.ts";
import { SeriesTable } from "./series.ts";

function page(): SharedArrayBuffer {
  return new SharedArrayBuffer(PAGE_SLOTS * Float64Array.BYTES_PER_ELEMENT);
}

it("sums a series over loops, whatever the order of its labels", () => {
  const table = new SeriesTable();
  const [a, b] = [page(), page()];
  table.addPage(0, a);
  table.addPage(1, b);
  const info = { page: 0, layout: "counter", name: "x" } as const;
  table.addSeries(0, [{ ...info, offset: 3, labels: { p: "1", q: "2" } }]);
  table.addSeries(1, [{ ...info, offset: 5, labels: { q: "2", p: "1" } }]);
  table.addSeries(1, [{ ...info, offset: 6, labels: { q: "3", p: "1" } }]);
  new Float64Array(a)[3] = 2;
  new Float64Array(b)[5] = 40;
  new Float64Array(b)[6] = 7;
  expect([...table.of("counter")].map((series) => [series.labels, series.read()])).toEqual([
    [{ p: "1", q: "2" }, 42],
    [{ q: "3", p: "1" }, 7],
  ]);
  expect([...table.of("gauge")]).toEqual([]);
});

it("leaves out a series whose page never came", () => {
  const table = new SeriesTable();
  table.addSeries(0, [{ page: 0, offset: 0, layout: "counter", name: "x", labels: {} }]);
  expect(table.size).toBe(0);
});
