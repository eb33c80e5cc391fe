/** Whom requests go to: zones, panic, slow start, hashes with bounded load, sticky splits; over real sockets. */
import { expect, it } from "vitest";
import { routeDocument, serviceDocument, TO_SHOP, trafficPolicyDocument } from "../harness/compiled.ts";
import { freePort } from "../harness/free-ports.ts";
import type { HttpOrigin } from "../harness/http-origin.ts";
import { seededRandom } from "../harness/random.ts";
import { GET, origin, type Shop, shop } from "./shop.ts";

const NO_RETRIES = { retry: { attempts: 0 } };
const counts = (origins: readonly HttpOrigin[]) => origins.map(({ seen }) => seen.length);
const by = (name: string, value: string) => GET.replace("\r\n\r\n", `\r\n${name}: ${value}\r\n\r\n`);

async function ask(shopped: Shop, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await shopped.ask(GET);
}

async function origins(count: number): Promise<HttpOrigin[]> {
  return Promise.all(Array.from({ length: count }, () => origin()));
}

it("the client's own zone first; others in proportion when under 1/1.4 of it is healthy", async () => {
  const all = await origins(6);
  const ports = all.map(({ port }) => port);
  const zones = { zone: "a", endpoint: (i: number) => ({ zone: i < 3 ? "a" : "b" }) };
  const outlierDetection = { consecutiveGatewayErrors: 1, maxEjectionPercent: 100 };
  const policy = { loadBalancer: { policy: "roundRobin" }, outlierDetection, ...NO_RETRIES };
  const near = await shop(ports, policy, [], { ...zones, random: seededRandom(5) });
  await ask(near, 30);
  expect(counts(all)).toEqual([10, 10, 10, 0, 0, 0]);

  // Two of three of the own zone are gone: 1/3 × 1.4 of the requests stay.
  const dead = [await freePort(), await freePort()];
  const [first, ...far] = await origins(4);
  if (first === undefined) return expect.fail();
  const made = await shop([...dead, first.port, ...far.map(({ port }) => port)], policy, [], {
    ...zones,
    random: seededRandom(6),
  });
  await ask(made, 20);
  const before = first.seen.length;
  await ask(made, 300);
  const share = (first.seen.length - before) / 300;
  expect(share).toBeGreaterThan(0.38);
  expect(share).toBeLessThan(0.55);
});

it("prefersZone false: all alike", async () => {
  const all = await origins(4);
  const loadBalancer = { policy: "roundRobin", prefersZone: false };
  const made = await shop(
    all.map(({ port }) => port),
    { loadBalancer },
    [],
    {
      zone: "a",
      endpoint: (i) => ({ zone: i === 0 ? "a" : "b" }),
    },
  );
  await ask(made, 20);
  expect(counts(all)).toEqual([5, 5, 5, 5]);
});

it("panic: under 50 % healthy, health is ignored; 0 disables", async () => {
  const outlierDetection = { consecutiveGatewayErrors: 1, maxEjectionPercent: 100 };
  const dead = [await freePort(), await freePort(), await freePort()];
  const rest = { outlierDetection, ...NO_RETRIES };
  const [live] = await origins(1);
  if (live === undefined) return expect.fail();
  const panicking = await shop([...dead, live.port], { loadBalancer: { policy: "roundRobin" }, ...rest });
  await ask(panicking, 40);
  expect(panicking.sidecar.read("weft_outlier_ejections_active")).toBe(3);
  expect(live.seen.length).toBeLessThan(20);
  expect(panicking.sidecar.read("weft_panic_picks_total")).toBeGreaterThan(0);

  const [other] = await origins(1);
  if (other === undefined) return expect.fail();
  const loadBalancer = { policy: "roundRobin", panicThreshold: 0 };
  const calm = await shop([...dead, other.port], { loadBalancer, ...rest });
  await ask(calm, 40);
  expect(other.seen.length).toBe(37);
});

it("slow start: one that has come gets a tenth, then more as time passes", async () => {
  const [old, fresh] = await origins(2);
  if (old === undefined || fresh === undefined) return expect.fail();
  const loadBalancer = { policy: "random", slowStart: { window: "100s" } };
  const made = await shop([old.port], { loadBalancer }, [], { random: seededRandom(7) });
  await made.pass(100_000);
  const cluster = made.sidecar.outbound.clusters.get("shop.default:80");
  const endpoint = (port: number) => ({
    address: "127.0.0.1",
    port,
    weight: 1,
    workload: `shop-${port}`,
    namespace: "default",
    serviceAccount: "default",
    app: "shop",
    version: "v1",
  });
  cluster?.setEndpoints([endpoint(old.port), endpoint(fresh.port)]);
  await made.pass(100_000);
  await ask(made, 10);
  cluster?.setEndpoints([endpoint(old.port)]);
  cluster?.setEndpoints([endpoint(old.port), endpoint(fresh.port)]);
  const share = async () => {
    const before = fresh.seen.length;
    await ask(made, 200);
    return (fresh.seen.length - before) / 200;
  };
  expect(await share()).toBeLessThan(0.2);
  await made.pass(100_000);
  expect(await share()).toBeGreaterThan(0.4);
});

