import { expect, it } from "vitest";
import type { HealthCheck } from "../../discovery/health-check.ts";
import { checkHealthCheck } from "./health-check.ts";

const RIGHT: HealthCheck = {
  probe: { kind: "http", path: "/healthz?x=1", host: "shop.example:80", expectedStatuses: [[200, 299]] },
  intervalMs: 10_000,
  timeoutMs: 1_000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
};
const http = (change: object) => ({ probe: { ...RIGHT.probe, ...change } });

it("what a control plane sends is right, or absent", () => {
  expect(checkHealthCheck("c", RIGHT)).toBeUndefined();
  expect(checkHealthCheck("c", { ...RIGHT, probe: { kind: "tcp" } })).toBeUndefined();
  expect(checkHealthCheck("c", { ...RIGHT, probe: { kind: "grpc", service: "" } })).toBeUndefined();
  expect(checkHealthCheck("c", undefined)).toBeUndefined();
});

it.each<[field: string, change: object]>([
  ["intervalMs", { intervalMs: 0 }],
  ["intervalMs", { intervalMs: Number.NaN }],
  ["intervalMs", { intervalMs: "10s" }],
  ["timeoutMs", { timeoutMs: -1 }],
  ["timeoutMs", { timeoutMs: Number.POSITIVE_INFINITY }],
  ["unhealthyThreshold", { unhealthyThreshold: 0 }],
  ["healthyThreshold", { healthyThreshold: 1.5 }],
  ["probe", { probe: undefined }],
  ["probe", { probe: { kind: "redis" } }],
  ["probe", { probe: { kind: "grpc" } }],
  ["probe", http({ path: "healthz" })],
  ["probe", http({ path: "/a b" })],
  ["probe", http({ path: "/\r\nx: y" })],
  ["probe", http({ path: undefined })],
  ["probe", http({ host: "a\r\nx: y" })],
  ["probe", http({ expectedStatuses: [[299, 200]] })],
  ["probe", http({ expectedStatuses: [[0, 200]] })],
  ["probe", http({ expectedStatuses: [[200, 600]] })],
  ["probe", http({ expectedStatuses: [200] })],
  ["probe", http({ expectedStatuses: undefined })],
])("%s: %j is refused", (field, change) => {
  expect(checkHealthCheck("c", { ...RIGHT, ...change } as HealthCheck)).toMatchObject({
    code: "invalid",
    resource: "c",
    field: `healthCheck.${field}`,
  });
});
