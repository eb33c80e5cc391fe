import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../test/harness/random.ts";
import { runs } from "../../../test/harness/runs.ts";
import type { EndpointResource, LoadBalancerPolicy } from "../../discovery/messages.ts";
import { TimerWheel } from "../net/timer-wheel.ts";
import { DestinationSeries, UNKNOWN_PEER } from "../telemetry/record.ts";
import { SlotAllocator } from "../telemetry/slot-allocator.ts";
import { Cluster } from "./cluster.ts";
import { ClusterStats } from "./cluster-stats.ts";
import { endpointKey } from "./endpoint.ts";
import type { PooledConnection } from "./pool.ts";

class Probe implements PooledConnection {
  requests = 0;
  retireAt = 0;
  isUsable = true;
  idleSince = 0;
  promisedIdleMs = 0;
  abandon(): void {
    this.isUsable = false;
  }
}

function endpoint(port: number, weight = 1): EndpointResource {
  const named = { workload: `w-${port}`, namespace: "default", serviceAccount: "default" };
  return { address: "127.0.0.1", port, weight, ...named, app: "shop", version: "v1" };
}

function setUp(policy: LoadBalancerPolicy = "leastRequest") {
  let now = 0;
  const allocator = new SlotAllocator(
    () => {},
    () => {},
  );
  const wheel = new TimerWheel(() => now);
  const labels = {
    reporter: "source",
    cluster: "c",
    service: "c",
    serviceNamespace: "d",
    serviceHost: "c.d",
  } as const;
  const cluster = new Cluster<Probe>(
    "shop.default:80",
    { protocol: "http1", loadBalancer: policy, connectTimeoutMs: 2_000, poolIdleTimeoutMs: 60_000 },
    {
      wheel,
      random: seededRandom(9),
      stats: new ClusterStats(allocator, "shop.default:80"),
      zone: () => "",
      onEjection() {},
      prewarm() {},
      seriesOf: ({ workload, app, version }) =>
        new DestinationSeries(
          allocator,
          { ...labels, workload, workloadNamespace: "default", principal: "p", app, version },
          UNKNOWN_PEER,
        ),
    },
  );
  const passTo = (ms: number) => {
    while (now < ms) {
      now = Math.min(ms, now + 500);
      wheel.advance();
    }
  };
  return { cluster, passTo };
}