it.each(["ringHash", "maglev"])("%s: a key keeps its endpoint when another is ejected", async (policy) => {
  let isBroken = false;
  const broken = await origin((response) => response.writeHead(isBroken ? 503 : 200).end());
  const all = [broken, ...(await origins(4))];
  const made = await shop(
    all.map(({ port }) => port),
    {
      loadBalancer: { policy, hash: { header: "x-user" } },
      outlierDetection: { consecutiveGatewayErrors: 1 },
      ...NO_RETRIES,
    },
  );
  const placeOf = async (user: number) => {
    const before = counts(all);
    await made.ask(by("x-user", `user-${user}`));
    return counts(all).findIndex((count, i) => count > (before[i] ?? 0));
  };
  const users = Array.from({ length: 60 }, (_, i) => i);
  const before: number[] = [];
  for (const user of users) before.push(await placeOf(user));
  isBroken = true;
  await made.ask(by("x-user", `user-${before.indexOf(0)}`));
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(1);
  for (const user of users) {
    const place = await placeOf(user);
    if (before[user] === 0) expect(place).not.toBe(0);
    else expect(place).toBe(before[user]);
  }
});

it("bounded load: one key's endpoint hands on what is over its share", async () => {
  const waiting: (() => void)[] = [];
  const all = await Promise.all(
    [1, 2, 3, 4].map(() => origin((response) => waiting.push(() => response.end()))),
  );
  const made = await shop(
    all.map(({ port }) => port),
    {
      loadBalancer: { policy: "maglev", hash: { header: "x-user" }, hashBalanceFactor: 150 },
    },
  );
  for (let i = 0; i < 16; i++) made.send(by("x-user", "same"));
  await made.pass(100);
  const loads = counts(all);
  expect(loads.reduce((a, b) => a + b)).toBe(16);
  expect(Math.max(...loads)).toBeLessThanOrEqual(Math.ceil((1.5 * 16) / 4));
});

it("a retry of a hashed request goes to another endpoint, and the next request to the key's own", async () => {
  const all = await Promise.all(
    [1, 2, 3].map(() => origin((response, _, n) => response.writeHead(n === 1 ? 503 : 200).end())),
  );
  const made = await shop(
    all.map(({ port }) => port),
    {
      loadBalancer: { policy: "ringHash", hash: { header: "x-user" } },
      retry: { retryOn: ["5xx"], attempts: 2 },
    },
  );
  await made.ask(by("x-user", "u"));
  expect(counts(all)).toEqual([1, 1, 1]);
  await made.ask(by("x-user", "u"));
  await made.ask(by("x-user", "u"));
  expect(counts(all).toSorted()).toEqual([1, 1, 3]);
});

it("a sticky split: the same key keeps its backend, and a weight that grows only takes keys", async () => {
  const [v1, v2] = await origins(2);
  if (v1 === undefined || v2 === undefined) return expect.fail();
  const documents = (weight: number) => [
    serviceDocument("v1"),
    serviceDocument("v2"),
    trafficPolicyDocument("shop", { sticky: { header: "x-user" } }),
    routeDocument("split", [
      {
        backendRefs: [
          { name: "v1", port: 80, weight: 100 - weight },
          { name: "v2", port: 80, weight },
        ],
      },
    ]),
  ];
  const made = await shop([v1.port], undefined, documents(10));
  const { clusters } = made.sidecar.outbound;
  const settings = clusters.get("shop.default:80")?.settings;
  if (settings === undefined) return expect.fail();
  for (const [name, { port }] of [
    ["v1", v1],
    ["v2", v2],
  ] as const) {
    const cluster = clusters.set({
      ...settings,
      name: `${name}.default:80`,
      service: { name, namespace: "default" },
      port: 80,
    });
    const owner = {
      workload: name,
      namespace: "default",
      serviceAccount: "default",
      app: name,
      version: name,
    };
    cluster.setEndpoints([{ address: "127.0.0.1", port, weight: 1, ...owner }]);
  }
  const on2 = async () => {
    const found = new Set<number>();
    for (let user = 0; user < 200; user++) {
      const before = v2.seen.length;
      await made.ask(by("x-user", `user-${user}`));
      if (v2.seen.length > before) found.add(user);
    }
    return found;
  };
  const few = await on2();
  expect(few.size).toBeGreaterThan(5);
  expect(few.size).toBeLessThan(45);
  expect(await on2()).toEqual(few);
  made.sidecar.reload(documents(40));
  const more = await on2();
  expect(more.size).toBeGreaterThan(50);
  for (const user of few) expect(more.has(user)).toBe(true);
});

it("without what is hashed, each request is dealt anew", async () => {
  const all = await origins(2);
  const made = await shop(
    all.map(({ port }) => port),
    { loadBalancer: { policy: "maglev", hash: { header: "x-user" } } },
    [routeDocument("r", [{ backendRefs: TO_SHOP }])],
    { random: seededRandom(3) },
  );
  await ask(made, 40);
  for (const count of counts(all)) expect(count).toBeGreaterThan(5);
});
