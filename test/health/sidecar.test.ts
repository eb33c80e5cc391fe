/** A whole sidecar with two traffic loops and real applications: who fails the check gets no request, and everybody can see why. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { HealthCheck } from "../../src/discovery/health-check.ts";
import type { ClusterResource, Resource } from "../../src/discovery/messages.ts";
import type { Sidecar } from "../../src/proxy/sidecar.ts";
import { startTestSidecar } from "../harness/sidecar.ts";
import { InMemoryDiscovery } from "../sidecar/in-memory-discovery.ts";
import { listeners, service } from "../sidecar/resources.ts";

const CHECK: HealthCheck = {
  probe: { kind: "http", path: "/healthz", expectedStatuses: [[200, 299]] },
  intervalMs: 100,
  timeoutMs: 1_000,
  unhealthyThreshold: 3,
  healthyThreshold: 2,
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface App {
  readonly port: number;
  /** Status of its health check. */
  health: number;
  checks: number;
  requests: number;
}

async function startApp(): Promise<App> {
  const server = http.createServer((request, response) => {
    if (request.url === "/healthz") {
      app.checks++;
      response.writeHead(app.health).end();
      return;
    }
    app.requests++;
    response.end(String(app.port));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const app: App = { port: (server.address() as AddressInfo).port, health: 200, checks: 0, requests: 0 };
  return app;
}

interface Running {
  readonly sidecar: Sidecar;
  readonly discovery: InMemoryDiscovery;
  readonly log: string[];
  readonly cluster: ClusterResource;
}

async function start(apps: readonly App[], healthCheck: HealthCheck | undefined = CHECK): Promise<Running> {
  const discovery = new InMemoryDiscovery();
  const made = service(
    "shop",
    apps.map(({ port }) => port),
  );
  const cluster = { ...(made.cluster as ClusterResource), healthCheck } as ClusterResource;
  discovery.set("listener", ...listeners(1));
  discovery.set("cluster", cluster);
  discovery.set("endpoints", made.endpoints);
  discovery.set("route", made.route);
  const log: string[] = [];
  const { connect } = discovery;
  const sidecar = await startTestSidecar({
    connect,
    concurrency: 2,
    outboundScope: "all",
    log: (line) => log.push(line),
  });
  closers.push(() => sidecar.close());
  await sidecar.ready;
  return { sidecar, discovery, log, cluster };
}

function get(port: number, path = "/"): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = path === "/" ? { host: "shop:80" } : {};
    http
      .get({ host: "127.0.0.1", port, path, headers: host, agent: false }, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          body += chunk;
        });
        response.on("end", () => resolve(body));
      })
      .on("error", reject);
  });
}

/** Who answered 40 requests, each on a connection of its own, so that both loops get some. */
async function answerers({ sidecar }: Running): Promise<string[]> {
  const bodies = new Set<string>();
  for (let i = 0; i < 40; i++) bodies.add(await get(sidecar.ports.outbound));
  return [...bodies].sort();
}

async function rows({ sidecar }: Running, page: string): Promise<Record<string, unknown>[]> {
  const { items } = JSON.parse(await get(sidecar.ports.admin, page)) as { items: Record<string, unknown>[] };
  return items;
}

/** Whether all loops leave exactly these ports out. */
async function failing(running: Running): Promise<unknown[]> {
  const outbound = (await rows(running, "/clusters")).filter(({ listener }) => listener === "outbound");
  return outbound.filter(({ failsCheck }) => failsCheck).map(({ loop, endpoint }) => `${loop} ${endpoint}`);
}

