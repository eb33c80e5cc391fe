import { expect, it } from "vitest";
import {
  at,
  cluster,
  endpoints,
  isSettled,
  route,
  SubscriberBench,
  withRouteA,
} from "../../../test/harness/subscriber.ts";
import type { Resource } from "../../discovery/messages.ts";

const isPortZero = (resource: Resource): boolean => "loadBalancer" in resource && resource.port === 0;

it("refuses one resource alone and keeps its last good version", async () => {
  const bench = new SubscriberBench({ refuse: isPortZero });
  await withRouteA(bench);
  const bad = { ...cluster("a.default:80"), port: 0 };
  const errors = await bench.receive("cluster", [at("2", bad)]);
  expect(errors).toEqual([{ code: "invalid", message: "refused", field: "x", resource: "a.default:80" }]);
  expect(bench.taken()).toEqual([]);
  expect(bench.subscriber.applied.cluster.get("a.default:80")?.version).toBe("1");
});

it("refuses the next route if its cluster was refused, and applies it when the cluster is mended", async () => {
  const bench = new SubscriberBench({ refuse: isPortZero });
  await withRouteA(bench);
  const acknowledged = bench.receive("route", [at("2", route("a.default:80", "b.default:80"))]);
  void bench.receive("cluster", [at("1", { ...cluster("b.default:80"), port: 0 })]);
  void bench.receive("endpoints", [at("1", endpoints("b.default:80"))]);
  expect(await acknowledged).toMatchObject([{ code: "invalid", resource: "a.default:80" }]);
  expect(bench.taken()).toEqual([]);
  void bench.receive("cluster", [at("2", cluster("b.default:80"))]);
  await bench.confirm();
  expect(bench.taken()[0]).toEqual(["cluster b.default:80", "endpoints b.default:80", "route a.default:80"]);
});

it("takes a refusal back that is over before the rest of its response is settled", async () => {
  const bench = new SubscriberBench({ refuse: isPortZero });
  await withRouteA(bench);
  bench.subscriber.loopSubscribed(0, ["c.default:80"]);
  void bench.receive("cluster", [], ["c.default:80"]);
  const acknowledged = bench.receive("route", [
    at("2", route("a.default:80", "b.default:80")),
    at("1", route("c.default:80", "c.default:80")),
  ]);
  void bench.receive("cluster", [at("1", { ...cluster("b.default:80"), port: 0 })]);
  void bench.receive("endpoints", [at("1", endpoints("b.default:80"))]);
  expect(await isSettled(acknowledged)).toBe(false);
  void bench.receive("cluster", [at("2", cluster("b.default:80"))], ["c.default:80"]);
  void bench.receive("endpoints", [], ["c.default:80"]);
  await bench.confirm();
  expect(await acknowledged).toEqual([]);
});

it("takes a cluster for refused, not for missing, that comes to exist in a form it refuses", async () => {
  const bench = new SubscriberBench({ refuse: isPortZero });
  await withRouteA(bench);
  const acknowledged = bench.receive("route", [
    at("2", route("a.default:80", "b.default:80", "c.default:80")),
  ]);
  void bench.receive("endpoints", [], ["b.default:80", "c.default:80"]);
  void bench.receive("cluster", [], ["b.default:80"]);
  void bench.receive("cluster", [at("1", { ...cluster("b.default:80"), port: 0 })]);
  void bench.receive("cluster", [], ["c.default:80"]);
  expect(await acknowledged).toMatchObject([{ code: "invalid", resource: "a.default:80" }]);
});

it("follows by name, with the scope `all`, what it refused: another stream would not say that it has gone", async () => {
  const bench = new SubscriberBench({ scope: "all", refuse: isPortZero });
  bench.subscriber.start();
  bench.asked();
  await bench.receive("cluster", [at("1", { ...cluster("a.default:80"), port: 0 })]);
  await bench.receive("cluster", [at("2", { ...cluster("a.default:80"), port: 0 })]);
  expect(bench.asked()).toEqual(["+cluster a.default:80"]);
});

it("refuses types it does not take", async () => {
  const bench = new SubscriberBench();
  expect(await bench.receive("secret", [])).toMatchObject([{ code: "unknown_type" }]);
});
