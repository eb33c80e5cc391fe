/** The defaults of active health checks, each by name, as a sidecar gets them. When they hold is in monitor.test.ts. */
import { expect, it } from "vitest";
import type { ClusterResource } from "../../src/discovery/messages.ts";
import { compiled, serviceDocument } from "../harness/compiled.ts";

function checkOf(healthCheck: object | undefined, name = "shop.default:80") {
  const spec = { targetRef: { name: "shop" }, ...(healthCheck === undefined ? {} : { healthCheck }) };
  const policy = { apiVersion: "weft.dev/v1alpha1", kind: "TrafficPolicy", metadata: { name: "p" }, spec };
  return compiled<ClusterResource>([serviceDocument("shop"), policy], "cluster", name).healthCheck;
}

it("active health checks: none", () => {
  expect(checkOf(undefined)).toBeUndefined();
});

it("interval 10 s, timeout 1 s, unhealthy after 3, healthy after 2", () => {
  const numbers = { intervalMs: 10_000, timeoutMs: 1_000, unhealthyThreshold: 3, healthyThreshold: 2 };
  expect(checkOf({ tcp: {} })).toEqual({ probe: { kind: "tcp" }, ...numbers });
  expect(checkOf({ grpc: {} })).toEqual({ probe: { kind: "grpc", service: "" }, ...numbers });
});

it("HTTP: GET /, statuses 200 to 299", () => {
  expect(checkOf({ http: {} })?.probe).toEqual({ kind: "http", path: "/", expectedStatuses: [[200, 299]] });
});

it("what is written holds", () => {
  const http = { path: "/healthz", host: "shop.example", expectedStatuses: [204, "300-301"] };
  const numbers = { interval: "2s", timeout: "300ms", unhealthyThreshold: 1, healthyThreshold: 4 };
  const statuses = [
    [204, 204],
    [300, 301],
  ];
  expect(checkOf({ http, ...numbers })).toEqual({
    probe: { kind: "http", path: "/healthz", host: "shop.example", expectedStatuses: statuses },
    ...{ intervalMs: 2_000, timeoutMs: 300, unhealthyThreshold: 1, healthyThreshold: 4 },
  });
});

it("every port of the Service, or the one that is named", () => {
  expect(checkOf({ tcp: {}, port: 80 })).toBeDefined();
  expect(checkOf({ tcp: {}, port: 81 })).toBeUndefined();
});
