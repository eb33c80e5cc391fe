/**
 * A whole sidecar with real traffic loops and real sockets; the control plane alone is in memory. One test per
 * promise: readiness, lazy subscription, restart without control plane, drain, failure to start.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { OutboundListenerResource } from "../../src/discovery/listener.ts";
import type { Sidecar } from "../../src/proxy/sidecar.ts";
import type { SidecarOptions } from "../../src/proxy/sidecar-options.ts";
import { OPEN } from "../harness/policy.ts";
import { startTestSidecar } from "../harness/sidecar.ts";
import { InMemoryDiscovery } from "./in-memory-discovery.ts";
import { listeners, service } from "./resources.ts";

const METRICS_PAGE = new URL("../../docs/reference/metrics.md", import.meta.url);
const closers: (() => unknown)[] = [];
let stateDir: string;
let drainRequests = 0;

beforeEach(async () => {
  drainRequests = 0;
  stateDir = await mkdtemp(join(tmpdir(), "weft-sidecar-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  await rm(stateDir, { recursive: true });
});

async function start(
  discovery: InMemoryDiscovery,
  overrides: Partial<SidecarOptions> = {},
): Promise<Sidecar> {
  const sidecar = await startTestSidecar({
    connect: discovery.connect,
    onDrainRequested: () => drainRequests++,
    ...overrides,
  });
  closers.push(() => sidecar.close());
  return sidecar;
}

interface Reply {
  readonly status: number;
  readonly body: string;
}
function call(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port, path, method, headers, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end();
  });
}

async function origin(body: string): Promise<number> {
  const server = createServer((_, response) => response.end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function publish(discovery: InMemoryDiscovery, name: string, ports: number[]): void {
  const { route, cluster, endpoints } = service(name, ports);
  discovery.set("cluster", cluster);
  discovery.set("endpoints", endpoints);
  discovery.set("route", route);
}

describe("readiness", () => {
  it("comes with both listeners and the policy, and says what is missing until then", async () => {
    const discovery = new InMemoryDiscovery();
    discovery.remove("policy", "inbound");
    const { ports, ready } = await start(discovery);
    const before = await call(ports.telemetry, "/healthz/ready");
    expect([before.status, before.body]).toEqual([503, expect.stringContaining("no configuration yet")]);
    expect(discovery.node).toMatchObject({ id: "default/web", ports });
    discovery.set("listener", ...listeners(1));
    await expect.poll(() => discovery.unacknowledged).toBe(0);
    expect((await call(ports.telemetry, "/healthz/ready")).body).toContain("waiting for the listeners and");
    discovery.set("policy", OPEN);
    await ready;
    expect((await call(ports.telemetry, "/healthz/ready")).status).toBe(200);
    expect((await call(ports.admin, "/healthz/live")).status).toBe(200);
    await expect.poll(() => discovery.unacknowledged).toBe(0);
  });
});

describe("lazy subscription", () => {
  it("learns of a service at its first request, and follows its changes", async () => {
    const discovery = new InMemoryDiscovery();
    discovery.set("listener", ...listeners(1));
    publish(discovery, "a", [await origin("first")]);
    publish(discovery, "b", [await origin("never asked for")]);
    const { ports, ready } = await start(discovery);
    await ready;
    expect(discovery.subscriptions("route")).toEqual([]);
    expect(await call(ports.outbound, "/", { host: "a:80" })).toEqual({ status: 200, body: "first" });
    expect(discovery.subscriptions("route")).toEqual(["a.default:80"]);
    expect(discovery.subscriptions("endpoints")).toEqual(["a.default:80"]);

    discovery.set("endpoints", service("a", [await origin("second")]).endpoints);
    await expect.poll(() => discovery.unacknowledged).toBe(0);
    expect((await call(ports.outbound, "/", { host: "a:80" })).body).toBe("second");
    const { body } = await call(ports.admin, "/config?type=endpoints&name=a.default:80");
    expect(JSON.parse(body)).toMatchObject({ endpoints: [{ name: "a.default:80" }] });
  });

  it("is not there with the scope `all`, and yet nothing is taken for a stranger's before all has come", async () => {
    const discovery = new InMemoryDiscovery(false);
    discovery.set("listener", ...listeners(1));
    publish(discovery, "a", [await origin("of the mesh")]);
    const { ports, ready } = await start(discovery, { outboundScope: "all" });
    const early = call(ports.outbound, "/", { host: "a:80" });
    await expect.poll(async () => (await call(ports.admin, "/connections")).body).toContain('"active": true');
    discovery.up();
    expect(await early).toEqual({ status: 200, body: "of the mesh" });
    await ready;
    discovery.set("listener", { ...listeners(1)[0], discoveryTimeoutMs: 60_000 } as OutboundListenerResource);
    expect((await call(ports.outbound, "/", { host: "nobody:80" })).status).toBe(502);
  });

  it("reports the load of what it called", async () => {
    const discovery = new InMemoryDiscovery();
    discovery.set("listener", ...listeners(1));
    publish(discovery, "a", [await origin("x")]);
    const { ports, ready } = await start(discovery);
    await ready;
    await call(ports.outbound, "/", { host: "a:80" });
    await expect.poll(() => discovery.loads.length).toBeGreaterThan(0);
    const load = discovery.loads.flatMap((report) => report.destinations);
    expect(load).toContainEqual(
      expect.objectContaining({ reporter: "source", cluster: "a.default:80", requests: 1, failures: 0 }),
    );
    const { body } = await call(ports.telemetry, "/metrics");
    expect(body).toMatch(/istio_requests_total\{.*destination_service_name="a".*\} 1/);
    const page = await readFile(METRICS_PAGE, "utf8");
    for (const [, name] of body.matchAll(/^# TYPE (\S+)/gm)) expect(page).toContain(`\`${name}\``);
  });
});

describe("without a control plane", () => {
  it("starts from what an earlier run left, and gets only what has changed later", async () => {
    const first = new InMemoryDiscovery();
    first.set("listener", ...listeners(1));
    const one = await start(first, { stateDir });
    await one.ready;
    await one.close();

    const down = new InMemoryDiscovery(false);
    down.set("listener", ...listeners(1));
    const two = await start(down, { stateDir });
    await two.ready;
    expect((await call(two.ports.telemetry, "/healthz/ready")).status).toBe(200);
    down.up();
    expect(down.sent).toBe(0);
  });
});

describe("drain", () => {
  it("fails readiness at once and ends when the loops are idle", async () => {
    const discovery = new InMemoryDiscovery();
    discovery.set("listener", ...listeners(1));
    const sidecar = await start(discovery);
    await sidecar.ready;
    const drained = sidecar.drain();
    const { status, body } = await call(sidecar.ports.telemetry, "/healthz/ready");
    expect([status, body]).toEqual([503, "not ready: draining\n"]);
    expect(await drained).toBe(0);
  });

  it("is asked for by POST at the admin listener alone", async () => {
    const { ports } = await start(new InMemoryDiscovery());
    expect((await call(ports.admin, "/drain")).status).toBe(405);
    expect((await call(ports.telemetry, "/drain", {}, "POST")).status).toBe(404);
    expect((await call(ports.admin, "/drain", { host: "evil.example" }, "POST")).status).toBe(403);
    expect(drainRequests).toBe(0);
    expect((await call(ports.admin, "/drain", {}, "POST")).status).toBe(202);
    expect(drainRequests).toBe(1);
  });
});

describe("several traffic loops", () => {
  it("share their ports and are described together", async () => {
    const discovery = new InMemoryDiscovery();
    discovery.set("listener", ...listeners(1));
    const { ports, ready } = await start(discovery, { concurrency: 2 });
    await ready;
    await expect.poll(() => discovery.unacknowledged).toBe(0);
    expect((await call(ports.admin, "/connections")).status).toBe(200);
    const { status, body } = await call(ports.admin, "/clusters");
    expect([status, Array.isArray(JSON.parse(body).items)]).toEqual([200, true]);
  });
});

describe("a port that is taken", () => {
  it("ends the start and leaves nothing open", async () => {
    const taken = createTcpServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    closers.push(() => taken.close());
    const { port } = taken.address() as AddressInfo;
    for (const name of ["admin", "telemetry", "outbound", "inbound"] as const) {
      const ports = { outbound: 0, inbound: 0, admin: 0, telemetry: 0, [name]: port };
      await expect(start(new InMemoryDiscovery(), { ports })).rejects.toThrow(/EADDRINUSE|in use/);
    }
  });
});
