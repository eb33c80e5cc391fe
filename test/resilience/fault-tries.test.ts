/** Faults and what is there for faults: retries, timeouts, hedging, outlier detection, breakers; and changes under traffic. */
import { describe, expect, it } from "vitest";
import { faultsDocument, trafficPolicyDocument } from "../harness/compiled.ts";
import { seededRandom } from "../harness/random.ts";
import { GET, origin, post, type Shop, shop } from "./shop.ts";

const INJECTED = "weft_faults_injected_total";
/** For what real sockets bring. */

/** Random numbers by which a fault of 50 % befalls the first try, and no other. */
async function firstTryOnly(ports: readonly number[], policy: object, fault: object): Promise<Shop> {
  let made: Shop | null = null;
  const random = () => ((made?.sidecar.read(INJECTED) ?? 0) === 0 ? 0.1 : 0.9);
  made = await shop(ports, policy, [faultsDocument([{ percent: 50, ...fault }])], { random });
  return made;
}

describe("retries", () => {
  const retry = { retryOn: ["5xx"], attempts: 2, backoff: "1ms" };

  it.each([
    ["a status", { status: 503 }],
    ["a reset", { reset: true }],
  ])("%s is tried again, and the next try gets through", async (_, abort) => {
    const live = await origin();
    const { ask, sidecar } = await firstTryOnly([live.port], { retry }, { abort });
    const answer = await ask(GET);
    expect([answer.status, answer.body]).toEqual([200, String(live.port)]);
    expect(sidecar.read("weft_retries_succeeded_total")).toBe(1);
    expect(sidecar.read("requests", { response_flags: "-" })).toBe(1);
    expect(live.seen.at(-1)?.headers["x-weft-attempt"]).toBe("2");
  });

  it("used up: the fault's answer, URX, as many tries as the policy has", async () => {
    const live = await origin();
    const { ask, sidecar } = await shop([live.port], { retry }, [
      faultsDocument([{ abort: { status: 502 } }]),
    ]);
    expect((await ask(GET)).status).toBe(502);
    expect(sidecar.read(INJECTED)).toBe(3);
    expect(sidecar.read("requests", { response_flags: "FI,URX" })).toBe(1);
    expect(live.seen.length).toBe(0);
  });

  it("what the policy does not try again is not", async () => {
    const live = await origin();
    const faults = [faultsDocument([{ abort: { status: 404 } }])];
    const { ask, sidecar } = await shop([live.port], { retry }, faults);
    expect((await ask(GET)).status).toBe(404);
    const posted = await shop([live.port], { retry }, [faultsDocument([{ abort: { status: 503 } }])]);
    expect((await posted.ask(post("order"))).status).toBe(503);
    expect([sidecar.read(INJECTED), posted.sidecar.read(INJECTED)]).toEqual([1, 1]);
  });

  it("a POST is, where the policy says so, with its body", async () => {
    const live = await origin();
    const policy = { retry: { ...retry, nonIdempotent: true } };
    const { ask } = await firstTryOnly([live.port], policy, { abort: { reset: true } });
    expect((await ask(post("order"))).status).toBe(200);
    expect(live.seen.map(({ body }) => body)).toEqual(["order"]);
  });

  it("gRPC's status by gRPC's words", async () => {
    const grpc = post("\0\0\0\0\0", "TE: trailers\r\nContent-Type: application/grpc\r\n");
    const live = await origin();
    const policy = { retry: { retryOn: ["unavailable"], attempts: 1 } };
    const count = async (grpcStatus: string, request: string) => {
      const { send, pass, sidecar } = await shop([live.port], policy, [
        faultsDocument([{ abort: { grpcStatus } }]),
      ]);
      const client = send(request);
      await expect.poll(() => pass(100).then(client.received)).toMatch(/grpc-status/);
      return sidecar.read(INJECTED);
    };
    expect(await count("UNAVAILABLE", grpc)).toBe(2);
    expect(await count("INTERNAL", grpc)).toBe(1);
    expect(await count("UNAVAILABLE", GET)).toBe(1);
  });

  it("within the budget", async () => {
    const live = await origin();
    const { ask, sidecar } = await shop(
      [live.port],
      {
        retry: { retryOn: ["5xx"], attempts: 1 },
        retryBudget: { percent: 20, minConcurrency: 3, minPerSecond: 1 },
      },
      [faultsDocument([{ abort: { status: 503 } }])],
    );
    for (let i = 0; i < 200; i++) await ask(GET);
    expect(sidecar.read("weft_retries_total")).toBeGreaterThanOrEqual(10);
    expect(sidecar.read("weft_retries_total")).toBeLessThanOrEqual(40);
    expect(sidecar.read(INJECTED)).toBe(200 + sidecar.read("weft_retries_total"));
  });

  it("of half of the tries so many that a quarter of the requests fail", async () => {
    const live = await origin();
    const random = seededRandom(3);
    const { ask } = await shop(
      [live.port],
      { retry: { retryOn: ["5xx"], attempts: 1, backoff: "1ms" }, retryBudget: { percent: 100 } },
      [faultsDocument([{ percent: 50, abort: { status: 503 } }])],
      { random },
    );
    let failed = 0;
    for (let i = 0; i < 200; i++) if ((await ask(GET)).status === 503) failed++;
    expect(failed).toBeGreaterThan(30);
    expect(failed).toBeLessThan(72);
  });
});

