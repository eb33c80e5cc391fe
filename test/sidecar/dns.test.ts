/** A whole sidecar that is asked for names: what it says of them, and what it tells of that. */
import { Resolver } from "node:dns/promises";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Sidecar } from "../../src/proxy/sidecar.ts";
import { startTestSidecar, type TestSidecarOptions } from "../harness/sidecar.ts";
import { InMemoryDiscovery } from "./in-memory-discovery.ts";
import { listeners } from "./resources.ts";

const METRICS_PAGE = new URL("../../docs/reference/metrics.md", import.meta.url);
const HOST = {
  name: "shop.default",
  service: { name: "shop", namespace: "default" },
  addresses: ["240.1.2.3"],
  ports: [],
};

let sidecars: Sidecar[];
let stateDir: string;
beforeEach(async () => {
  sidecars = [];
  stateDir = await mkdtemp(join(tmpdir(), "weft-dns-"));
});
afterEach(async () => {
  for (const sidecar of sidecars) await sidecar.close();
  await rm(stateDir, { recursive: true });
});

async function start(discovery: InMemoryDiscovery, more: Partial<TestSidecarOptions> = {}): Promise<Sidecar> {
  discovery.set("listener", ...listeners(1));
  const sidecar = await startTestSidecar({
    connect: discovery.connect,
    ports: { outbound: 0, inbound: 0, admin: 0, telemetry: 0, dns: 0 },
    resolvers: [],
    ...more,
  });
  sidecars.push(sidecar);
  await sidecar.ready;
  return sidecar;
}

function resolve({ ports }: Sidecar, name: string): Promise<string[]> {
  const resolver = new Resolver({ tries: 1 });
  resolver.setServers([`127.0.0.1:${ports.dns}`]);
  return resolver.resolve4(name);
}

async function page(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}

it("asks the control plane for a name when it is asked, follows it, and tells of it", async () => {
  const discovery = new InMemoryDiscovery();
  discovery.set("host", HOST);
  const sidecar = await start(discovery);
  expect(discovery.subscriptions("host")).toEqual([]);
  expect(await resolve(sidecar, "shop.default.svc.cluster.local")).toEqual(["240.1.2.3"]);
  expect(discovery.subscriptions("host")).toEqual(["shop.default"]);
  discovery.set("host", { ...HOST, addresses: ["10.0.0.1"] });
  await expect.poll(() => resolve(sidecar, "shop")).toEqual(["10.0.0.1"]);
  const told = JSON.parse(await page(sidecar.ports.admin, "/dns")) as { names: object[]; port: number };
  expect(told).toMatchObject({ port: sidecar.ports.dns, names: [{ ...HOST, addresses: ["10.0.0.1"] }] });
  const metrics = await page(sidecar.ports.telemetry, "/metrics");
  expect(metrics).toMatch(/weft_dns_requests_total\{outcome="mesh"\} [1-9]/);
  const documented = await readFile(METRICS_PAGE, "utf8");
  for (const [, name] of metrics.matchAll(/^# TYPE (\S+)/gm)) expect(documented).toContain(`\`${name}\``);
});

it("what it cannot make an answer of is refused", async () => {
  const discovery = new InMemoryDiscovery();
  discovery.set("host", { ...HOST, addresses: ["nonsense"] });
  await expect(resolve(await start(discovery), "shop")).rejects.toThrow("ESERVFAIL");
  expect(discovery.nacks).toMatchObject([{ code: "invalid", resource: "shop.default", field: "addresses" }]);
});

it("knows the names of an earlier run when the control plane is away", async () => {
  const discovery = new InMemoryDiscovery();
  discovery.set("host", HOST);
  const first = await start(discovery, { stateDir });
  await resolve(first, "shop");
  await first.close();
  const away = new InMemoryDiscovery(false);
  const second = await start(away, { stateDir });
  expect(await resolve(second, "shop")).toEqual(["240.1.2.3"]);
  await expect(resolve(second, "other")).rejects.toThrow("ESERVFAIL");
});

it("a port that somebody has is told, and nothing stays open", async () => {
  const { ports } = await start(new InMemoryDiscovery());
  const taken = { outbound: 0, inbound: 0, admin: 0, telemetry: 0, dns: ports.dns ?? 0 };
  await expect(start(new InMemoryDiscovery(), { ports: taken })).rejects.toThrow("EADDRINUSE");
});

it("without a port for it there is none", async () => {
  const sidecar = await start(new InMemoryDiscovery(), {
    ports: { outbound: 0, inbound: 0, admin: 0, telemetry: 0 },
  });
  expect(sidecar.ports.dns).toBeUndefined();
  expect(await page(sidecar.ports.admin, "/dns")).toContain("--dns-port");
  expect(await page(sidecar.ports.telemetry, "/metrics")).not.toContain("weft_dns");
});
