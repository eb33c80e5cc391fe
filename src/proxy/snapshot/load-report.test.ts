import { expect, it } from "vitest";
import { LATENCY_BLOCK, PAGE_SLOTS } from "../telemetry/slots.ts";
import { LoadReporter } from "./load-report.ts";
import { SeriesTable } from "./series.ts";

it("reports what changed since the last report, and nothing when nothing did", () => {
  const buffer = new SharedArrayBuffer(PAGE_SLOTS * Float64Array.BYTES_PER_ELEMENT);
  const slots = new Float64Array(buffer);
  const table = new SeriesTable();
  table.addPage(0, buffer);
  const labels = {
    reporter: "source",
    cluster: "a.default:80",
    service: "a",
    service_namespace: "default",
    workload: "a-v1",
    version: "v1",
  };
  table.addSeries(0, [{ page: 0, offset: 10, layout: "latency", name: "destination", labels }]);
  let now = 1_000;
  const reporter = new LoadReporter(table, () => now);
  const add = (slot: number, by: number): void => {
    slots[10 + slot] = (slots[10 + slot] ?? 0) + by;
  };

  expect(reporter.next()).toBeUndefined();
  add(LATENCY_BLOCK.requests, 3);
  add(LATENCY_BLOCK.failures, 1);
  add(LATENCY_BLOCK.active, 2);
  add(LATENCY_BLOCK.buckets + 7, 2);
  add(LATENCY_BLOCK.buckets + 9, 1);
  now = 2_000;
  const destination = {
    reporter: "source",
    cluster: "a.default:80",
    service: { name: "a", namespace: "default" },
    workload: "a-v1",
    version: "v1",
  };
  expect(reporter.next()).toEqual({
    intervalMs: 1_000,
    destinations: [
      {
        ...destination,
        requests: 3,
        failures: 1,
        active: 2,
        latency: [
          [7, 2],
          [9, 1],
        ],
      },
    ],
  });
  now = 3_000;
  expect(reporter.next()).toBeUndefined();
  add(LATENCY_BLOCK.requests, 1);
  add(LATENCY_BLOCK.active, -2);
  add(LATENCY_BLOCK.buckets + 9, 1);
  now = 3_500;
  expect(reporter.next()).toEqual({
    intervalMs: 500,
    destinations: [{ ...destination, requests: 1, failures: 0, active: 0, latency: [[9, 1]] }],
  });
});
