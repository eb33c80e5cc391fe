/** How much may be under way: circuit breakers, waiting for a connection, and what is said when there is no room. */
import { expect, it } from "vitest";
import { trafficPolicyDocument } from "../harness/compiled.ts";
import { GET, origin, shop } from "./shop.ts";

const CLUSTER = { cluster: "shop.default:80" };
const remaining = (resource: string, priority = "default") => ({ ...CLUSTER, resource, priority });
const REMAINING = "weft_circuit_breaker_remaining";

/** Answers only when told to. */
async function held() {
  const waiting: (() => void)[] = [];
  const made = await origin((response) => waiting.push(() => response.end("ok")));
  return {
    ...made,
    waiting,
    release: () => {
      for (const answer of waiting.splice(0)) answer();
    },
  };
}

it("1,024 connections, 1,024 pending, 1,024 requests by default, as the gauges say", async () => {
  const server = await origin();
  const { ask, sidecar } = await shop([server.port]);
  await ask(GET);
  for (const resource of ["pending", "requests"])
    expect(sidecar.read(REMAINING, remaining(resource))).toBe(1_024);
  expect(sidecar.read(REMAINING, remaining("connections"))).toBe(1_023);
});

it("over maxRequests: 503 UO at once, and x-weft-overloaded", async () => {
  const server = await held();
  const { ask, send, pass, sidecar } = await shop([server.port], { connectionPool: { maxRequests: 2 } });
  const two = [send(GET), send(GET)];
  await pass(50);
  expect(sidecar.read(REMAINING, remaining("requests"))).toBe(0);
  const answer = await ask(GET);
  expect(answer.head).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: UO; [\s\S]*x-weft-overloaded: true/);
  expect(sidecar.read("weft_upstream_overflow_total", CLUSTER)).toBe(1);
  server.release();
  await pass(50);
  for (const client of two) expect(client.received()).toMatch(/ok$/);
  expect(sidecar.read(REMAINING, remaining("requests"))).toBe(2);
});

it("over maxConnections requests wait for one, over maxPendingRequests they do not", async () => {
  const server = await held();
  const limits = { maxConnections: 1, maxPendingRequests: 1 };
  const { ask, send, pass, sidecar } = await shop([server.port], { connectionPool: limits });
  const first = send(GET);
  await pass(50);
  const second = send(GET);
  await pass(50);
  expect(server.seen.length).toBe(1);
  expect(sidecar.read(REMAINING, remaining("pending"))).toBe(0);
  expect((await ask(GET)).head).toContain("UO");
  server.release();
  await pass(50);
  expect(first.received()).toMatch(/ok$/);
  expect(server.seen.length).toBe(2);
  server.release();
  await pass(50);
  expect(second.received()).toMatch(/ok$/);
  expect(sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(1);
  expect(sidecar.read(REMAINING, remaining("pending"))).toBe(1);
});

it("who waits for a connection longer than connecting may take gets 503; one who leaves is forgotten", async () => {
  const server = await held();
  const policy = {
    connectionPool: { maxConnections: 1 },
    retry: { attempts: 0 },
    timeouts: { connect: "1s" },
  };
  const { ask, send, pass, sidecar } = await shop([server.port], policy);
  send(GET);
  await pass(50);
  const gone = send(GET);
  await pass(50);
  gone.socket.resetAndDestroy();
  await pass(50);
  expect(sidecar.read(REMAINING, remaining("pending"))).toBe(1_024);
  const answer = await ask(GET, 5);
  expect(answer.head).toMatch(/^HTTP\/1\.1 503 [\s\S]*UF; /);
  expect(answer.ms).toBeGreaterThanOrEqual(1_000);
});

it("an idle connection makes way for one to another endpoint", async () => {
  const [one, two] = [await origin(), await origin()];
  const { ask } = await shop([one.port, two.port], {
    connectionPool: { maxConnections: 1 },
    loadBalancer: { policy: "roundRobin" },
  });
  for (let i = 0; i < 6; i++) expect((await ask(GET)).status).toBe(200);
  expect([one.seen.length, two.seen.length]).toEqual([3, 3]);
});

it("critical requests have a breaker of their own", async () => {
  const server = await held();
  const { ask, send, pass, sidecar } = await shop([server.port], {
    connectionPool: { maxRequests: 1 },
    priority: { headers: [{ name: "x-class", value: "gold", class: "critical" }] },
  });
  send(GET);
  await pass(50);
  expect((await ask(GET)).status).toBe(503);
  const gold = send(GET.replace("\r\n\r\n", "\r\nX-Class: gold\r\n\r\n"));
  await pass(50);
  expect(sidecar.read(REMAINING, remaining("requests", "high"))).toBe(0);
  server.release();
  await pass(50);
  expect(gold.received()).toMatch(/ok$/);
  expect(server.seen.map(({ headers }) => headers["x-weft-priority"])).toEqual([undefined, "critical"]);
});

it("limits change under traffic", async () => {
  const server = await held();
  const { ask, send, pass, sidecar } = await shop([server.port], { connectionPool: { maxRequests: 1 } });
  send(GET);
  await pass(50);
  expect((await ask(GET)).status).toBe(503);
  sidecar.reload([trafficPolicyDocument("shop", { connectionPool: { maxRequests: 2 } })]);
  expect(sidecar.read(REMAINING, remaining("requests"))).toBe(1);
  const second = send(GET);
  await pass(50);
  server.release();
  await pass(50);
  expect(second.received()).toMatch(/ok$/);
});

it("connections are replaced after so many requests, and after an age", async () => {
  const server = await origin();
  const many = await shop([server.port], { connectionPool: { maxRequestsPerConnection: 3 } });
  for (let i = 0; i < 7; i++) await many.ask(GET);
  expect(many.sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(3);
  const old = await shop([server.port], { connectionPool: { maxConnectionAge: "3s" } });
  await old.ask(GET);
  await old.pass(2_000);
  await old.ask(GET);
  expect(old.sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(1);
  await old.pass(1_000);
  await old.ask(GET);
  expect(old.sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(2);
});

it("a new endpoint's connections are there before its first request", async () => {
  const server = await origin();
  const { pass, sidecar, ask } = await shop([server.port], { connectionPool: { prewarm: 3 } });
  await pass(50);
  expect(sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(3);
  await ask(GET);
  expect(sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(3);
});

it("bytes that nobody asked for on an idle connection: it is not used again", async () => {
  let speak = () => {};
  const server = await origin((response) => {
    const { socket } = response;
    speak = () => void socket?.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    response.end("ok");
  });
  const { ask, pass, sidecar } = await shop([server.port]);
  await ask(GET);
  speak();
  await pass(50);
  expect((await ask(GET)).body).toBe("ok");
  expect(sidecar.read("weft_upstream_connections_total", CLUSTER)).toBe(2);
});
