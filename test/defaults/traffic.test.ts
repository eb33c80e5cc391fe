/**
 * The defaults of a sidecar's traffic, each by name, as it shows on the wire: a mesh of one Service and no MeshConfig, real sockets,
 * and a clock that the test moves.
 */
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { routeDocument, TO_SHOP, trafficPolicyDocument } from "../harness/compiled.ts";
import { type RawOrigin, rawOrigin } from "../harness/raw.ts";
import { type VirtualSidecar, virtualSidecar } from "../harness/virtual-sidecar.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

let sidecar: VirtualSidecar | undefined;
let origins: RawOrigin[] = [];

afterEach(async () => {
  sidecar?.close();
  for (const origin of origins) await origin.close();
  origins = [];
});

type Answer = Parameters<typeof rawOrigin>[0];
const answering: Answer = (_, socket, text) => socket.write(OK.repeat(text.split("\r\n\r\n").length - 1));

async function start(answer: Answer = answering, documents: readonly object[] = []) {
  const origin = await rawOrigin(answer);
  origins.push(origin);
  sidecar = await virtualSidecar([origin.port], documents);
  return { ...sidecar, sidecar, origin };
}

/** Lets everything that is already on its way arrive. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

it("connect: 2 s, then 503 UF (TrafficPolicy timeouts.connect; Envoy has 5 s)", async () => {
  const started = await start(answering, [trafficPolicyDocument("shop", { retry: { attempts: 0 } })]);
  // The connection to a port of this machine takes one turn of the event loop: time passes before that.
  let isLate = false;
  started.sidecar.onChoice = () =>
    process.nextTick(() => {
      started.advance(1_980);
      isLate = started.origin.connections === 0;
      started.advance(30);
    });
  const client = started.client(GET);
  await expect
    .poll(client.received)
    .toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: UF; [\s\S]*connect_timeout/);
  expect(isLate).toBe(true);
  started.sidecar.onChoice = () => process.nextTick(() => started.advance(1_980));
  const second = started.client(GET);
  await expect.poll(second.received).toMatch(/^HTTP\/1\.1 200 /);
});

it("request and backendRequest: no limit (as Istio); an answer after 4 min 59 s is an answer", async () => {
  let late = () => {};
  const { client, advance, origin } = await start((_, socket) => {
    late = () => void socket.write(OK);
  });
  const one = client(GET);
  await expect.poll(() => origin.received).toContain("GET /");
  advance(5 * MINUTE - SECOND);
  await settle();
  expect(one.received()).toBe("");
  late();
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 200 /);
});

it("stream idle: 5 min without a byte, then 504 UT (MeshConfig timeouts.streamIdle)", async () => {
  const { client, advance, origin } = await start(() => {});
  const one = client(GET);
  await expect.poll(() => origin.received).toContain("GET /");
  advance(5 * MINUTE - 20);
  await settle();
  expect(one.received()).toBe("");
  advance(40);
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 504 [\s\S]*x-weft-error: UT; [\s\S]*stream_idle/);
});

it("stream idle counts from the last byte, of the request's body too", async () => {
  const { client, advance, origin } = await start(() => {});
  const one = client("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\na");
  await expect.poll(() => origin.received).toMatch(/\r\n\r\na$/);
  advance(4 * MINUTE);
  one.socket.write("b");
  await expect.poll(() => origin.received).toMatch(/\r\n\r\nab$/);
  advance(4 * MINUTE);
  await settle();
  expect(one.received()).toBe("");
  advance(MINUTE + 20);
  await expect.poll(one.received).toMatch(/ 504 /);
});

it("connection idle: 1 h without a request, then closed (MeshConfig timeouts.connectionIdle)", async () => {
  const { client, advance } = await start();
  const one = client(GET);
  await expect.poll(one.received).toMatch(/ok$/);
  advance(HOUR - 20);
  await settle();
  expect(one.isClosed()).toBe(false);
  advance(40);
  await expect.poll(one.isClosed).toBe(true);
});

it("pool idle: an upstream connection is kept for 1 h (TrafficPolicy connectionPool.idleTimeout)", async () => {
  const { client, advance, outbound } = await start();
  const one = client(GET);
  await expect.poll(one.received).toMatch(/ok$/);
  const [endpoint] = outbound.clusters.get("shop.default:80")?.endpoints ?? [];
  await expect.poll(() => endpoint?.pool.size).toBe(1);
  for (let s = 0; s < 3_598; s += 1) advance(SECOND);
  expect(endpoint?.pool.size).toBe(1);
  for (let s = 0; s < 3; s += 1) advance(SECOND);
  expect(endpoint?.pool.size).toBe(0);
});

it("request head: complete in 10 s from its first byte, or 408; dripping does not help (timeouts.headers; Envoy: off)", async () => {
  const { client, advance } = await start();
  const one = client("GET / HTTP/1.1\r\n");
  await settle();
  await setImmediate();
  for (const line of ["Host: shop\r\n", "A: 1\r\n", "B: 2\r\n"]) {
    advance(3_300);
    one.socket.write(line);
    await settle();
  }
  expect(one.received()).toBe("");
  advance(120);
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 408 [\s\S]*x-weft-error: DPE; /);
});

it("head size: 65,536 bytes, then 431 (MeshConfig limits.maxHeadBytes)", async () => {
  const { client, origin } = await start();
  const head = (bytes: number) => {
    const rest = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nA: \r\n\r\n";
    return rest.replace("A: ", `A: ${"b".repeat(bytes - rest.length)}`);
  };
  const whole = client(head(65_536));
  await expect.poll(whole.received).toMatch(/^HTTP\/1\.1 200 /);
  const seen = origin.received.length;
  expect(seen).toBeGreaterThan(65_000);
  const larger = client(head(65_537));
  await expect.poll(larger.received).toMatch(/^HTTP\/1\.1 431 /);
  expect(origin.received.length).toBe(seen);
});

it("header count: 100, then 431 (MeshConfig limits.maxHeaders)", async () => {
  const { client } = await start();
  const fields = (count: number) => Array.from({ length: count - 1 }, (_, i) => `X-${i}: 1\r\n`).join("");
  const whole = client(`GET / HTTP/1.1\r\nHost: shop\r\n${fields(100)}\r\n`);
  await expect.poll(whole.received).toMatch(/^HTTP\/1\.1 200 /);
  const more = client(`GET / HTTP/1.1\r\nHost: shop\r\n${fields(101)}\r\n`);
  await expect.poll(more.received).toMatch(/^HTTP\/1\.1 431 /);
});

it("pipelining: one request under way, the next is not read before its answer", async () => {
  let answer = () => {};
  const { client, origin } = await start((_, socket) => {
    answer = () => void socket.write(OK);
  });
  const one = client(GET.repeat(100));
  const seen = () => origin.received.split("GET /").length - 1;
  for (let n = 1; n <= 5; n++) {
    await expect.poll(seen).toBe(n);
    await settle();
    expect(seen()).toBe(n);
    answer();
    await expect.poll(() => one.received().split("200 OK").length - 1).toBe(n);
  }
});

it("discovery timeout: 1 s for a Service that nobody knows, then 503 (MeshConfig discoveryTimeout)", async () => {
  const { client, advance } = await start();
  const one = client("GET / HTTP/1.1\r\nHost: unheard-of\r\n\r\n");
  await expect.poll(() => sidecar?.outbound.connections.busy).toBe(1);
  advance(980);
  await settle();
  expect(one.received()).toBe("");
  advance(40);
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 503 [\s\S]*discovery_timeout/);
});

it("outbound policy: ALLOW_ANY, hosts outside of the mesh are passed through (MeshConfig outboundPolicy)", async () => {
  const { client, origin } = await start();
  const one = client(`GET /out HTTP/1.1\r\nHost: 127.0.0.1:${origin.port}\r\n\r\n`);
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 200 /);
  expect(origin.received).toContain("GET /out HTTP/1.1\r\n");
});

it("cluster domain: cluster.local (MeshConfig clusterDomain)", async () => {
  const { client } = await start();
  const one = client("GET / HTTP/1.1\r\nHost: shop.default.svc.cluster.local\r\n\r\n");
  await expect.poll(one.received).toMatch(/^HTTP\/1\.1 200 /);
});

it("load balancing: least request, the power of two choices (TrafficPolicy loadBalancer)", async () => {
  const { outbound } = await start();
  const cluster = outbound.clusters.get("shop.default:80");
  if (cluster === undefined) return expect.fail("no cluster");
  const base = {
    address: "127.0.0.1",
    weight: 1,
    workload: "w",
    namespace: "default",
    serviceAccount: "default",
  };
  cluster.setEndpoints([1, 2].map((port) => ({ ...base, port, app: "shop", version: "v1" })));
  const [first, second] = cluster.endpoints;
  if (first === undefined || second === undefined) return expect.fail("no endpoints");
  first.active = 1;
  for (let i = 0; i < 10; i++) expect(cluster.pick()).toBe(second);
  second.active = 2;
  for (let i = 0; i < 10; i++) expect(cluster.pick()).toBe(first);
});

it("a last answer that its client reads slowly is not cut after the second that lingering takes", async () => {
  const body = "x".repeat(40_000);
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const { client, advance, outbound } = await start((_, socket) => socket.write(answer));
  const one = client();
  one.socket.pause();
  const state = () => outbound.connections.describe("outbound", 0)[0];
  const isQueued = () => Number(state()?.["queuedBytes"]) > 0;
  // Answers that nobody reads fill the kernel's buffers, until one stays in the sidecar.
  let sent = 0;
  for (; !isQueued() && sent < 10_000; sent++) {
    one.socket.write(GET);
    await expect.poll(() => answered(outbound), { interval: 1 }).toBe(sent + 1);
  }
  one.socket.write("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
  await expect.poll(() => answered(outbound), { interval: 1 }).toBe(sent + 1);
  expect([state()?.["active"], isQueued()]).toEqual([false, true]);
  for (let i = 0; i < 10; i++) {
    advance(1_100);
    await setImmediate();
  }
  one.socket.resume();
  await expect.poll(one.isClosed).toBe(true);
  expect(one.received().split("HTTP/1.1 200 OK").length - 1).toBe(sent + 1);
  expect(one.received().endsWith(body)).toBe(true);
});

/** Requests that have been answered whole, from the sidecar's point of view. */
function answered(outbound: VirtualSidecar["outbound"]): number {
  return outbound.connections.describe("outbound", 0)[0]?.["active"] === false
    ? (origins[0]?.received.split("GET /").length ?? 1) - 1
    : -1;
}

