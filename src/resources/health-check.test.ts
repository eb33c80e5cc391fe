import { describe, expect, it } from "vitest";
import { loadFiles } from "./load.ts";

function told(healthCheck: object): readonly string[] {
  const service = {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "s" } },
    spec: { ports: [{ port: 80 }] },
  };
  const policy = {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "TrafficPolicy", metadata: { name: "p" } },
    spec: { targetRef: { name: "s" }, healthCheck },
  };
  const text = [service, policy].map((document) => JSON.stringify(document)).join("\n---\n");
  return loadFiles([{ name: "p.yaml", text }]).issues.map(({ field, message }) => `${field}: ${message}`);
}

it.each<[object]>([
  [{ http: {} }],
  [
    {
      http: { path: "/healthz?full=1", host: "shop.example:8080", expectedStatuses: [200, "300-399", "404"] },
    },
  ],
  [{ tcp: {} }],
  [{ grpc: {} }],
  [{ grpc: { service: "shop.v1.Catalog" }, interval: "100ms", timeout: "1ms", unhealthyThreshold: 1 }],
  [{ tcp: {}, port: 80, healthyThreshold: 100 }],
])("%j is right", (healthCheck) => {
  expect(told(healthCheck)).toEqual([]);
});

it("a port that the Service has not is a warning", () => {
  expect(told({ tcp: {}, port: 81 })).toEqual([
    "spec.healthCheck.port: TrafficPolicy default/p refers to port 81 of Service default/s, which has 80",
  ]);
});

describe("what is wrong is said", () => {
  it.each<[object, RegExp]>([
    [{}, /^spec.healthCheck: names 0 kinds of check/],
    [{ http: {}, tcp: {} }, /^spec.healthCheck: names 2 kinds of check/],
    [{ http: null }, /^spec.healthCheck: names 0 kinds of check/],
    [{ tcp: {}, interval: "99ms" }, /^spec.healthCheck.interval: is too short/],
    [{ tcp: {}, interval: "0s" }, /^spec.healthCheck.interval: must be from 1ms/],
    [{ tcp: {}, timeout: "0s" }, /^spec.healthCheck.timeout: must be from 1ms/],
    [{ tcp: {}, timeout: 1 }, /^spec.healthCheck.timeout: must be a duration/],
    [{ tcp: {}, unhealthyThreshold: 0 }, /^spec.healthCheck.unhealthyThreshold: must be a whole number/],
    [{ tcp: {}, healthyThreshold: 1.5 }, /^spec.healthCheck.healthyThreshold: must be a whole number/],
    [{ tcp: {}, port: 70_000 }, /^spec.healthCheck.port: must be a whole number/],
    [{ http: { path: "healthz" } }, /^spec.healthCheck.http.path: must be a path that begins with/],
    [{ http: { path: "/a b" } }, /^spec.healthCheck.http.path: /],
    [{ http: { path: "/a\r\nx: y" } }, /^spec.healthCheck.http.path: /],
    [{ http: { path: "/a#b" } }, /^spec.healthCheck.http.path: /],
    [{ http: { host: "a b" } }, /^spec.healthCheck.http.host: /],
    [{ http: { expectedStatuses: [] } }, /^spec.healthCheck.http.expectedStatuses: must have at least 1/],
    [{ http: { expectedStatuses: [99] } }, /expectedStatuses\[0\]: must be a status from 100 to 599/],
    [{ http: { expectedStatuses: ["299-200"] } }, /expectedStatuses\[0\]: must be a status/],
    [{ http: { expectedStatuses: ["2xx"] } }, /expectedStatuses\[0\]: must be a status/],
    [{ http: { expectedStatuses: [200.5] } }, /expectedStatuses\[0\]: must be a status/],
    [{ http: { expectedStatus: [200] } }, /^spec.healthCheck.http.expectedStatus: unknown field/],
    [{ grpc: { service: "a b" } }, /^spec.healthCheck.grpc.service: /],
    [{ tcp: { port: 1 } }, /^spec.healthCheck.tcp.port: unknown field/],
  ])("%j", (healthCheck, problem) => {
    expect(told(healthCheck)).toEqual([expect.stringMatching(problem)]);
  });
});