describe("timeouts", () => {
  it("a delay beyond perTryTimeout: 504, or the next try", async () => {
    const live = await origin();
    const faults = [faultsDocument([{ delay: { fixed: "10s" } }])];
    const policy = { retry: { perTryTimeout: "200ms", attempts: 2 } };
    const late = await shop([live.port], policy, faults);
    const answer = await late.ask(GET, 5);
    expect(answer.head).toMatch(/^HTTP\/1.1 504 [\s\S]*x-weft-error: UT; /);
    expect(late.sidecar.read(INJECTED)).toBe(1);
    const again = await shop([live.port], { retry: { ...policy.retry, retryOn: ["5xx"] } }, faults);
    expect((await again.ask(GET, 5)).status).toBe(504);
    expect(again.sidecar.read(INJECTED)).toBe(3);
    expect(again.sidecar.read("requests", { response_flags: "DI,UT,URX" })).toBe(1);
    expect(live.seen.length).toBe(0);
  });

  it("a delay takes from perTryTimeout, and what is left holds", async () => {
    const hanging = await origin(() => {});
    const { ask } = await shop([hanging.port], { retry: { perTryTimeout: "500ms" } }, [
      faultsDocument([{ delay: { fixed: "300ms" } }]),
    ]);
    const answer = await ask(GET, 5);
    expect([answer.status, hanging.seen.length]).toEqual([504, 1]);
    expect(answer.ms).toBeGreaterThanOrEqual(500);
    expect(answer.ms).toBeLessThan(650);
  });

  it("a delay beyond the request's timeout", async () => {
    const live = await origin();
    const { ask, pass } = await shop([live.port], { timeouts: { request: "300ms" } }, [
      faultsDocument([{ delay: { fixed: "1s" } }]),
    ]);
    const answer = await ask(GET, 5);
    expect(answer.head).toMatch(/^HTTP\/1.1 504 [\s\S]*x-weft-error: UT; /);
    expect(answer.ms).toBeLessThan(450);
    await pass(2_000);
    expect(live.seen.length).toBe(0);
  });

  it("a slow body beyond it is cut", async () => {
    const live = await origin((response) => response.end("x".repeat(1_000)));
    const { ask } = await shop([live.port], { timeouts: { request: "500ms" } }, [
      faultsDocument([{ slowBody: { bytesPerSecond: 1_000 } }]),
    ]);
    const answer = await ask(GET, 5);
    expect(answer.status).toBe(200);
    expect(answer.body.length).toBeGreaterThan(300);
    expect(answer.body.length).toBeLessThan(600);
  });
});

it("hedging: a second try overtakes one that is held back", async () => {
  const [a, b] = [await origin(), await origin()];
  const policy = { retry: { hedge: { delay: "100ms" } } };
  const { ask, pass, sidecar } = await firstTryOnly([a.port, b.port], policy, { delay: { fixed: "5s" } });
  const answer = await ask(GET, 5);
  expect(answer.status).toBe(200);
  expect(answer.ms).toBeGreaterThanOrEqual(100);
  expect(answer.ms).toBeLessThan(300);
  expect(sidecar.read("weft_hedges_total")).toBe(1);
  await pass(6_000);
  expect(a.seen.length + b.seen.length).toBe(1);
});

it("outlier detection does not hold faults against the instances", async () => {
  const live = [await origin(), await origin(), await origin()];
  const ports = live.map(({ port }) => port);
  const outlierDetection = { consecutive5xx: 2, consecutiveGatewayErrors: 2 };
  const faults = [{ abort: { status: 503 } }, { abort: { reset: true } }, { delay: { fixed: "10s" } }];
  for (const fault of faults) {
    const { ask, sidecar } = await shop(
      ports,
      { outlierDetection, retry: { perTryTimeout: "50ms", attempts: 0 } },
      [faultsDocument([fault])],
    );
    for (let i = 0; i < 20; i++) expect((await ask(GET, 5)).status).toBeGreaterThanOrEqual(503);
    expect(sidecar.read("weft_outlier_ejections_total")).toBe(0);
  }
});