it("a client that never reads its last answer is cut off when the stream idle time is over", async () => {
  const size = 12_000_000;
  const { client, advance, outbound } = await start((_, socket) =>
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"x".repeat(size)}`),
  );
  const one = client(GET);
  one.socket.pause();
  const state = () => outbound.connections.describe("outbound", 0)[0];
  await expect.poll(() => Number(state()?.["queuedBytes"])).toBeGreaterThan(0);
  advance(5 * MINUTE - SECOND);
  expect(state()).toBeDefined();
  advance(2 * SECOND);
  await expect.poll(() => state()).toBeUndefined();
});

it("a mirror that does not answer is given up after the stream idle time", async () => {
  const requestMirror = { backendRef: { name: "shop", port: 80 } };
  const rule = { backendRefs: TO_SHOP, filters: [{ type: "RequestMirror", requestMirror }] };
  let silent: object | undefined;
  const { client, advance, outbound } = await start(
    (_, socket) => {
      // The copy goes first.
      silent ??= socket;
      if (socket !== silent) socket.write(OK);
    },
    [routeDocument("mirrored", [rule])],
  );
  const active = () => outbound.clusters.get("shop.default:80")?.endpoints[0]?.active;
  const one = client(GET);
  await expect.poll(one.received).toMatch(/ 200 OK/);
  expect(active()).toBe(1);
  advance(5 * MINUTE - SECOND);
  expect(active()).toBe(1);
  advance(2 * SECOND);
  expect(active()).toBe(0);
});
