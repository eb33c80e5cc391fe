/** A whole sidecar with two traffic loops: what differs in mirrors is on its admin page, in its metrics, and in `weft mirror report`. */
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, it } from "vitest";
import type { RouteResource } from "../../src/discovery/route.ts";
import type { Sidecar } from "../../src/proxy/sidecar.ts";
import { startTestSidecar } from "../harness/sidecar.ts";
import { weftIn } from "../harness/weft.ts";
import { InMemoryDiscovery } from "./in-memory-discovery.ts";
import { listeners, service } from "./resources.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(handle: http.RequestListener): Promise<number> {
  const server = http.createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function get(port: number, path: string, headers: Record<string, string> = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get({ host: "127.0.0.1", port, path, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve(body));
    });
    request.on("error", reject);
  });
}

const mirror = (argv: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  weftIn({ env }, "mirror", ...argv);

/** `shop` mirrored to `copy`, which answers with one more item, and every fourth time with 500. */
async function start(): Promise<Sidecar> {
  const discovery = new InMemoryDiscovery();
  discovery.set("listener", ...listeners(1));
  let n = 0;
  const items = (count: number) =>
    JSON.stringify({ items: Array.from({ length: count }, (_, id) => ({ id })), at: n });
  const shop = service("shop", [await serve((_, response) => response.end(items(2)))]);
  const copy = service("copy", [
    await serve((_, response) => response.writeHead(++n % 4 === 0 ? 500 : 200).end(items(3))),
  ]);
  const { matches, ...route } = shop.route as RouteResource;
  const backends = [{ cluster: shop.name, weight: 1 }];
  const comparison = { body: "json", ignore: ["/at"], showValues: true } as const;
  const mirrors = [{ cluster: copy.name, numerator: 1, denominator: 1, comparison }];
  for (const { cluster, endpoints } of [shop, copy]) {
    discovery.set("cluster", cluster);
    discovery.set("endpoints", endpoints);
  }
  const rules = [{ name: "default/shop rule 0", action: { kind: "forward", backends, mirrors } } as const];
  discovery.set("route", { ...route, matches, rules });
  const sidecar = await startTestSidecar({ connect: discovery.connect, concurrency: 2 });
  closers.push(() => sidecar.close());
  await sidecar.ready;
  return sidecar;
}

it("the page, the metrics and the command tell the same", async () => {
  const { ports } = await start();
  expect(await get(ports.admin, "/mirrors?format=text")).toContain("nothing was compared");
  // More than may wait at once: what is told to be taken makes room.
  for (let i = 0; i < 200; i++) {
    expect(await get(ports.outbound, "/", { host: "shop:80" })).toMatch(
      /^\{"items":\[\{"id":0\},\{"id":1\}\],/,
    );
  }
  const report = async () => JSON.parse(await get(ports.admin, "/mirrors")).items[0];
  await expect.poll(async () => (await report())?.compared).toBe(200);
  expect(await report()).toMatchObject({
    route: "default/shop rule 0",
    cluster: "copy.default:80",
    same: 0,
    failed: 0,
    statuses: [{ real: 200, mirror: 500, count: 50 }],
    headers: [],
    paths: [{ path: "/items/*", kind: "extra", count: 150, mirror: "map of 1" }],
  });
  const text = await get(ports.admin, "/mirrors?format=text");
  expect(text).toContain("  200 compared, 0 same (0.0 %)\n  status  50 × 200->500\n  body    150 × /items/*");
  const metrics = await get(ports.telemetry, "/metrics");
  const counted = (result: string) =>
    new RegExp(
      `^weft_mirror_compared_total\\{cluster="copy.default:80",result="${result}"\\} (\\d+)$`,
      "m",
    ).exec(metrics)?.[1];
  expect(["same", "status", "body", "failed"].map(counted)).toEqual(["0", "50", "150", "0"]);
  const sum = [...metrics.matchAll(/^weft_mirror_requests_total\{.*result="answered".*\} (\d+)$/gm)];
  expect(sum.reduce((all, [, count]) => all + Number(count), 0)).toBe(200);

  expect((await mirror(["report", `127.0.0.1:${ports.admin}`])).stdout).toBe(text);
  expect((await mirror(["report", String(ports.admin)])).stdout).toBe(text);
  const json = await mirror(["report", "--json", `http://127.0.0.1:${ports.admin}`]);
  expect(JSON.parse(json.stdout).items[0]).toEqual(await report());
  const items = [
    { id: "default/gone", state: "disconnected", ports: { admin: 1 } },
    { id: "default/web", state: "synced", ports: { admin: ports.admin } },
  ];
  const api = await serve((_, response) => response.end(JSON.stringify({ items })));
  const byName = { WEFT_API: `http://127.0.0.1:${api}` };
  for (const name of ["web", "default/web"])
    expect((await mirror(["report", name], byName)).stdout).toBe(text);
  const unknown = await mirror(["report", "gone"], byName);
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringMatching(/no sidecar "gone" is connected\n {2}connected: default\/web/),
  ]);
  const noReport = await mirror(["report", String(api)]);
  expect(noReport).toMatchObject({ code: 1, stderr: expect.stringContaining("no report of a sidecar") });
});

it.each([
  [["report"], "missing required argument"],
  [["show", "web"], '"show" is not report'],
  [["report", "http://"], "is no address"],
])("weft mirror %j is not understood", async (argv, message) => {
  const { code, stderr } = await mirror(argv);
  expect([code, stderr]).toEqual([2, expect.stringContaining(message)]);
});

it("nobody there: says so", async () => {
  const { code, stderr } = await mirror(["report", "127.0.0.1:1"]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/no admin port of a sidecar at http:\/\/127\.0\.0\.1:1\n.*ECONNREFUSED/),
  ]);
});
