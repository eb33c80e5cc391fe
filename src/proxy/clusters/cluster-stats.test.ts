import { expect, it } from "vitest";
import { type AllocatedSeries, SlotAllocator } from "../telemetry/slot-allocator.ts";
import { Breaker } from "./breaker.ts";
import { ClusterStats } from "./cluster-stats.ts";

it("counts connections that opened, those open now, and those that never did", () => {
  const series: AllocatedSeries[] = [];
  let page: Float64Array = new Float64Array(0);
  const allocator = new SlotAllocator(
    (buffer) => {
      page = new Float64Array(buffer);
    },
    (info) => series.push(info),
  );
  const stats = new ClusterStats(allocator, "shop.default:80");
  for (let i = 0; i < 3; i++) stats.connectionOpened();
  stats.connectionClosed(true);
  stats.connectionClosed(false);
  stats.connectionClosed(false);
  expect(Object.fromEntries(series.map((info) => [info.name, page[info.offset]]))).toEqual({
    weft_upstream_connections_total: 3,
    weft_upstream_connections_active: 2,
    weft_upstream_connect_failures_total: 2,
  });
  for (const info of series) expect(info.labels).toEqual({ cluster: "shop.default:80" });
});

it("tells how many retries are left only where there is a limit", () => {
  const series: AllocatedSeries[] = [];
  let page: Float64Array = new Float64Array(0);
  const allocator = new SlotAllocator(
    (buffer) => {
      page = new Float64Array(buffer);
    },
    (info) => series.push(info),
  );
  const retriesLeft = () => {
    const found = series.find(({ labels }) => labels["resource"] === "retries");
    return found === undefined ? null : page[found.offset];
  };
  const breaker = new Breaker({}, () =>
    new ClusterStats(allocator, "shop.default:80").breakerGauges("default"),
  );
  breaker.addRequest(1);
  breaker.addRetry(1);
  expect(retriesLeft()).toBeNull();
  breaker.limits = { maxRetries: 3 };
  expect(retriesLeft()).toBe(2);
  breaker.addRetry(-1);
  expect(retriesLeft()).toBe(3);
});
