/** A copy is a request to its cluster as any other: balancer, breaker and outlier detection know of it; over real sockets. */
import { expect, it } from "vitest";
import { freePort } from "../harness/free-ports.ts";
import type { HttpOrigin } from "../harness/http-origin.ts";
import { seededRandom } from "../harness/random.ts";
import { type Mirrored, type MirroredOptions, mirrored } from "./mirrored.ts";
import { GET, origin, post } from "./shop.ts";

async function origins(count: number): Promise<HttpOrigin[]> {
  return Promise.all(Array.from({ length: count }, () => origin()));
}

const portsOf = (all: readonly HttpOrigin[]) => all.map(({ port }) => port);

async function ask(made: Mirrored, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    expect((await made.ask(GET)).status).toBe(200);
    await made.pass(20);
  }
}

async function pair(mirrors: readonly number[], options: MirroredOptions = {}) {
  const real = await origin();
  return { real, made: await mirrored([real.port], mirrors, options) };
}

it("balanced by the mirror's own policy", async () => {
  const copies = await origins(3);
  const { made } = await pair(portsOf(copies), { copyPolicy: { loadBalancer: { policy: "roundRobin" } } });
  await ask(made, 9);
  expect(copies.map(({ seen }) => seen.length)).toEqual([3, 3, 3]);
  expect(made.outcome("answered")).toBe(9);
  expect([made.copy.active, ...made.copy.endpoints.map(({ active }) => active)]).toEqual([0, 0, 0, 0]);
  expect(made.sidecar.read("weft_upstream_connections_total", { cluster: "copy.default:80" })).toBe(3);
});

it("by its hash: what belongs together goes to one copy", async () => {
  const copies = await origins(4);
  const copyPolicy = { loadBalancer: { policy: "maglev", hash: { header: "x-user" } } };
  const { made } = await pair(portsOf(copies), { copyPolicy });
  for (let i = 0; i < 8; i++) {
    await made.ask(GET.replace("\r\n\r\n", "\r\nx-user: one\r\n\r\n"));
    await made.pass(20);
  }
  expect(copies.map(({ seen }) => seen.length).toSorted()).toEqual([0, 0, 0, 8]);
});

it("the breaker's limit of requests: over it there is no copy, and the original knows nothing of it", async () => {
  const waiting: (() => void)[] = [];
  const copy = await origin((response) => waiting.push(() => response.end()));
  const { real, made } = await pair([copy.port], { copyPolicy: { connectionPool: { maxRequests: 2 } } });
  await ask(made, 5);
  expect([real.seen.length, copy.seen.length, made.copy.active]).toEqual([5, 2, 2]);
  expect(made.outcome("overflow")).toBe(3);
  expect(
    made.sidecar.read("weft_circuit_breaker_remaining", {
      cluster: "copy.default:80",
      priority: "default",
      resource: "requests",
    }),
  ).toBe(0);
  for (const answer of waiting.splice(0)) answer();
  await made.pass(50);
  expect([made.copy.active, made.copy.breakers.default.requests]).toEqual([0, 0]);
  await ask(made, 1);
  expect(copy.seen.length).toBe(3);
});

it("the limit of connections holds for copies, which do not wait in line", async () => {
  const copy = await origin(() => {});
  const { made } = await pair([copy.port], { copyPolicy: { connectionPool: { maxConnections: 1 } } });
  await ask(made, 3);
  expect([
    made.outcome("overflow"),
    made.copy.breakers.default.connections,
    made.copy.connections.line.length,
  ]).toEqual([2, 1, 0]);
});

it("no endpoint: counted, and that is all", async () => {
  const { made } = await pair([]);
  await ask(made, 2);
  expect(made.outcome("no_endpoint")).toBe(2);
});

it("outlier detection sees what copies bring", async () => {
  const failing = await origin((response) => response.writeHead(500).end());
  const [good] = await origins(1);
  if (good === undefined) return expect.fail();
  const copyPolicy = {
    outlierDetection: { consecutive5xx: 2, maxEjectionPercent: 70 },
    loadBalancer: { policy: "roundRobin", panicThreshold: 0 },
  };
  const { made } = await pair([failing.port, good.port, await freePort()], { copyPolicy });
  await ask(made, 12);
  expect(made.sidecar.read("weft_outlier_ejections_active", { cluster: "copy.default:80" })).toBe(2);
  expect(failing.seen.length).toBe(2);
  expect([made.outcome("failed"), made.outcome("answered"), good.seen.length]).toEqual([2, 10, 8]);
});

it("a copy that hangs is given up, and counts as a timeout", async () => {
  const copy = await origin(() => {});
  const { made } = await pair([copy.port]);
  await ask(made, 1);
  await made.pass(310_000);
  expect([made.outcome("timeout"), made.copy.active, made.copy.breakers.default.pending]).toEqual([1, 0, 0]);
});

it.each<[object, number, number]>([
  [{ percent: 0 }, 0, 0],
  [{}, 200, 200],
  [{ percent: 100 }, 200, 200],
  [{ percent: 25 }, 30, 70],
  [{ fraction: { numerator: 1, denominator: 10 } }, 8, 36],
])("%j of 200", async (share, least, most) => {
  const copy = await origin();
  const { made } = await pair([copy.port], { share, random: seededRandom(11) });
  for (let i = 0; i < 200; i++) await made.ask(GET);
  await made.pass(50);
  expect(copy.seen.length).toBeGreaterThanOrEqual(least);
  expect(copy.seen.length).toBeLessThanOrEqual(most);
});

it("a body reaches the copy as it reaches the original", async () => {
  const copy = await origin();
  const { real, made } = await pair([copy.port]);
  await made.ask(post("x".repeat(100_000)));
  await made.ask(
    "POST /x HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
  );
  await made.pass(50);
  expect(copy.seen.map(({ body }) => body)).toEqual(real.seen.map(({ body }) => body));
  expect(copy.seen[1]?.body).toBe("abcd");
});