describe("cluster", () => {
  it.each(["ringHash", "maglev"] as const)(
    "%s finds the one that has not been tried, among hundreds",
    (policy) => {
      const { cluster } = setUp(policy);
      cluster.setEndpoints(Array.from({ length: 300 }, (_, i) => endpoint(i + 1, i === 7 ? 0 : 1)));
      const tried = cluster.endpoints.filter(({ port }) => port !== 200);
      for (let hash = 0; hash < 2 ** 32; hash += 2 ** 27) expect(cluster.pick(hash, tried)?.port).toBe(200);
    },
  );

  it("has no endpoint for a request before it has any, and after all are gone or weigh nothing", () => {
    const { cluster } = setUp();
    expect(cluster.pick()).toBeNull();
    cluster.setEndpoints([endpoint(1)]);
    expect(cluster.pick()?.port).toBe(1);
    cluster.setEndpoints([endpoint(1, 0)]);
    expect(cluster.pick()).toBeNull();
    cluster.setEndpoints([]);
    expect(cluster.pick()).toBeNull();
  });

  it.each<LoadBalancerPolicy>(["leastRequest", "roundRobin", "random"])(
    "%s: through any changes, what is picked is in the configuration, and who stays is not starved",
    (policy) => {
      const step = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 8 });
      fc.assert(
        fc.property(fc.array(step, { minLength: 1, maxLength: 10 }), (steps) => {
          const { cluster } = setUp(policy);
          for (const ports of steps) {
            cluster.setEndpoints([...ports.map((port) => endpoint(port)), endpoint(99, 0)]);
            const counts = new Map<number, number>();
            for (let i = 0; i < 100 * ports.length; i++) {
              const picked = cluster.pick();
              if (picked === null || !ports.includes(picked.port))
                return expect.fail(`picked ${picked?.port}`);
              expect(picked.isRemoved).toBe(false);
              counts.set(picked.port, (counts.get(picked.port) ?? 0) + 1);
            }
            for (const port of ports) expect(counts.get(port) ?? 0).toBeGreaterThan(30);
          }
        }),
        runs(40),
      );
    },
  );

  it("nobody is starved by a change after every single pick", () => {
    for (const policy of ["leastRequest", "roundRobin", "random"] as const) {
      const { cluster } = setUp(policy);
      const counts = new Map<number, number>();
      for (let i = 0; i < 4_000; i++) {
        cluster.setEndpoints([endpoint(1), endpoint(2), endpoint(3), endpoint(100 + i)]);
        const port = cluster.pick()?.port ?? 0;
        counts.set(port, (counts.get(port) ?? 0) + 1);
      }
      for (const port of [1, 2, 3]) expect(counts.get(port)).toBeGreaterThan(800);
    }
  });

  it("an endpoint that stays keeps its connections and its requests; one that goes closes what is idle", () => {
    const { cluster } = setUp();
    cluster.setEndpoints([endpoint(1), endpoint(2)]);
    const [stays, goes] = cluster.endpoints;
    if (stays === undefined || goes === undefined) return expect.fail("two endpoints");
    const [kept, closed, late] = [new Probe(), new Probe(), new Probe()];
    cluster.connections.release(stays, kept);
    cluster.connections.release(goes, closed);
    stays.active = 3;
    cluster.setEndpoints([endpoint(3), endpoint(1, 5)]);
    const again = cluster.endpoints.find(({ port }) => port === 1);
    expect(again).toBe(stays);
    expect(again).toMatchObject({ active: 3, weight: 5, isRemoved: false });
    expect(stays.pool.take(0)).toBe(kept);
    expect([closed.isUsable, goes.isRemoved]).toEqual([false, true]);
    // Its last request ends after the change: the connection is not kept for anybody.
    cluster.connections.release(goes, late);
    expect([late.isUsable, goes.pool.size]).toEqual([false, 0]);
  });

  it("the same endpoint named twice is one, and nothing of it is lost", () => {
    const { cluster } = setUp();
    cluster.setEndpoints([endpoint(1)]);
    const before = cluster.endpoints[0];
    cluster.setEndpoints([endpoint(1), endpoint(1)]);
    expect(cluster.endpoints).toEqual([before]);
    expect(cluster.endpoints[0]).toBe(before);
  });

  it("closes connections that were idle for the cluster's time, and looks no more when none is left", () => {
    const { cluster, passTo } = setUp();
    cluster.setEndpoints([endpoint(1)]);
    const [only] = cluster.endpoints;
    if (only === undefined) return expect.fail("one endpoint");
    const probe = new Probe();
    cluster.connections.release(only, probe);
    passTo(59_500);
    expect([probe.isUsable, only.pool.size]).toEqual([true, 1]);
    passTo(61_500);
    expect([probe.isUsable, only.pool.size, cluster.connections.deadline]).toEqual([false, 0, 0]);
    const next = new Probe();
    cluster.connections.release(only, next);
    passTo(123_000);
    expect(next.isUsable).toBe(false);
  });

  it("removed, it keeps no connection, idle or given back", () => {
    const { cluster } = setUp();
    cluster.setEndpoints([endpoint(1)]);
    const [only] = cluster.endpoints;
    if (only === undefined) return expect.fail("one endpoint");
    const [idle, late] = [new Probe(), new Probe()];
    cluster.connections.release(only, idle);
    cluster.remove();
    cluster.connections.release(only, late);
    expect([idle.isUsable, late.isUsable, cluster.isRemoved]).toEqual([false, false, true]);
  });

  it("an update changes the policy of endpoints that are there", () => {
    const { cluster } = setUp("random");
    cluster.setEndpoints([endpoint(1), endpoint(2)]);
    cluster.update({
      protocol: "tcp",
      loadBalancer: "roundRobin",
      connectTimeoutMs: 5,
      poolIdleTimeoutMs: 5,
    });
    const ports = Array.from({ length: 10 }, () => cluster.pick()?.port);
    expect(new Set(ports.filter((_, i) => i % 2 === 0)).size).toBe(1);
    expect(new Set(ports).size).toBe(2);
    expect(cluster).toMatchObject({ protocol: "tcp", connectTimeoutMs: 5 });
  });
});

it("an endpoint is the same while its place and its owner are; weight and zone may change", () => {
  const base = endpoint(1);
  expect(endpointKey({ ...base, weight: 9, zone: "a" })).toBe(endpointKey(base));
  for (const change of [
    { port: 2 },
    { address: "127.0.0.2" },
    { workload: "x" },
    { namespace: "x" },
    { version: "x" },
    { app: "x" },
    { serviceAccount: "x" },
  ]) {
    expect(endpointKey({ ...base, ...change })).not.toBe(endpointKey(base));
  }
});
