/** What a document means where it says nothing: defaults of the Gateway API and of semantics, as a sidecar gets them. */
import { expect, it } from "vitest";
import type { OutboundListenerResource } from "../../src/discovery/listener.ts";
import type { ClusterResource } from "../../src/discovery/messages.ts";
import type { RouteResource } from "../../src/discovery/route.ts";
import { VirtualHost } from "../../src/proxy/routing/virtual-host.ts";
import { compiled, routeDocument, serviceDocument, TO_SHOP } from "../harness/compiled.ts";
import { requestHead } from "../harness/head.ts";

function select(rule: object, requestLine = "GET /any/path HTTP/1.1") {
  const documents = [serviceDocument("shop"), serviceDocument("v2"), routeDocument("r", [rule])];
  const host = new VirtualHost(compiled<RouteResource>(documents, "route", "shop.default:80"));
  return host.select(requestHead(requestLine, "Host: shop"))?.rule;
}

it("a rule without matches takes every path and method", () => {
  expect(select({ backendRefs: TO_SHOP }, "DELETE /x?y HTTP/1.1")).toBeDefined();
});

it("a path without a type is a prefix, a header without a type is exact", () => {
  const rule = { matches: [{ path: { value: "/any" } }], backendRefs: TO_SHOP };
  expect(select(rule)).toBeDefined();
  expect(select(rule, "GET /anything HTTP/1.1")).toBeUndefined();
});

it("timeouts of a rule and of its attempts: none", () => {
  expect(select({ backendRefs: TO_SHOP })).toMatchObject({ requestTimeoutMs: 0, backendRequestTimeoutMs: 0 });
});

it("a backend's weight: 1", () => {
  const action = select({ backendRefs: [...TO_SHOP, { name: "v2", port: 80 }] })?.action;
  if (action?.kind !== "forward") return expect.fail("not forwarded");
  expect([0.49, 0.51].map((random) => action.split.pick(random))).toEqual([0, 1]);
});

it("a mirror copies all requests; percent and fraction are shares of them", () => {
  const mirrored = (spec: object) => {
    const requestMirror = { backendRef: { name: "v2", port: 80 }, ...spec };
    const action = select({
      backendRefs: TO_SHOP,
      filters: [{ type: "RequestMirror", requestMirror }],
    })?.action;
    return action?.kind === "forward" ? action.mirrors.map((mirror) => mirror.share) : [];
  };
  expect(mirrored({})).toEqual([1]);
  expect(mirrored({ percent: 10 })).toEqual([0.1]);
  expect(mirrored({ percent: 0 })).toEqual([0]);
  expect(mirrored({ fraction: { numerator: 5 } })).toEqual([0.05]);
  expect(mirrored({ fraction: { numerator: 1, denominator: 8 } })).toEqual([0.125]);
});

it("a redirect: 302, to the request's own host, path and port", () => {
  const action = select({ filters: [{ type: "RequestRedirect", requestRedirect: {} }] })?.action;
  if (action?.kind !== "redirect") return expect.fail("not redirected");
  expect(action.redirect.statusCode).toBe(302);
  expect(action.redirect.location(requestHead("GET /a?b HTTP/1.1", "Host: shop:8080"))).toBe(
    "http://shop:8080/a?b",
  );
});

it("names of metrics begin with istio (MeshConfig telemetry.metricPrefix)", () => {
  const listener = compiled<OutboundListenerResource>([serviceDocument("shop")], "listener", "outbound");
  expect(listener.metricPrefix).toBe("istio");
});

it("a Service without a TrafficPolicy: least request, connect 2 s, pool idle 1 h", () => {
  expect(compiled<ClusterResource>([serviceDocument("shop")], "cluster", "shop.default:80")).toMatchObject({
    loadBalancer: "leastRequest",
    connectTimeoutMs: 2_000,
    poolIdleTimeoutMs: 3_600_000,
  });
});

it.each<[name: string, port: number, protocol: string]>([
  ["http", 80, "http1"],
  ["http-admin", 9_000, "http1"],
  ["anything", 9_000, "http1"],
  ["tcp-x", 9_000, "tcp"],
  ["redis", 9_000, "tcp"],
  ["mysql-main", 9_000, "tcp"],
  ...[25, 587, 3306, 4444, 5432, 6379, 9300, 11211].map((port): [string, number, string] => [
    "main",
    port,
    "tcp",
  ]),
])("a port named %s, number %d, speaks %s", (name, port, protocol) => {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "db" },
    spec: { selector: { app: "db" }, ports: [{ name, port }] },
  };
  expect(compiled<ClusterResource>([service], "cluster", `db.default:${port}`).protocol).toBe(protocol);
});
