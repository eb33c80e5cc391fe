import { describe, expect, it } from "vitest";
import type { DestinationStats } from "./api-types.ts";
import { StatsFolder } from "./stats.ts";

const namespace = "default";
const services = ["web", "catalog", "catalog-v1", "catalog-v2"].map((name) => {
  const [app = "", version] = name.split("-");
  const selector: Record<string, string> = version === undefined ? { app } : { app, version };
  return { namespace, name, selector, annotations: {}, ports: [{ port: 80 }] };
});
const workloads = [
  ["web", "v1"],
  ["catalog", "v1"],
  ["catalog", "v2"],
].map(([app = "", version = ""]) => ({
  namespace,
  name: app === "web" ? "web" : `${app}-${version}`,
  labels: { app, version },
  address: "127.0.0.1",
  serviceAccount: "default",
  ports: {},
  env: {},
}));
const row = (service: string, workload: string, version: string, more: Partial<DestinationStats> = {}) => ({
  reporter: "source" as const,
  ...{
    service,
    namespace,
    workload,
    version,
    requests: 10,
    failures: 0,
    requestsPerSecond: 1,
    successRate: 1,
  },
  ...{ active: 0, leftOutBy: 0, p50Ms: 1, p95Ms: 2, p99Ms: 3, ...more },
});
const folder = new StatsFolder(services, workloads);

describe("folding measurements", () => {
  it("puts a canary's versions under the service that has them all, with their shares", () => {
    const rows = folder.fold([
      row("catalog-v2", "catalog-v2", "v2", { requests: 10 }),
      row("catalog-v1", "catalog-v1", "v1", { requests: 90, failures: 9 }),
    ]);
    expect(rows).toMatchObject([
      { service: "catalog", version: "v1", share: 0.9, successRate: 0.9 },
      { service: "catalog", version: "v2", share: 0.1, successRate: 1 },
    ]);
  });

  it("believes the callers where there are any, else the called", () => {
    const destination = { reporter: "destination" as const, requests: 99 };
    const rows = folder.fold([
      row("web", "web", "v1", destination),
      row("catalog", "catalog-v1", "v1"),
      row("catalog", "catalog-v1", "v1", destination),
    ]);
    expect(rows.map(({ service, requests }) => [service, requests])).toEqual([
      ["web", 99],
      ["catalog", 10],
    ]);
  });

  it("adds up workloads of one version and shows the slowest", () => {
    const rows = folder.fold([
      row("web", "a", "v1", { p99Ms: 5 }),
      row("web", "b", "v1", { p99Ms: 50, failures: 5 }),
    ]);
    expect(rows).toMatchObject([
      { requests: 20, failures: 5, successRate: 0.75, p99Ms: 50, requestsPerSecond: 2 },
    ]);
  });

  it("calls success what had no request to fail", () => {
    expect(folder.fold([row("web", "web", "v1", { requests: 0, reporter: "destination" })])).toMatchObject([
      { successRate: 1, share: 0 },
    ]);
  });

  it("expects to hear of every service that has a workload, and not of a canary's parts", () => {
    expect(folder.expectedServices).toEqual(["web", "catalog"]);
  });
});
