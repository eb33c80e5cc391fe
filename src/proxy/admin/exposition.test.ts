import { expect, it } from "vitest";
import { SeriesTable } from "../snapshot/series.ts";
import { PAGE_SLOTS, REQUEST_BLOCK } from "../telemetry/slots.ts";
import { expose } from "./exposition.ts";
import { ProcessMetrics } from "./process-metrics.ts";
import { trafficFamilies } from "./traffic-metrics.ts";

function newTable(requestSeries: number, labels: (i: number) => Record<string, string>) {
  const table = new SeriesTable();
  const perPage = Math.floor(PAGE_SLOTS / REQUEST_BLOCK.slots);
  const pages: Float64Array[] = [];
  for (let i = 0; i < requestSeries; i++) {
    if (i % perPage === 0) {
      const buffer = new SharedArrayBuffer(PAGE_SLOTS * 8);
      pages.push(new Float64Array(buffer));
      table.addPage(0, buffer);
    }
    const offset = (i % perPage) * REQUEST_BLOCK.slots;
    table.addSeries(0, [
      { page: pages.length - 1, offset, layout: "request", name: "requests", labels: labels(i) },
    ]);
    const page = pages.at(-1)!;
    page[offset + REQUEST_BLOCK.count] = 3;
    page[offset + REQUEST_BLOCK.durationSum] = 12.5;
    page[offset + REQUEST_BLOCK.durationBuckets + 2] = 2;
    page[offset + REQUEST_BLOCK.durationBuckets + 19] = 1;
  }
  return table;
}

it("writes Istio's metrics with cumulative buckets and escaped labels", async () => {
  const table = newTable(1, () => ({ reporter: "source", destination_app: 'a"b\\c\nd' }));
  const { body, contentType } = await expose(trafficFamilies(table, "istio"));
  expect(contentType).toContain("text/plain; version=0.0.4");
  const label = 'reporter="source",destination_app="a\\"b\\\\c\\nd"';
  expect(body).toContain(`istio_requests_total{${label}} 3\n`);
  expect(body).toContain(`istio_request_duration_milliseconds_bucket{le="1",${label}} 0\n`);
  expect(body).toContain(`istio_request_duration_milliseconds_bucket{le="5",${label}} 2\n`);
  expect(body).toContain(`istio_request_duration_milliseconds_bucket{le="+Inf",${label}} 3\n`);
  expect(body).toContain(`istio_request_duration_milliseconds_sum{${label}} 12.5\n`);
  expect(body).toContain(`istio_request_duration_milliseconds_count{${label}} 3\n`);
  for (const kind of ["HELP", "TYPE"]) {
    const heads = body.split("\n").filter((line) => line.startsWith(`# ${kind} `));
    const names = heads.map((line) => line.split(" ")[2]);
    expect(new Set(names).size).toBe(names.length);
  }
});

it("names other series weft_*, and Istio's TCP metrics by the standard prefix", async () => {
  const table = new SeriesTable();
  table.addPage(0, new SharedArrayBuffer(PAGE_SLOTS * 8));
  table.addSeries(0, [
    { page: 0, offset: 0, layout: "counter", name: "tcp_sent_bytes_total", labels: { reporter: "source" } },
    { page: 0, offset: 1, layout: "gauge", name: "pool_connections", labels: { cluster: "a" } },
    { page: 0, offset: 2, layout: "gauge", name: "pool_connections", labels: { cluster: "b" } },
  ]);
  const { body } = await expose(trafficFamilies(table, "acme"));
  expect(body).toContain('acme_tcp_sent_bytes_total{reporter="source"} 0\n');
  expect(body).toContain(
    "# HELP weft_pool_connections Pool connections.\n# TYPE weft_pool_connections gauge\n",
  );
  expect(body).toContain('weft_pool_connections{cluster="b"} 0\n');
});

it("writes 10,000 series in under 200 ms", async () => {
  const table = newTable(150, (i) => ({
    reporter: "source",
    destination_workload: `w${i}`,
    response_code: "200",
  }));
  await expose(trafficFamilies(table, "istio"));
  const start = performance.now();
  const { body } = await expose(trafficFamilies(table, "istio"));
  const elapsedMs = performance.now() - start;
  expect(body.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length).toBeGreaterThan(
    10_000,
  );
  expect(elapsedMs).toBeLessThan(200);
});

it("tells of the process", async () => {
  const metrics = new ProcessMetrics("1.2.3");
  const { body } = await expose(metrics.families());
  metrics.close();
  expect(body).toContain(`weft_build_info{version="1.2.3",node="${process.versions.node}"} 1`);
  expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
});
