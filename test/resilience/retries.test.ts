/** What is tried again, where, how often and when: semantics.md "Retries", over real sockets and from TrafficPolicy documents. */
import type http from "node:http";
import { describe, expect, it } from "vitest";
import { routeDocument, TO_SHOP } from "../harness/compiled.ts";
import { freePort } from "../harness/free-ports.ts";
import { GET, origin, post, shop } from "./shop.ts";

type Respond = (response: http.ServerResponse) => void;

const fails =
  (status: number, headers: http.OutgoingHttpHeaders = {}): Respond =>
  (response) =>
    response.writeHead(status, headers).end("no");
/** Fails so many times, then answers. */
const failing = (count: number, fail: Respond) => (response: http.ServerResponse, _: unknown, n: number) =>
  n <= count ? fail(response) : response.end("yes");
const cuts: Respond = (response) => response.socket?.destroy();

describe("by default", () => {
  it("a connection that fails: another endpoint, whatever the method, up to 2 times", async () => {
    const live = await origin();
    const [dead, alsoDead] = [await freePort(), await freePort()];
    const { ask } = await shop([dead, alsoDead, live.port]);
    for (const request of [GET, post("order")]) expect((await ask(request)).status).toBe(200);
    expect(live.seen.map(({ method, body }) => [method, body])).toEqual([
      ["GET", ""],
      ["POST", "order"],
    ]);
    const nobody = await shop([dead, alsoDead]);
    const answer = await nobody.ask(GET);
    expect(answer.status).toBe(503);
    expect(answer.head).toMatch(/x-weft-error: UF; /);
  });

  it("x-weft-attempt tells the application which try it sees", async () => {
    const live = await origin();
    const direct = await shop([live.port]);
    await direct.ask(GET);
    const { ask } = await shop([await freePort(), live.port]);
    await ask(GET);
    expect(live.seen.map(({ headers }) => headers["x-weft-attempt"])).toEqual(["1", "2"]);
  });

  it.each([
    ["an answer 503", fails(503)],
    ["a connection that is cut", cuts],
  ])("%s is not tried again", async (_, fail) => {
    const bad = await origin(fail);
    const { ask } = await shop([bad.port]);
    expect((await ask(GET)).status).toBe(503);
    expect(bad.seen.length).toBe(1);
  });
});

describe("by condition", () => {
  const table: [on: string, respond: Respond, isReason: boolean, more?: object][] = [
    ["5xx", fails(500), true],
    ["5xx", fails(599), true],
    ["5xx", cuts, true],
    ["5xx", fails(404), false],
    ["gateway-error", fails(502), true],
    ["gateway-error", fails(504), true],
    ["gateway-error", fails(500), false],
    ["gateway-error", cuts, true],
    ["reset", cuts, true],
    ["reset", fails(503), false],
    ["connect-failure", cuts, false],
    ["retriable-4xx", fails(409), true],
    ["retriable-4xx", fails(404), false],
    ["retriable-status-codes", fails(418), true, { statusCodes: [418] }],
    ["retriable-status-codes", fails(503), false, { statusCodes: [418] }],
    ["retriable-headers", fails(200, { "X-Busy": "1" }), true, { headers: ["x-busy"] }],
    ["retriable-headers", fails(200), false, { headers: ["x-busy"] }],
  ];
  it.each(table)("%s: %o is a reason: %s", async (on, respond, isReason, more = {}) => {
    const flaky = await origin(failing(1, respond));
    const { ask } = await shop([flaky.port], { retry: { retryOn: [on], ...more } });
    const { body } = await ask(GET);
    expect(flaky.seen.length).toBe(isReason ? 2 : 1);
    if (isReason) expect(body).toBe("yes");
  });

  it.each([
    ["cancelled", 1],
    ["deadline-exceeded", 4],
    ["resource-exhausted", 8],
    ["internal", 13],
    ["unavailable", 14],
  ])("gRPC's %s, in the head and in trailers before any message, for POST too", async (on, status) => {
    const grpc = post("\0\0\0\0\0", "TE: trailers\r\nContent-Type: application/grpc\r\n");
    const inHead = await origin(failing(1, fails(200, { "grpc-status": String(status) })));
    expect((await (await shop([inHead.port], { retry: { retryOn: [on] } })).ask(grpc)).body).toBe("yes");
    const inTrailers = await origin((response, _, n) => {
      response.writeHead(200, { "Content-Type": "application/grpc", Trailer: "grpc-status" });
      response.flushHeaders();
      if (n > 1) response.write("message");
      response.addTrailers({ "grpc-status": n > 1 ? "0" : String(status) });
      response.end();
    });
    const { ask } = await shop([inTrailers.port], { retry: { retryOn: [on] } });
    const answer = await ask(grpc);
    expect(inTrailers.seen.map(({ body }) => body)).toEqual(["\0\0\0\0\0", "\0\0\0\0\0"]);
    expect(answer.body).toBe("7\r\nmessage\r\n0\r\ngrpc-status: 0\r\n\r\n");
    const other = await origin(failing(1, fails(200, { "grpc-status": "3" })));
    await (await shop([other.port], { retry: { retryOn: [on] } })).ask(grpc);
    expect(other.seen.length).toBe(1);
  });

  it("without any: the route's `attempts: 0` wins over the policy", async () => {
    const bad = await origin(fails(503));
    const route = routeDocument("r", [{ backendRefs: TO_SHOP, retry: { attempts: 0 } }]);
    const { ask } = await shop([bad.port], { retry: { retryOn: ["5xx"] } }, [route]);
    await ask(GET);
    expect(bad.seen.length).toBe(1);
  });

  it("a route's own codes (GEP-1731)", async () => {
    const bad = await origin(fails(500));
    const route = routeDocument("r", [{ backendRefs: TO_SHOP, retry: { codes: [500], attempts: 3 } }]);
    const { ask } = await shop([bad.port], undefined, [route]);
    expect((await ask(GET)).status).toBe(500);
    expect(bad.seen.length).toBe(4);
  });
});

