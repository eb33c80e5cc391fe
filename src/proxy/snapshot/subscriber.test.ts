import { beforeEach, describe, expect, it } from "vitest";
import { OPEN } from "../../../test/harness/policy.ts";
import {
  at,
  cluster,
  endpoints,
  INBOUND,
  OUTBOUND,
  route,
  SubscriberBench,
  tick,
} from "../../../test/harness/subscriber.ts";

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  await tick();
  const unsettled = Symbol();
  return (await Promise.race([promise, Promise.resolve(unsettled)])) !== unsettled;
}

/** With the route `a` → cluster `a` applied. */
async function withRouteA(bench: SubscriberBench): Promise<void> {
  bench.subscriber.start();
  bench.subscriber.loopSubscribed(0, ["a.default:80"]);
  void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
  void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
  void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
  await bench.confirm();
  bench.taken();
  bench.asked();
}

describe("start", () => {
  it("asks for the listeners and the policy, and is configured when all loops have them", async () => {
    const bench = new SubscriberBench();
    bench.subscriber.start();
    expect(bench.asked()).toEqual(["+listener inbound,outbound", "+policy inbound"]);
    const acknowledged = bench.receive("listener", [at("1", INBOUND), at("1", OUTBOUND)]);
    expect(bench.taken()).toEqual([["listener inbound", "listener outbound"]]);
    expect([bench.subscriber.isConfigured, await isSettled(acknowledged)]).toEqual([false, false]);
    await bench.confirm();
    expect([bench.subscriber.isConfigured, await acknowledged]).toEqual([false, []]);
    void bench.receive("policy", [at("1", OPEN)]);
    await bench.confirm();
    expect(bench.subscriber.isConfigured).toBe(true);
  });

  it("keeps its policy, whatever is said of it, until there is another one", async () => {
    const bench = new SubscriberBench({
      refuse: (resource) => "defaultDeny" in resource && resource.defaultDeny,
    });
    bench.subscriber.start();
    void bench.receive("policy", [at("1", OPEN)]);
    await bench.confirm();
    expect(await bench.receive("policy", [], ["inbound"])).toEqual([]);
    expect(await bench.receive("policy", [at("2", { ...OPEN, defaultDeny: true })])).toHaveLength(1);
    expect(bench.subscriber.applied.policy.get("inbound")?.version).toBe("1");
    expect(bench.subscriber.versions("policy")).toEqual({ inbound: "1" });
  });

  it("asks for everything with the scope `all`", () => {
    const bench = new SubscriberBench({ scope: "all" });
    bench.subscriber.start();
    expect(bench.asked()).toEqual([
      "+cluster *",
      "+endpoints *",
      "+route *",
      "+listener inbound,outbound",
      "+policy inbound",
    ]);
  });

  it("serves from what an earlier run left, and resumes from its versions", async () => {
    const bench = new SubscriberBench();
    bench.subscriber.start([
      ["listener", at("7", INBOUND)],
      ["listener", at("7", OUTBOUND)],
      ["policy", at("7", OPEN)],
      ["route", at("3", route("a.default:80", "a.default:80"))],
      ["cluster", at("4", cluster("a.default:80"))],
      ["endpoints", at("5", endpoints("a.default:80"))],
      ["cluster", at("4", cluster("orphan.default:80"))],
    ]);
    await bench.confirm();
    expect(bench.subscriber.isConfigured).toBe(true);
    expect(bench.taken().flat().sort()).toEqual([
      "cluster a.default:80",
      "endpoints a.default:80",
      "listener inbound",
      "listener outbound",
      "policy inbound",
      "route a.default:80",
    ]);
    expect(bench.asked()).toEqual([
      "+listener inbound,outbound",
      "+policy inbound",
      "+route a.default:80",
      "+cluster a.default:80",
      "+endpoints a.default:80",
    ]);
    expect(bench.subscriber.versions("route")).toEqual({ "a.default:80": "3" });
    expect(bench.subscriber.versions("cluster")).toEqual({ "a.default:80": "4" });
  });
});

