import { describe, expect, it } from "vitest";
import { OPEN } from "../../../test/harness/policy.ts";
import {
  at,
  cluster,
  endpoints,
  INBOUND,
  isSettled,
  OUTBOUND,
  route,
  SubscriberBench,
  withRouteA,
} from "../../../test/harness/subscriber.ts";

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

it("resumes a route that waits for its clusters as of no version: it is yet to be acknowledged", async () => {
  const bench = new SubscriberBench();
  await withRouteA(bench);
  void bench.receive("route", [at("2", route("a.default:80", "b.default:80"))]);
  expect(bench.subscriber.versions("route")).toEqual({ "a.default:80": "?" });
  void bench.receive("cluster", [], ["b.default:80"]);
  void bench.receive("endpoints", [], ["b.default:80"]);
  await bench.confirm();
  expect(bench.subscriber.versions("route")).toEqual({ "a.default:80": "2" });
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

it("takes endpoints away that stayed while their cluster was gone, when it is back without any", async () => {
  const bench = new SubscriberBench();
  await withRouteA(bench);
  void bench.receive("cluster", [], ["a.default:80"]);
  void bench.receive("endpoints", [], ["a.default:80"]);
  void bench.receive("cluster", [at("1", cluster("a.default:80"))]);
  await bench.confirm();
  expect(bench.taken()).toEqual([["endpoints-removed a.default:80"]]);
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

  it("tells the loops when it follows a name no longer that does not exist: it may come to", async () => {
    const bench = new SubscriberBench({ loops: 2 });
    bench.subscriber.start();
    bench.subscriber.loopSubscribed(0, ["no.default:80"]);
    void bench.receive("route", [], ["no.default:80"]);
    await bench.confirm();
    bench.taken();
    bench.subscriber.loopUnsubscribed(0, ["no.default:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route-removed no.default:80 idle"]]);
    bench.subscriber.loopUnsubscribed(1, ["no.default:80"]);
    await bench.confirm();
    expect(bench.taken()).toEqual([["route-removed no.default:80 idle"]]);
  });

  it("does not call a route missing that was asked for once more before it was dropped", async () => {
    const bench = new SubscriberBench();
    await withRouteA(bench);
    void bench.receive("endpoints", [at("2", endpoints("a.default:80"))]);
    bench.subscriber.loopSubscribed(0, ["a.default:80"]);
    bench.subscriber.loopUnsubscribed(0, ["a.default:80"]);
    await bench.confirm();
    expect(bench.taken().flat()).toContain("route-removed a.default:80 idle");
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
