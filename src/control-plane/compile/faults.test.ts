import { expect, it } from "vitest";
import {
  compiled,
  faultsDocument,
  routeDocument,
  serviceDocument,
  TO_SHOP,
} from "../../../test/harness/compiled.ts";
import type { RouteResource } from "../../discovery/route.ts";

const ABORT = { abort: { status: 503 } };
const rules = [{ backendRefs: TO_SHOP }];

/** Sources of the faults of each rule of Service `shop`, as clients of `namespace` get them. */
function sources(documents: readonly object[], namespace = "default") {
  const all = [serviceDocument("shop"), ...documents];
  const route = compiled<RouteResource>(all, "route", "shop.default:80", { namespace });
  return route.rules.map((rule) => [rule.name, rule.faults?.map(({ source }) => source)]);
}

it("a Service without faults has none, one without routes those that name no route", () => {
  expect(sources([])).toEqual([["default", undefined]]);
  const faults = faultsDocument([
    { ...ABORT, name: "all" },
    { ...ABORT, routes: ["a"] },
  ]);
  expect(sources([faults])).toEqual([["default", ["FaultInjection default/chaos fault all"]]]);
});

it("a route has those that name it and those that name none, by the order in which they stand", () => {
  const faults = faultsDocument([{ ...ABORT, routes: ["a"] }, ABORT, { ...ABORT, routes: ["b", "a"] }]);
  const at = "FaultInjection default/chaos fault";
  expect(sources([faults, routeDocument("a", rules), routeDocument("b", rules)])).toEqual([
    ["default/a rule 0", [`${at} 0`, `${at} 1`, `${at} 2`]],
    ["default/b rule 0", [`${at} 1`, `${at} 2`]],
  ]);
});

it("a client's own route in another namespace keeps the faults of the Service, but not by its name", () => {
  const consumer = {
    ...routeDocument("a", rules, { namespace: "web" }),
    spec: { parentRefs: [{ name: "shop", namespace: "default" }], rules },
  };
  const faults = faultsDocument([{ ...ABORT, routes: ["a"] }, ABORT]);
  expect(sources([faults, consumer], "web")).toEqual([
    ["web/a rule 0", ["FaultInjection default/chaos fault 1"]],
  ]);
});

it("several FaultInjections: all hold, the older first, then by name", () => {
  const dated = {
    ...faultsDocument([ABORT]),
    metadata: { name: "z", creationTimestamp: "2026-01-01T00:00:00Z" },
  };
  const found = sources([faultsDocument([ABORT], "b"), faultsDocument([ABORT], "a"), dated]);
  expect(found).toEqual([
    ["default", ["z", "a", "b"].map((name) => `FaultInjection default/${name} fault 0`)],
  ]);
});

it("what a fault says arrives as the sidecar reads it", () => {
  const faults = faultsDocument([
    {
      match: [{ path: { value: "/a/" }, headers: [{ name: "X-A", value: "1" }] }],
      from: [{ source: { principals: ["spiffe://cluster.local/ns/a/sa/b"] } }],
      percent: 25,
      delay: { min: "1s", max: "2s" },
      slowBody: { bytesPerSecond: 7 },
    },
    { delay: { fixed: "5ms" }, abort: { grpcStatus: "UNAVAILABLE" } },
    { fraction: { numerator: 1, denominator: 1_000 }, abort: { reset: true } },
  ]);
  const route = compiled<RouteResource>([serviceDocument("shop"), faults], "route", "shop.default:80");
  expect(route.rules[0]?.faults).toEqual([
    {
      source: "FaultInjection default/chaos fault 0",
      matches: [
        { path: { kind: "prefix", value: "/a" }, headers: [{ name: "x-a", kind: "exact", value: "1" }] },
      ],
      from: [{ principals: ["cluster.local/ns/a/sa/b"] }],
      share: 0.25,
      delay: { minMs: 1_000, maxMs: 2_000 },
      bytesPerSecond: 7,
    },
    {
      source: "FaultInjection default/chaos fault 1",
      delay: { minMs: 5, maxMs: 5 },
      abort: { kind: "grpc", status: 14 },
    },
    { source: "FaultInjection default/chaos fault 2", share: 0.001, abort: { kind: "reset" } },
  ]);
});