describe("make before break", () => {
  it("hands over a route only when its clusters and their endpoints have arrived", async () => {
    const bench = new SubscriberBench();
    bench.subscriber.start();
    bench.subscriber.loopSubscribed(0, ["a.default:80"]);
    bench.asked();
    const acknowledged = bench.receive("route", [at("1", route("a.default:80", "b.default:80"))]);
    expect(bench.asked()).toEqual(["+cluster b.default:80", "+endpoints b.default:80"]);
    expect(bench.taken()).toEqual([]);
    void bench.receive("cluster", [at("1", cluster("b.default:80"))]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["cluster b.default:80"]]);
    expect(await isSettled(acknowledged)).toBe(false);
    void bench.receive("endpoints", [at("1", endpoints("b.default:80"))]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["endpoints b.default:80", "route a.default:80"]]);
    expect(await acknowledged).toEqual([]);
  });

  it("takes `removed` for an answer: that cluster does not exist", async () => {
    const bench = new SubscriberBench();
    bench.subscriber.start();
    bench.subscriber.loopSubscribed(0, ["a.default:80"]);
    void bench.receive("route", [at("1", route("a.default:80", "b.default:80"))]);
    void bench.receive("cluster", [], ["b.default:80"]);
    void bench.receive("endpoints", [], ["b.default:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route a.default:80"]]);
  });

  it("keeps the last good route until the next one's clusters are there, then drops the old cluster", async () => {
    const bench = new SubscriberBench();
    await withRouteA(bench);
    void bench.receive("route", [at("2", route("a.default:80", "b.default:80"))]);
    expect([bench.asked(), bench.taken()]).toEqual([
      ["+cluster b.default:80", "+endpoints b.default:80"],
      [],
    ]);
    expect(bench.subscriber.applied.route.get("a.default:80")?.version).toBe("1");
    void bench.receive("cluster", [at("1", cluster("b.default:80"))]);
    void bench.receive("endpoints", [at("1", endpoints("b.default:80"))]);
    await bench.confirm();
    expect(bench.taken()).toEqual([
      ["cluster b.default:80"],
      ["endpoints b.default:80", "route a.default:80"],
      ["endpoints-removed a.default:80", "cluster-removed a.default:80"],
    ]);
    expect(bench.asked()).toEqual(["-cluster a.default:80", "-endpoints a.default:80"]);
  });

  it("removes a cluster only after the route that names it, and acknowledges at once", async () => {
    const bench = new SubscriberBench();
    await withRouteA(bench);
    const acknowledged = bench.receive("cluster", [], ["a.default:80"]);
    void bench.receive("endpoints", [], ["a.default:80"]);
    await bench.confirm();
    expect([await acknowledged, bench.taken()]).toEqual([[], []]);
    void bench.receive("route", [], ["a.default:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([
      ["route-removed a.default:80"],
      ["endpoints-removed a.default:80", "cluster-removed a.default:80"],
    ]);
  });

  it("sends endpoints again when their cluster comes back", async () => {
    const bench = new SubscriberBench({ scope: "all" });
    bench.subscriber.start();
    void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
    void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
    await bench.confirm();
    void bench.receive("cluster", [], ["a.default:80"]);
    await bench.confirm();
    bench.taken();
    void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["cluster a.default:80", "endpoints a.default:80"]]);
  });
});

