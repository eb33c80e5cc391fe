/**
 * Whether the numbers are true: against servers whose delay is known, and one that stalls, which a generator that
 * waits for answers before it sends (coordinated omission) would hardly notice. A machine that pauses adds to what is measured, and
 * truly so: bounds that it could break lie well apart from what a wrong number would be.
 */
import { performance } from "node:perf_hooks";
import { afterEach, describe, expect, it } from "vitest";
import { runLoad } from "../../src/load/run.ts";
import { OK, type Origin, startOrigin } from "./origin.ts";

let origin: Origin;
afterEach(() => origin.close());

describe("a server that takes 20 ms", () => {
  it("open loop: every request of the schedule, at its rate, with the server's latency", async () => {
    origin = await startOrigin((socket) => void setTimeout(() => socket.write(OK), 20));
    const { requests, client, statuses, plan } = await runLoad({
      url: origin.url,
      rate: 400,
      durationMs: 1_000,
      warmupMs: 200,
      connections: 32,
    });
    expect(requests).toMatchObject({
      scheduled: 400,
      answered: 400,
      succeeded: 400,
      errors: 0,
      missed: 0,
      warmup: 80,
    });
    expect(requests.successRate).toBe(1);
    expect(statuses).toEqual({ "200": 400 });
    expect(client.rps).toBeGreaterThan(200);
    expect(client.rps).toBeLessThan(410);
    expect(client.service.p50).toBeGreaterThan(18.5);
    expect(client.service.p50).toBeLessThan(60);
    expect(client.latencies.p50).toBeGreaterThanOrEqual(client.service.p50 - 0.1);
    expect(origin.heads).toHaveLength(480);
    expect(plan).toMatchObject({ rate: 400, durationMs: 1_000, warmupMs: 200 });
  });

  it("closed loop: as much as the connections can carry", async () => {
    origin = await startOrigin((socket) => void setTimeout(() => socket.write(OK), 20));
    const { requests, client } = await runLoad({
      url: origin.url,
      mode: "closed",
      durationMs: 500,
      warmupMs: 0,
      connections: 4,
    });
    expect(requests.answered).toBeGreaterThan(20);
    expect(requests.answered).toBeLessThanOrEqual(4 * 27); // timers may fire up to a millisecond early
    expect(client.connectionsOpened).toBe(4);
  });
});

it("a stall of 1 s is charged to all requests that were due in it", async () => {
  let stallsUntil = 0;
  origin = await startOrigin((socket, _head, count) => {
    const now = performance.now();
    if (count === 250) stallsUntil = now + 1_000;
    setTimeout(() => socket.write(OK), Math.max(0, stallsUntil - now));
  });
  const { requests, client, warnings } = await runLoad({
    url: origin.url,
    rate: 500,
    durationMs: 2_500,
    warmupMs: 0,
    connections: 8,
  });
  // 1,250 requests, 500 of them due within the stall and on average half a second late; a closed loop saw 8.
  expect(requests).toMatchObject({ scheduled: 1_250, answered: 1_250, missed: 0 });
  expect(client.latencies.p99).toBeGreaterThan(900);
  expect(client.latencies.p75).toBeGreaterThan(300);
  // Not to the others, or all were as late.
  expect(client.latencies.p50).toBeLessThan(0.8 * client.latencies.p99);
  expect(client.service.p90).toBeLessThan(400);
  expect(requests.delayed).toBeGreaterThan(400);
  expect(warnings.join()).toMatch(/waited for one of 8 connections/);
});

it("a server that never answers again: timeouts and missed requests count, with the time that passed", async () => {
  origin = await startOrigin((socket, _head, count) => void (count <= 100 && socket.write(OK)));
  const { requests, client, errors } = await runLoad({
    url: origin.url,
    rate: 200,
    durationMs: 1_000,
    warmupMs: 0,
    connections: 4,
    timeoutMs: 400,
  });
  expect(requests.scheduled).toBe(200);
  expect(requests.answered).toBe(100);
  expect(requests.errors + requests.missed).toBe(100);
  expect(errors.timeout?.count).toBe(requests.errors);
  expect(requests.missed).toBeGreaterThan(50);
  expect(requests.successRate).toBe(0.5);
  expect(client.latencies.count).toBe(200);
  expect(client.latencies.p90).toBeGreaterThan(600);
});

it("max-in-flight above connections opens more when all are busy", async () => {
  origin = await startOrigin((socket) => void setTimeout(() => socket.write(OK), 100));
  const options = { url: origin.url, rate: 200, durationMs: 500, warmupMs: 0, connections: 2 };
  const bound = await runLoad({ ...options, maxInFlight: 60 });
  expect(bound.requests.answered).toBe(100);
  // With two connections all but a few wait.
  expect(bound.requests.delayed).toBeLessThan(50);
  expect(bound.client.connectionsOpened).toBeGreaterThan(10);
  expect(bound.client.connectionsOpened).toBeLessThanOrEqual(60);
});

it("max-in-flight below connections bounds what is on the wire", async () => {
  let most = 0;
  let now = 0;
  origin = await startOrigin((socket) => {
    most = Math.max(most, ++now);
    setTimeout(() => {
      now--;
      socket.write(OK);
    }, 10);
  });
  await runLoad({ url: origin.url, rate: 1_000, requests: 100, connections: 10, maxInFlight: 3 });
  expect(most).toBe(3);
});

it("Poisson arrivals come with the same seed at the same times, and all of them", async () => {
  origin = await startOrigin((socket) => socket.write(OK));
  const { requests, plan } = await runLoad({
    url: origin.url,
    rate: 1_000,
    requests: 300,
    arrival: "poisson",
    seed: 5,
  });
  expect(requests).toMatchObject({ scheduled: 300, answered: 300 });
  expect(plan).toMatchObject({ arrival: "poisson", seed: 5 });
});

it("ends early when it is told to, with what it has", async () => {
  origin = await startOrigin((socket) => socket.write(OK));
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 300);
  const result = await runLoad(
    { url: origin.url, rate: 200, durationMs: 60_000, warmupMs: 0 },
    { signal: stop.signal },
  );
  expect(result.interrupted).toBe(true);
  expect(result.elapsedMs).toBeLessThan(20_000);
  expect(result.requests.scheduled).toBeGreaterThan(20);
  expect(result.requests.scheduled).toBeLessThan(4_000);
  expect(result.requests).toMatchObject({ missed: 0, errors: 0 });
});

it("reports progress, its own cost and a timeline that adds up", async () => {
  origin = await startOrigin((socket) => socket.write(OK));
  const phases: string[] = [];
  const result = await runLoad(
    { url: origin.url, rate: 500, durationMs: 600, warmupMs: 300 },
    { onProgress: (progress) => phases.push(progress.phase), progressMs: 50 },
  );
  expect(phases[0]).toBe("warmup");
  expect(phases).toContain("measuring");
  expect(result.generator.cpuSeconds).toBeGreaterThan(0);
  expect(result.generator.pacing.count).toBe(300);
  expect(result.timeline.reduce((sum, point) => sum + point.answered, 0)).toBe(300);
});