describe("what may have been seen", () => {
  it.each(["POST", "PATCH"])("%s is not sent again, unless the policy says so", async (method) => {
    const request = post("order").replace("POST", method);
    const once = await origin(failing(1, fails(503)));
    await (await shop([once.port], { retry: { retryOn: ["5xx"] } })).ask(request);
    expect(once.seen.length).toBe(1);
    const twice = await origin(failing(1, fails(503)));
    const { ask } = await shop([twice.port], { retry: { retryOn: ["5xx"], nonIdempotent: true } });
    expect((await ask(request)).body).toBe("yes");
    expect(twice.seen.map(({ body }) => body)).toEqual(["order", "order"]);
  });

  it.each([65_536, 65_537])("a body of %i bytes: kept up to 64 KiB", async (length) => {
    const flaky = await origin(failing(1, fails(503)));
    const body = "b".repeat(length);
    const { ask } = await shop([flaky.port], { retry: { retryOn: ["5xx"] } });
    await ask(post(body).replace("POST", "PUT"));
    expect(flaky.seen.map((seen) => seen.body === body)).toEqual(length <= 65_536 ? [true, true] : [true]);
  });

  it("a chunked body arrives the same, however it came", async () => {
    const flaky = await origin(failing(1, fails(503)));
    const { sidecar, pass } = await shop([flaky.port], { retry: { retryOn: ["5xx"] } });
    const client = sidecar.client(
      "PUT /x HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    );
    await pass(20);
    client.socket.write("c\r\n");
    await pass(20);
    client.socket.write("5;x=y\r\ndefgh\r\n0\r\nx-trailer: 1\r\n\r\n");
    for (let i = 0; i < 50 && !client.received().includes("yes"); i++) await pass(20);
    expect(client.received()).toMatch(/yes/);
    expect(flaky.seen.map(({ body }) => body)).toEqual(["abcdefgh", "abcdefgh"]);
  });

  it("once a byte of the response has gone downstream, it is cut instead", async () => {
    const half = await origin((response) => {
      response.writeHead(200, { "Content-Length": 10 });
      response.write("half", () => response.socket?.destroy());
    });
    const { ask } = await shop([half.port], { retry: { retryOn: ["5xx", "reset"] } });
    expect((await ask(GET)).body).toBe("half");
    expect(half.seen.length).toBe(1);
  });
});

describe("how often and when", () => {
  it("attempts: so many after the first, then the original answer", async () => {
    const bad = await origin((response, _, n) => response.writeHead(500 + n).end());
    const { ask } = await shop([bad.port], { retry: { retryOn: ["5xx"], attempts: 3 } });
    expect((await ask(GET)).status).toBe(504);
    expect(bad.seen.length).toBe(4);
  });

  it("each goes to an endpoint that has had none, while there is one", async () => {
    const origins = await Promise.all([1, 2, 3].map(() => origin(fails(503))));
    const { ask } = await shop(
      origins.map(({ port }) => port),
      { retry: { retryOn: ["5xx"], attempts: 2 } },
    );
    for (let i = 0; i < 5; i++) await ask(GET);
    expect(origins.map(({ seen }) => seen.length)).toEqual([5, 5, 5]);
  });

  it("Retry-After is waited for, up to retryAfterMax; beyond, it is the client's", async () => {
    const busy = await origin(failing(1, fails(503, { "Retry-After": "2" })));
    const { ask } = await shop([busy.port], { retry: { retryOn: ["5xx"] } });
    const answer = await ask(GET, 10);
    expect(answer.body).toBe("yes");
    expect(answer.ms).toBeGreaterThanOrEqual(2_000);
    const long = await origin(failing(1, fails(503, { "Retry-After": "11" })));
    const other = await shop([long.port], { retry: { retryOn: ["5xx"] } });
    expect((await other.ask(GET)).head).toMatch(/^HTTP\/1\.1 503 [\s\S]*Retry-After: 11/);
  });

  it("perTryTimeout: a try that hangs is given up and another made; all of them within request", async () => {
    const hanging = await origin(() => {});
    const live = await origin();
    const policy = { retry: { retryOn: ["5xx"], perTryTimeout: "200ms" }, timeouts: { request: "1s" } };
    const { ask } = await shop([hanging.port, live.port], policy);
    const answer = await ask(GET, 5);
    expect(answer.status).toBe(200);
    expect(answer.ms).toBeGreaterThanOrEqual(200);
    const none = await shop([hanging.port], { ...policy, retry: { ...policy.retry, attempts: 10 } });
    const late = await none.ask(GET, 10);
    expect(late.head).toMatch(/^HTTP\/1\.1 504 [\s\S]*x-weft-error: UT; /);
    expect(late.ms).toBeGreaterThanOrEqual(1_000);
    expect(late.ms).toBeLessThan(1_100);
  });

  it("after a connection that failed at once, and outside of the budget: nothing was sent", async () => {
    const live = await origin();
    const budget = { percent: 0, minConcurrency: 0, minPerSecond: 0 };
    const { ask } = await shop([await freePort(), live.port], { retryBudget: budget });
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push((await ask(GET)).status);
    expect(answers).toEqual(answers.map(() => 200));
    expect(live.seen.length).toBe(20);
  });

  it("over the budget the original answer goes on", async () => {
    const bad = await origin(fails(503));
    const budget = { percent: 20, minConcurrency: 3, minPerSecond: 1 };
    const { ask } = await shop([bad.port], { retry: { retryOn: ["5xx"], attempts: 1 }, retryBudget: budget });
    for (let i = 0; i < 200; i++) expect((await ask(GET)).status).toBe(503);
    // Of 200 requests a fifth, or ten in as many seconds.
    expect(bad.seen.length).toBeGreaterThanOrEqual(210);
    expect(bad.seen.length).toBeLessThanOrEqual(240);
  });

  it("maxRetries takes the place of the budget", async () => {
    const bad = await origin(fails(503));
    const { ask } = await shop([bad.port], {
      retry: { retryOn: ["5xx"] },
      connectionPool: { maxRetries: 0 },
    });
    await ask(GET);
    expect(bad.seen.length).toBe(1);
  });
});

describe("hedging", () => {
  it("after the delay a second try; the first answer wins and the other is cancelled", async () => {
    let isCut = false;
    const slow = await origin((response) => response.socket?.on("close", () => (isCut = true)));
    const live = await origin();
    const { ask, pass } = await shop([slow.port, live.port], { retry: { hedge: { delay: "50ms" } } });
    const answer = await ask(GET, 5);
    expect([answer.status, answer.body]).toEqual([200, String(live.port)]);
    expect(answer.ms).toBeGreaterThanOrEqual(50);
    expect(answer.ms).toBeLessThan(200);
    await pass(20);
    expect(isCut).toBe(true);
  });

  it("one that fails leaves the other alone; the first answers after all", async () => {
    let answerSlowly = () => {};
    const slow = await origin((response) => {
      answerSlowly = () => response.end("late");
    });
    const bad = await origin((response) => {
      response.writeHead(503).end();
      setImmediate(answerSlowly);
    });
    const { ask } = await shop([slow.port, bad.port], {
      retry: { retryOn: ["5xx"], hedge: { delay: "50ms" } },
    });
    expect((await ask(GET, 5)).body).toBe("late");
    expect([slow.seen.length, bad.seen.length]).toEqual([1, 1]);
  });

  it("POST is not hedged", async () => {
    const slow = await origin((response) => setTimeout(() => response.end("slow"), 30));
    const other = await origin();
    const { ask } = await shop([slow.port, other.port], { retry: { hedge: { delay: "10ms" } } });
    expect((await ask(post("order"), 5)).body).toBe("slow");
    expect(other.seen.length).toBe(0);
  });
});