it("requests avoid an endpoint from its third failure to its second pass, in every loop; checks run once", async () => {
  const apps = [await startApp(), await startApp()];
  const [sick, well] = apps;
  if (sick === undefined || well === undefined) throw new TypeError("two applications");
  const running = await start(apps);
  const { sidecar, log } = running;
  await expect.poll(() => apps.map(({ checks }) => checks > 0)).toEqual([true, true]);
  expect(await answerers(running)).toEqual(apps.map(({ port }) => String(port)).sort());

  sick.health = 503;
  const endpoint = `127.0.0.1:${sick.port}`;
  await expect.poll(() => failing(running)).toEqual([`0 ${endpoint}`, `1 ${endpoint}`]);
  expect(await answerers(running)).toEqual([String(well.port)]);
  expect(JSON.parse(log[0] ?? "")).toEqual({
    level: "warn",
    time: expect.stringMatching(/^20/),
    msg: "endpoint unhealthy",
    cluster: "shop.default:80",
    endpoint,
    workload: "shop-0",
    namespace: "default",
    reason: "HTTP 503",
  });
  const checks = await rows(running, "/health-checks");
  expect(checks).toEqual([
    {
      cluster: "shop.default:80",
      endpoint,
      workload: "shop-0",
      verdict: "unhealthy",
      lastResult: "HTTP 503",
    },
    expect.objectContaining({ verdict: "healthy", lastResult: "passed" }),
  ]);
  const metrics = await get(sidecar.ports.telemetry, "/metrics");
  expect(metrics).toContain('weft_health_check_unhealthy{cluster="shop.default:80"} 1');
  const failed = /weft_health_checks_total\{cluster="shop.default:80",result="fail"\} (\d+)/.exec(
    metrics,
  )?.[1];
  expect(Number(failed)).toBeGreaterThanOrEqual(3);

  sick.health = 200;
  await expect.poll(() => failing(running)).toEqual([]);
  expect(await answerers(running)).toEqual(apps.map(({ port }) => String(port)).sort());
  expect(log.map((line) => JSON.parse(line).msg)).toEqual(["endpoint unhealthy", "endpoint healthy"]);
  const passed = await rows(running, "/health-checks");
  expect(passed.map(({ verdict }) => verdict)).toEqual(["healthy", "healthy"]);
});

it("a health check is changed and taken away under traffic", async () => {
  const apps = [await startApp(), await startApp()];
  const [sick] = apps;
  if (sick === undefined) throw new TypeError("an application");
  sick.health = 404;
  const running = await start(apps);
  const { discovery, cluster } = running;
  await expect.poll(() => failing(running)).toHaveLength(2);
  const probe = { kind: "http", path: "/healthz", expectedStatuses: [[200, 404]] } as const;
  discovery.set("cluster", { ...cluster, healthCheck: { ...CHECK, probe } } as Resource);
  await expect.poll(() => failing(running)).toEqual([]);
  discovery.set("cluster", cluster);
  await expect.poll(() => failing(running)).toHaveLength(2);
  const { healthCheck: _, ...unchecked } = cluster;
  discovery.set("cluster", unchecked as Resource);
  await expect.poll(() => failing(running)).toEqual([]);
  expect(await rows(running, "/health-checks")).toEqual([]);
});

it("an instance that left unhealthy and returns is used until it is asked", async () => {
  const apps = [await startApp(), await startApp()];
  const [sick] = apps;
  if (sick === undefined) throw new TypeError("an application");
  sick.health = 503;
  const running = await start(apps);
  const { discovery } = running;
  await expect.poll(() => failing(running)).toHaveLength(2);
  const ports = apps.map(({ port }) => port);
  discovery.set("endpoints", service("shop", ports.slice(1)).endpoints);
  await expect.poll(() => rows(running, "/health-checks")).toHaveLength(1);
  sick.health = 200;
  discovery.set("endpoints", service("shop", ports).endpoints);
  await expect.poll(() => rows(running, "/health-checks")).toHaveLength(2);
  await expect.poll(() => failing(running)).toEqual([]);
  expect(await answerers(running)).toEqual(ports.map(String).sort());
});

it("a health check that the sidecar does not understand is refused, and names the field", async () => {
  const { discovery, cluster } = await start([await startApp()]);
  const probe = { kind: "redis" } as never;
  discovery.set("cluster", { ...cluster, healthCheck: { ...CHECK, probe } } as Resource);
  await expect
    .poll(() => discovery.nacks)
    .toEqual([
      expect.objectContaining({
        resource: "shop.default:80",
        field: "healthCheck.probe",
        message: "expected a probe of kind http, tcp or grpc",
      }),
    ]);
});