describe("with the scope `all`", () => {
  let bench: SubscriberBench;
  beforeEach(() => {
    bench = new SubscriberBench({ scope: "all" });
    bench.subscriber.start();
    bench.asked();
  });

  /** In the order in which the control plane sends it, with a turn in between that a busy machine makes a long one. */
  const arrive = async () => {
    void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
    void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
    void bench.receive("listener", [at("1", INBOUND), at("1", OUTBOUND)]);
    await bench.confirm();
    expect(bench.taken().flat()).not.toContain("route-removed a.default:80");
    void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
    void bench.receive("policy", [at("1", OPEN)]);
    await bench.confirm();
  };

  it("asks for routes by automatic addresses, and for no others", async () => {
    await arrive();
    bench.taken();
    bench.subscriber.loopSubscribed(0, ["240.1.2.3:80", "10.0.0.1:80", "[2001:db8::1]:80", "no.default"]);
    expect(bench.asked()).toEqual(["+route 240.1.2.3:80"]);
    await bench.confirm();
    expect(bench.taken().flat().sort()).toEqual([
      "route-removed 10.0.0.1:80",
      "route-removed [2001:db8::1]:80",
      "route-removed no.default",
    ]);
    void bench.receive("route", [], ["240.1.2.3:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route-removed 240.1.2.3:80"]]);
  });

  it("says of no route that it does not exist before all have come", async () => {
    bench.subscriber.loopSubscribed(0, ["a.default:80", "10.0.0.1:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([]);
    await arrive();
    const sent = bench.taken().flat();
    expect(sent).toContain("route a.default:80");
    expect(sent).toContain("route-removed 10.0.0.1:80");
    expect(sent).not.toContain("route-removed a.default:80");
  });
});

describe("refusals", () => {
  it("refuses one resource alone and keeps its last good version", async () => {
    const bench = new SubscriberBench({
      refuse: (resource) => "loadBalancer" in resource && resource.port === 0,
    });
    await withRouteA(bench);
    const bad = { ...cluster("a.default:80"), port: 0 };
    const errors = await bench.receive("cluster", [at("2", bad)]);
    expect(errors).toEqual([{ code: "invalid", message: "refused", field: "x", resource: "a.default:80" }]);
    expect(bench.taken()).toEqual([]);
    expect(bench.subscriber.applied.cluster.get("a.default:80")?.version).toBe("1");
  });

  it("refuses the next route if its cluster was refused, and applies it when the cluster is mended", async () => {
    const bench = new SubscriberBench({
      refuse: (resource) => "loadBalancer" in resource && resource.port === 0,
    });
    await withRouteA(bench);
    const acknowledged = bench.receive("route", [at("2", route("a.default:80", "b.default:80"))]);
    void bench.receive("cluster", [at("1", { ...cluster("b.default:80"), port: 0 })]);
    void bench.receive("endpoints", [at("1", endpoints("b.default:80"))]);
    expect(await acknowledged).toMatchObject([{ code: "invalid", resource: "a.default:80" }]);
    expect(bench.taken()).toEqual([]);
    void bench.receive("cluster", [at("2", cluster("b.default:80"))]);
    await bench.confirm();
    expect(bench.taken()[0]).toEqual([
      "cluster b.default:80",
      "endpoints b.default:80",
      "route a.default:80",
    ]);
  });

  it("refuses types it does not take", async () => {
    const bench = new SubscriberBench();
    expect(await bench.receive("secret", [])).toMatchObject([{ code: "unknown_type" }]);
  });
});

describe("lazy routes", () => {
  it("answers for a name that does not exist, also to the next loop that asks", async () => {
    const bench = new SubscriberBench({ loops: 2 });
    bench.subscriber.start();
    bench.subscriber.loopSubscribed(0, ["no.default:80"]);
    expect(bench.asked()).toContain("+route no.default:80");
    void bench.receive("route", [], ["no.default:80"]);
    await bench.confirm();
    bench.subscriber.loopSubscribed(1, ["no.default:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route-removed no.default:80"], ["route-removed no.default:80"]]);
    expect(bench.asked()).toEqual([]);
  });

  it("drops a route with its clusters when no loop uses it any more", async () => {
    const bench = new SubscriberBench({ loops: 2 });
    await withRouteA(bench);
    bench.subscriber.loopUnsubscribed(0, ["a.default:80"]);
    expect(bench.asked()).toEqual([]);
    bench.subscriber.loopUnsubscribed(1, ["a.default:80"]);
    await bench.confirm();
    expect(bench.asked()).toEqual([
      "-route a.default:80",
      "-cluster a.default:80",
      "-endpoints a.default:80",
    ]);
    expect(bench.taken()).toEqual([
      ["route-removed a.default:80 idle"],
      ["endpoints-removed a.default:80", "cluster-removed a.default:80"],
    ]);
    expect(bench.subscriber.versions("route")).toEqual({});
  });

  it("sends the route again to a loop that asks while it is being dropped", async () => {
    const bench = new SubscriberBench();
    await withRouteA(bench);
    bench.subscriber.loopUnsubscribed(0, ["a.default:80"]);
    bench.subscriber.loopSubscribed(0, ["a.default:80"]);
    void bench.receive("route", [at("1", route("a.default:80", "a.default:80"))]);
    void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
    void bench.receive("endpoints", [at("1", endpoints("a.default:80"))]);
    await bench.confirm();
    expect(bench.taken().flat().at(-1)).toBe("route a.default:80");
    expect(bench.subscriber.applied.cluster.has("a.default:80")).toBe(true);
  });

  it("coalesces what arrives while the loops are busy", async () => {
    const bench = new SubscriberBench();
    await withRouteA(bench);
    for (const version of ["2", "3", "4", "5"]) {
      void bench.receive("endpoints", [at(version, endpoints("a.default:80"))]);
    }
    await bench.confirm();
    expect(bench.taken()).toEqual([["endpoints a.default:80"], ["endpoints a.default:80"]]);
    expect(bench.subscriber.applied.endpoints.get("a.default:80")?.version).toBe("5");
  });
});