it("a request that is held back is one under way to the breaker", async () => {
  const live = await origin();
  const { sidecar, send, ask, pass, active } = await shop(
    [live.port],
    { connectionPool: { maxRequests: 1 } },
    [faultsDocument([{ match: [{ headers: [{ name: "x-slow", value: "1" }] }], delay: { fixed: "60s" } }])],
  );
  const slow = send("GET /x HTTP/1.1\r\nHost: shop\r\nx-slow: 1\r\n\r\n");
  await expect.poll(() => pass(10).then(active)).toBe(1);
  expect((await ask(GET)).head).toMatch(/x-weft-error: UO; /);
  sidecar.advance(60_000);
  await expect.poll(() => pass(100).then(slow.received)).toMatch(/200 OK/);
  expect((await ask(GET)).status).toBe(200);
});

it("one that is let go where there is no room any more overflows", async () => {
  const hanging = await origin(() => {});
  const slow = { match: [{ headers: [{ name: "x-slow", value: "1" }] }], delay: { fixed: "60s" } };
  const { sidecar, send, pass, active } = await shop(
    [hanging.port],
    { connectionPool: { maxConnections: 1, maxPendingRequests: 1 }, timeouts: { connect: "100s" } },
    [faultsDocument([slow])],
  );
  const held = send("GET /x HTTP/1.1\r\nHost: shop\r\nx-slow: 1\r\n\r\n");
  for (const count of [1, 2, 3]) {
    await expect.poll(() => pass(10).then(active)).toBe(count);
    if (count === 1) send(GET);
    if (count === 2) {
      await expect.poll(() => pass(10).then(() => hanging.seen.length)).toBe(1);
      send(GET);
    }
  }
  sidecar.advance(60_000);
  await expect.poll(() => pass(10).then(held.received)).toMatch(/x-weft-error: UO; /);
  expect(active()).toBe(2);
});

describe("the same try again", () => {
  it("an instance that has gone meanwhile: at another, without a second delay", async () => {
    const [gone, live] = [await origin(), await origin()];
    const { sidecar, send, pass, active } = await shop([gone.port], undefined, [
      faultsDocument([{ delay: { fixed: "60s" } }]),
    ]);
    const client = send(GET);
    await expect.poll(() => pass(10).then(active)).toBe(1);
    const cluster = sidecar.outbound.clusters.get("shop.default:80");
    const [before] = cluster?.endpoints ?? [];
    if (before !== undefined) cluster?.setEndpoints([{ ...before.staged, port: live.port }]);
    sidecar.advance(60_000);
    await expect.poll(() => pass(10).then(client.received)).toMatch(/200 OK/);
    expect(live.seen.map(({ headers }) => headers["x-weft-attempt"])).toEqual(["1"]);
    expect(sidecar.read(INJECTED)).toBe(1);
  });

  it("a pooled connection that was dead: the body is slow all the same", async () => {
    const moody = await origin((response, _, n) => {
      if (n === 2) response.socket?.destroy();
      else response.end("x".repeat(100));
    });
    const { ask, sidecar } = await shop([moody.port], undefined, [
      faultsDocument([{ slowBody: { bytesPerSecond: 100 } }]),
    ]);
    for (let i = 0; i < 2; i++) expect((await ask(GET, 10)).ms).toBeGreaterThan(900);
    expect([moody.seen.length, sidecar.read(INJECTED)]).toEqual([3, 2]);
  });
});

describe("changes under traffic", () => {
  it("a fault comes, changes and goes with the next request", async () => {
    const live = await origin();
    const { ask, sidecar } = await shop([live.port]);
    expect((await ask(GET)).status).toBe(200);
    sidecar.reload([faultsDocument([{ abort: { status: 418 } }])]);
    expect((await ask(GET)).status).toBe(418);
    sidecar.reload([faultsDocument([{ abort: { status: 400 } }])]);
    expect((await ask(GET)).status).toBe(400);
    sidecar.reload([]);
    expect((await ask(GET)).status).toBe(200);
    expect(sidecar.read("weft_upstream_connections_total")).toBe(1);
  });

  it("what is held back, or trickles, when the fault goes is not dropped and keeps its fault", async () => {
    const live = await origin((response) => response.end("x".repeat(100)));
    const { sidecar, send, pass, active } = await shop([live.port], undefined, [
      faultsDocument([{ delay: { fixed: "5s" }, slowBody: { bytesPerSecond: 20 } }]),
    ]);
    const client = send(GET);
    await expect.poll(() => pass(10).then(active)).toBe(1);
    sidecar.reload([trafficPolicyDocument("shop", {})]);
    await pass(500);
    expect([live.seen.length, client.received()]).toEqual([0, ""]);
    await expect.poll(() => pass(100).then(client.received)).toMatch(/^HTTP\/1.1 200 OK/);
    expect(client.received()).not.toMatch(/x{100}$/);
    await expect.poll(() => pass(1_000).then(client.received)).toMatch(/x{100}$/);
  });
});
