/** Endpoints that fail are left out for a while, and come back: over real sockets, from TrafficPolicy documents. */
import { expect, it } from "vitest";
import { trafficPolicyDocument } from "../harness/compiled.ts";
import { freePort } from "../harness/free-ports.ts";
import type { HttpOrigin } from "../harness/http-origin.ts";
import { GET, origin, type Shop, shop } from "./shop.ts";

const EJECTED = "weft_outlier_ejections_total";
const ROUND_ROBIN = { loadBalancer: { policy: "roundRobin" }, retry: { attempts: 0 } };

async function flaky() {
  let status = 500;
  const made = await origin((response) => response.writeHead(status).end("x"));
  return { ...made, answers: (next: number) => (status = next) };
}

async function ask(shopped: Shop, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await shopped.ask(GET);
}

const counts = (origins: readonly HttpOrigin[]) => origins.map(({ seen }) => seen.length);

it("off until configured", async () => {
  const [bad, good, other] = [await flaky(), await origin(), await origin()];
  await ask(await shop([bad.port, good.port, other.port], ROUND_ROBIN), 30);
  expect(counts([bad, good, other])).toEqual([10, 10, 10]);
});

it("consecutive5xx: 5 in a row, then 30 s without; twice as long the next time", async () => {
  const origins = [await flaky(), await origin(), await origin()] as const;
  const [bad] = origins;
  const made = await shop(
    origins.map(({ port }) => port),
    { ...ROUND_ROBIN, outlierDetection: {} },
  );
  await ask(made, 12);
  expect(bad.seen.length).toBe(4);
  await ask(made, 30);
  expect(bad.seen.length).toBe(5);
  expect(made.sidecar.read(EJECTED, { reason: "consecutive_5xx" })).toBe(1);
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(1);
  await made.pass(29_000);
  await ask(made, 6);
  expect(bad.seen.length).toBe(5);
  await made.pass(5_000);
  await ask(made, 18);
  expect(bad.seen.length).toBe(10);
  await made.pass(50_000);
  await ask(made, 6);
  expect(bad.seen.length).toBe(10);
  bad.answers(200);
  await made.pass(20_000);
  await ask(made, 30);
  expect(bad.seen.length).toBe(20);
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(0);
});

it("connections that fail count as gateway errors", async () => {
  const good = [await origin(), await origin()];
  const ports = [await freePort(), ...good.map(({ port }) => port)];
  const outlierDetection = { consecutive5xx: 0, consecutiveGatewayErrors: 3 };
  const made = await shop(ports, { ...ROUND_ROBIN, outlierDetection });
  await ask(made, 40);
  expect(made.sidecar.read(EJECTED, { reason: "consecutive_gateway" })).toBe(1);
  expect(counts(good).reduce((a, b) => a + b)).toBe(37);
});

it("a good answer in between begins the count anew; 500 is no gateway error", async () => {
  const bad = await origin((response, _, n) => response.writeHead(n % 5 === 0 ? 200 : 500).end());
  const good = [await origin(), await origin()];
  const made = await shop([bad.port, ...good.map(({ port }) => port)], {
    ...ROUND_ROBIN,
    outlierDetection: {},
  });
  await ask(made, 60);
  expect(bad.seen.length).toBe(20);
});

it("of two none goes by 10 %; of three one may; the last never does", async () => {
  const two = [await flaky(), await origin()];
  const policy = { ...ROUND_ROBIN, outlierDetection: {} };
  const small = await shop(
    two.map(({ port }) => port),
    policy,
  );
  await ask(small, 20);
  expect(counts(two)).toEqual([10, 10]);
  expect(small.sidecar.read("weft_outlier_ejections_refused_total")).toBeGreaterThan(0);

  const three = [await flaky(), await flaky(), await origin()];
  const one = await shop(
    three.map(({ port }) => port),
    policy,
  );
  await ask(one, 60);
  expect(one.sidecar.read("weft_outlier_ejections_active")).toBe(1);

  const all = [await flaky(), await flaky(), await flaky()];
  const outlierDetection = { maxEjectionPercent: 100 };
  const everybody = await shop(
    all.map(({ port }) => port),
    { ...policy, outlierDetection },
  );
  await ask(everybody, 40);
  expect(everybody.sidecar.read("weft_outlier_ejections_active")).toBe(2);
});

it("success rate: who falls behind the others, with 100 requests in 10 s and five hosts", async () => {
  const bad = await origin((response, _, n) => response.writeHead(n % 4 === 0 ? 500 : 200).end());
  const good = await Promise.all([1, 2, 3, 4, 5].map(() => origin()));
  const made = await shop([bad.port, ...good.map(({ port }) => port)], {
    ...ROUND_ROBIN,
    outlierDetection: { successRate: {} },
  });
  await ask(made, 620);
  await made.pass(10_000);
  expect(made.sidecar.read(EJECTED, { reason: "success_rate" })).toBe(1);
});

it("failure percentage: 85 % of 50 requests or more", async () => {
  const bad = await origin((response, _, n) => response.writeHead(n % 10 === 0 ? 200 : 500).end());
  const good = await Promise.all([1, 2, 3, 4].map(() => origin()));
  const made = await shop([bad.port, ...good.map(({ port }) => port)], {
    ...ROUND_ROBIN,
    outlierDetection: { consecutive5xx: 0, failurePercentage: {} },
  });
  await ask(made, 260);
  await made.pass(10_000);
  expect(made.sidecar.read(EJECTED, { reason: "failure_percentage" })).toBe(1);
});

it("a passing active check ends an ejection", async () => {
  const origins = [await flaky(), await origin(), await origin()] as const;
  const made = await shop(
    origins.map(({ port }) => port),
    { ...ROUND_ROBIN, outlierDetection: {} },
  );
  await ask(made, 20);
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(1);
  const key = `127.0.0.1 ${origins[0].port} default shop-0 shop v1 default none`;
  const health = { kind: "health", name: "shop.default:80", unhealthy: [] } as const;
  made.sidecar.apply({ ...health, passed: ["127.0.0.1 1 default nobody shop v1 default none"] });
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(1);
  made.sidecar.apply({ ...health, passed: [key] });
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(0);
  origins[0].answers(200);
  const before = origins[0].seen.length;
  await ask(made, 9);
  expect(origins[0].seen.length - before).toBe(3);
});

it("taken out of the policy under traffic, all are back at once", async () => {
  const origins = [await flaky(), await origin(), await origin()] as const;
  const made = await shop(
    origins.map(({ port }) => port),
    { ...ROUND_ROBIN, outlierDetection: {} },
  );
  await ask(made, 20);
  expect(made.sidecar.read("weft_outlier_ejections_active")).toBe(1);
  made.sidecar.reload([trafficPolicyDocument("shop", ROUND_ROBIN)]);
  const before = origins[0].seen.length;
  await ask(made, 9);
  expect(origins[0].seen.length - before).toBe(3);
});
