import { describe, expect, it } from "vitest";
import { DestinationSeries, UNKNOWN_PEER } from "./record.ts";
import { type AllocatedSeries, SlotAllocator } from "./slot-allocator.ts";
import { LATENCY_BLOCK, PAGE_SLOTS, REQUEST_BLOCK } from "./slots.ts";
import { TcpSeries } from "./tcp-series.ts";
import { writeRequestId, writeTraceparent } from "./trace-context.ts";

function allocated() {
  const pages: Float64Array[] = [];
  const series: AllocatedSeries[] = [];
  const allocator = new SlotAllocator(
    (buffer) => pages.push(new Float64Array(buffer)),
    (info) => series.push(info),
  );
  const value = (info: AllocatedSeries, slot = 0) => pages[info.page]?.[info.offset + slot];
  return { allocator, pages, series, value };
}

const LABELS = {
  reporter: "source",
  cluster: "shop.default:80",
  service: "shop",
  serviceNamespace: "default",
  serviceHost: "shop.default.svc.cluster.local",
  workload: "shop-1",
  workloadNamespace: "default",
  principal: "spiffe://cluster.local/ns/default/sa/shop",
  app: "shop",
  version: "v1",
} as const;

describe("recording an exchange", () => {
  it("counts once by status and flag, with duration and sizes in Envoy's buckets, and in the load report", () => {
    const { allocator, series, value } = allocated();
    const destination = new DestinationSeries(allocator, LABELS, UNKNOWN_PEER);
    for (let i = 0; i < 3; i++) destination.started();
    destination.finished(200, "-", 0.4, 100, 2_000);
    destination.finished(200, "-", 7, 100, 0);
    destination.left();
    const [load, requests] = series;
    if (load === undefined || requests === undefined) return expect.fail("two series");
    expect(series.length).toBe(2);
    expect(requests.labels).toMatchObject({
      response_code: "200",
      response_flags: "-",
      destination_version: "v1",
    });
    expect([value(requests, REQUEST_BLOCK.count), value(requests, REQUEST_BLOCK.durationSum)]).toEqual([
      2, 7.4,
    ]);
    expect([
      value(requests, REQUEST_BLOCK.durationBuckets),
      value(requests, REQUEST_BLOCK.durationBuckets + 3),
    ]).toEqual([1, 1]);
    expect([
      value(requests, REQUEST_BLOCK.requestBytesSum),
      value(requests, REQUEST_BLOCK.responseBytesSum),
    ]).toEqual([200, 2_000]);
    expect([
      value(requests, REQUEST_BLOCK.requestBytesBuckets + 6),
      value(requests, REQUEST_BLOCK.responseBytesBuckets),
    ]).toEqual([2, 1]);
    expect([
      value(load, LATENCY_BLOCK.requests),
      value(load, LATENCY_BLOCK.failures),
      value(load, LATENCY_BLOCK.active),
    ]).toEqual([2, 0, 0]);
  });

  it("failures are 500 and over, and what ended without an answer", () => {
    const { allocator, series, value } = allocated();
    const destination = new DestinationSeries(allocator, LABELS, UNKNOWN_PEER);
    for (const [status, flag] of [
      [200, "-"],
      [404, "NR"],
      [499, "-"],
      [500, "-"],
      [503, "UH"],
      [0, "DC"],
    ] as const) {
      destination.started();
      destination.finished(status, flag, 1, 1, 1);
    }
    const [load, ...requests] = series;
    if (load === undefined) return expect.fail("no series");
    expect(value(load, LATENCY_BLOCK.failures)).toBe(3);
    expect(requests.map(({ labels }) => `${labels["response_code"]} ${labels["response_flags"]}`)).toEqual([
      "200 -",
      "404 NR",
      "499 -",
      "500 -",
      "503 UH",
      "0 DC",
    ]);
  });

  it("blocks never overlap, over many pages", () => {
    const { allocator, pages, series } = allocated();
    for (let i = 0; i < 1_000; i++) {
      const block = allocator.allocate(
        (["request", "latency", "counter", "gauge"] as const)[i % 4] ?? "gauge",
        "x",
        {},
      );
      const slots = i % 4 === 0 ? REQUEST_BLOCK.slots : i % 4 === 1 ? LATENCY_BLOCK.slots : 1;
      expect(block.offset + slots).toBeLessThanOrEqual(PAGE_SLOTS);
      for (let slot = 0; slot < slots; slot++) expect(block.page[block.offset + slot]).toBe(0);
      block.page.fill(1, block.offset, block.offset + slots);
    }
    expect(pages.length).toBeGreaterThan(10);
    expect(series.length).toBe(1_000);
  });

  it("tunnels count what was opened and closed, and bytes from the client's point of view", () => {
    const { allocator, series, value } = allocated();
    const tunnels = new TcpSeries(allocator, (flag) => ({ response_flags: flag }));
    tunnels.opened();
    tunnels.opened();
    tunnels.sent(6);
    tunnels.sent(4);
    tunnels.received(3);
    tunnels.closed();
    for (const flag of ["UF", "UH", "UF"]) tunnels.refused(flag);
    const counts = series.map((info) => [`${info.name} ${info.labels["response_flags"]}`, value(info)]);
    expect(Object.fromEntries(counts)).toEqual({
      "tcp_connections_opened_total -": 2,
      "tcp_connections_closed_total -": 1,
      "tcp_sent_bytes_total -": 10,
      "tcp_received_bytes_total -": 3,
      "tcp_connections_opened_total UF": 2,
      "tcp_connections_closed_total UF": 2,
      "tcp_connections_opened_total UH": 1,
      "tcp_connections_closed_total UH": 1,
    });
  });
});

it("request ids are UUIDs of version 4, trace contexts are W3C's, and none comes twice", () => {
  const out = Buffer.alloc(200);
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) {
    const id = out.toString("latin1", 7, writeRequestId(out, 7));
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const trace = out.toString("latin1", 0, writeTraceparent(out, 0));
    expect(trace).toMatch(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/);
    seen.add(id).add(trace);
  }
  expect(seen.size).toBe(4_000);
});
