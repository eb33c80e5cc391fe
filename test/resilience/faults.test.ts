/** What a FaultInjection does to requests, and to which: over real sockets and from documents. */
import { describe, expect, it } from "vitest";
import { chiSquareP } from "../harness/chi-square.ts";
import { faultsDocument, routeDocument, TO_SHOP } from "../harness/compiled.ts";
import { seededRandom } from "../harness/random.ts";
import type { VirtualOptions } from "../harness/virtual-sidecar.ts";
import { GET, origin, post, shop } from "./shop.ts";

const INJECTED = "weft_faults_injected_total";
/** For what real sockets bring. */
const ABORT = { abort: { status: 503 } };

/** One live instance, whose clients these faults befall. */
async function faulty(
  faults: readonly object[],
  documents: readonly object[] = [],
  options: VirtualOptions = {},
) {
  const live = await origin();
  const made = await shop([live.port], undefined, [faultsDocument(faults), ...documents], options);
  const flagged = (flags: string) => made.sidecar.read("requests", { response_flags: flags });
  return { live, ...made, flagged };
}

const get = (path: string, fields = "") => `GET ${path} HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`;

describe("abort", () => {
  it.each([
    [503, "FI fault_abort"],
    [418, "FI fault_abort"],
    [200, "FI fault_abort"],
  ])("with status %i, and why; the instance sees nothing", async (status, text) => {
    const { ask, live, sidecar, flagged } = await faulty([{ name: "teapot", abort: { status } }]);
    const answer = await ask(GET);
    expect(answer.status).toBe(status);
    expect(answer.body).toContain(text);
    expect(answer.head).toMatch(/x-weft-error: FI; .*\(FaultInjection default\/chaos fault teapot\)\r\n/);
    expect(live.seen).toEqual([]);
    expect(flagged("FI")).toBe(1);
    expect(sidecar.read(INJECTED, { cluster: "shop.default:80", reason: "abort" })).toBe(1);
  });

  it.each([204, 304])("with %i, which ends with its head; the connection goes on", async (status) => {
    const { send, pass } = await faulty([{ match: [{ path: { value: "/no" } }], abort: { status } }]);
    const client = send(get("/no") + get("/yes"));
    await expect.poll(() => pass(100).then(client.received)).toMatch(/200 OK[\s\S]*\d+$/);
    expect(client.received()).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(client.received().match(/content-length/gi)).toHaveLength(1);
    expect(client.received()).not.toContain("fault_abort");
  });

  it.each([
    ["UNAVAILABLE", 14],
    [7, 7],
  ])("with gRPC's status %s: 200 and trailers only", async (grpcStatus, number) => {
    const { send, pass } = await faulty([{ abort: { grpcStatus } }]);
    const client = send(post("\0\0\0\0\0", "TE: trailers\r\nContent-Type: application/grpc\r\n"));
    await expect.poll(() => pass(100).then(client.received)).toMatch(/\r\n\r\n$/);
    const text = client.received();
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\ncontent-type: application\/grpc\r\n/);
    expect(text).toContain(`\r\ngrpc-status: ${number}\r\n`);
    expect(text).toMatch(/\r\ngrpc-message: .*FaultInjection/);
    expect(text).toMatch(/\r\nx-weft-error: FI; /);
  });

  it("by reset: as a connection that was cut before a byte of the answer", async () => {
    const { ask, live, sidecar } = await faulty([{ abort: { reset: true } }]);
    const answer = await ask(GET);
    expect([answer.status, live.seen.length]).toEqual([503, 0]);
    expect(answer.head).toMatch(/x-weft-error: FI; /);
    expect(sidecar.read(INJECTED, { reason: "reset" })).toBe(1);
  });

  it("JSON for those who want it", async () => {
    const { ask } = await faulty([ABORT]);
    const answer = await ask(get("/x", "Accept: application/json\r\n"));
    expect(JSON.parse(answer.body)).toMatchObject({ error: { code: "fault_abort", flag: "FI" } });
  });
});

describe("delay", () => {
  it("fixed: the answer is the instance's, flag DI", async () => {
    const { ask, live, sidecar, flagged } = await faulty([{ delay: { fixed: "300ms" } }]);
    const answer = await ask(GET, 5);
    expect([answer.status, answer.body]).toEqual([200, String(live.port)]);
    expect(answer.head).not.toContain("x-weft-error");
    expect(answer.ms).toBeGreaterThanOrEqual(300);
    expect(answer.ms).toBeLessThan(500);
    expect(flagged("DI")).toBe(1);
    expect(sidecar.read(INJECTED, { reason: "delay" })).toBe(1);
  });

  it("at random, between min and max", async () => {
    const random = seededRandom(7);
    const { ask } = await faulty([{ delay: { min: "100ms", max: "300ms" } }], [], { random });
    const took: number[] = [];
    for (let i = 0; i < 20; i++) took.push((await ask(GET, 5)).ms);
    for (const ms of took) {
      expect(ms).toBeGreaterThanOrEqual(100);
      expect(ms).toBeLessThan(450);
    }
    expect(Math.max(...took) - Math.min(...took)).toBeGreaterThan(100);
  });

  it("before an abort of the same fault", async () => {
    const { ask, flagged } = await faulty([{ delay: { fixed: "300ms" }, ...ABORT }]);
    const answer = await ask(GET, 5);
    expect(answer.status).toBe(503);
    expect(answer.ms).toBeGreaterThanOrEqual(300);
    expect(flagged("DI,FI")).toBe(1);
  });

  it("a body that comes meanwhile is sent whole", async () => {
    const { live, send, pass } = await faulty([{ delay: { fixed: "300ms" } }]);
    const body = "b".repeat(200_000);
    const client = send(post(body));
    await pass(200);
    expect(live.seen.length).toBe(0);
    await expect.poll(() => pass(100).then(client.received)).toContain("200 OK");
    expect(live.seen[0]?.body).toBe(body);
  });

  it("a client that goes takes its delayed request with it", async () => {
    const { live, send, pass, sidecar, active } = await faulty([{ delay: { fixed: "60s" } }]);
    const client = send(GET);
    await expect.poll(() => pass(10).then(active)).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(() => pass(100).then(active)).toBe(0);
    sidecar.advance(70_000);
    await pass(100);
    expect(live.seen.length).toBe(0);
  });
});

describe("slow body", () => {
  it.each([
    ["with a length", 4_000, 1_000],
    ["of several reads", 200_000, 50_000],
    ["less than a byte a tick", 10, 5],
  ])("%s: so many bytes a second, and all of them", async (_, length, bytesPerSecond) => {
    const body = Array.from({ length }, (_, i) => String(i % 10)).join("");
    const large = await origin((response) => response.writeHead(200, { "Content-Length": length }).end(body));
    const { ask, sidecar } = await shop([large.port], undefined, [
      faultsDocument([{ slowBody: { bytesPerSecond } }]),
    ]);
    const answer = await ask(GET, 10);
    expect(answer.body).toBe(body);
    const ideal = (length / bytesPerSecond) * 1_000;
    expect(answer.ms).toBeGreaterThanOrEqual(ideal * 0.9);
    expect(answer.ms).toBeLessThan(ideal * 1.15 + 200);
    expect(sidecar.read(INJECTED, { reason: "slow_body" })).toBe(1);
  });

  it("in chunks, with trailers; the connection is used again", async () => {
    const chunked = await origin((response) => {
      response.writeHead(200, { Trailer: "x-sum" });
      response.write("hello");
      response.addTrailers({ "x-sum": "5" });
      response.end();
    });
    const { ask, sidecar } = await shop([chunked.port], undefined, [
      faultsDocument([{ slowBody: { bytesPerSecond: 20 } }]),
    ]);
    for (let i = 0; i < 2; i++) {
      const answer = await ask(GET, 10);
      expect(answer.body).toBe("5\r\nhello\r\n0\r\nx-sum: 5\r\n\r\n");
      expect(answer.ms).toBeGreaterThanOrEqual(1_000);
    }
    expect(sidecar.read("weft_upstream_connections_total")).toBe(1);
  });

  it("nothing to slow: HEAD, and what has no body", async () => {
    const empty = await origin((response, { method }) => {
      response
        .writeHead(method === "HEAD" ? 200 : 204, method === "HEAD" ? { "Content-Length": 9 } : {})
        .end();
    });
    const { send, pass } = await shop([empty.port], undefined, [
      faultsDocument([{ slowBody: { bytesPerSecond: 1 } }]),
    ]);
    const client = send(GET.replace("GET", "HEAD") + GET + GET);
    await expect
      .poll(() => pass(10).then(client.received))
      .toMatch(/^HTTP\/1.1 200 [\s\S]*\r\n\r\nHTTP\/1.1 204 [\s\S]*\r\n\r\nHTTP\/1.1 204 [\s\S]*\r\n\r\n$/);
  });

  it("the instance is stopped meanwhile, not buffered", async () => {
    let written = 0;
    const endless = await origin((response) => {
      response.writeHead(200);
      const more = () => {
        while (response.write("x".repeat(65_536))) written += 65_536;
        response.once("drain", more);
      };
      more();
    });
    const { send, pass } = await shop([endless.port], undefined, [
      faultsDocument([{ slowBody: { bytesPerSecond: 1_000 } }]),
    ]);
    const client = send(GET);
    await pass(5_000);
    const before = written;
    await pass(5_000);
    const received = client.received().length;
    expect(received).toBeGreaterThan(8_000);
    expect(received).toBeLessThan(11_000);
    expect(written).toBe(before);
  });
});

describe("whom it befalls", () => {
  it("a share of the requests, each drawn apart", async () => {
    const random = seededRandom(42);
    const { ask } = await faulty([{ percent: 30, ...ABORT }], [], { random });
    const counts = [0, 0];
    for (let i = 0; i < 400; i++) counts[(await ask(GET)).status === 503 ? 0 : 1]!++;
    expect(chiSquareP(counts, [30, 70])).toBeGreaterThan(0.001);
  });

  it("percent 0 nobody, a fraction of a percent few", async () => {
    const none = await faulty([{ percent: 0, ...ABORT }], [], { random: () => 0 });
    expect((await none.ask(GET)).status).toBe(200);
    const fraction = { numerator: 1, denominator: 1_000 };
    for (const [random, status] of [
      [0.0009, 503],
      [0.0011, 200],
    ] as const) {
      const few = await faulty([{ fraction, ...ABORT }], [], { random: () => random });
      expect((await few.ask(GET)).status).toBe(status);
    }
  });

  it("by path, method and header, as HTTPRoute matches", async () => {
    const match = [
      { path: { type: "PathPrefix", value: "/slow" }, method: "GET" },
      { headers: [{ name: "X-Chaos", type: "RegularExpression", value: "on|yes" }] },
    ];
    const { ask } = await faulty([{ match, ...ABORT }]);
    const statuses: number[] = [];
    for (const request of [
      get("/slow/x"),
      get("/slowly"),
      get("/x", "x-chaos: yes\r\n"),
      get("/x", "x-chaos: no\r\n"),
      post("order").replace("/x", "/slow"),
    ])
      statuses.push((await ask(request)).status);
    expect(statuses).toEqual([503, 200, 503, 200, 200]);
  });

  it("by route", async () => {
    const at = (name: string) =>
      routeDocument(name, [{ matches: [{ path: { value: `/${name}` } }], backendRefs: TO_SHOP }]);
    const { ask } = await faulty([{ routes: ["a"], ...ABORT }], [at("a"), at("b")]);
    expect([(await ask(get("/a"))).status, (await ask(get("/b"))).status]).toEqual([503, 200]);
  });

  const client = (serviceAccount: string) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name: "client" },
    spec: { address: "127.0.0.1", serviceAccount },
  });
  it.each<[object, boolean]>([
    [{ principals: ["cluster.local/ns/default/sa/batch"] }, true],
    [{ principals: ["spiffe://cluster.local/ns/default/sa/batch"] }, true],
    [{ principals: ["*/sa/batch"] }, true],
    [{ principals: ["cluster.local/ns/default/*"], notPrincipals: ["*/sa/batch"] }, false],
    [{ principals: ["*/sa/web"] }, false],
    [{ namespaces: ["default"] }, true],
    [{ namespaces: ["def*"], principals: ["*/sa/web"] }, false],
    [{ notNamespaces: ["default"] }, false],
  ])("by who the client is: %j", async (source, isHit) => {
    const { ask } = await faulty([{ from: [{ source }], ...ABORT }], [client("batch")]);
    expect((await ask(GET)).status).toBe(isHit ? 503 : 200);
  });

  it("several faults, one after the other: delays add up, the first abort ends", async () => {
    const { ask, sidecar } = await faulty([
      { delay: { fixed: "100ms" } },
      { delay: { fixed: "100ms" }, percent: 50 },
      { abort: { status: 501 }, percent: 10 },
      { abort: { status: 502 } },
      { abort: { status: 504 }, delay: { fixed: "10s" } },
    ]);
    const answer = await ask(GET, 5);
    expect(answer.status).toBe(502);
    expect(answer.ms).toBeGreaterThanOrEqual(200);
    expect(answer.ms).toBeLessThan(400);
    expect(sidecar.read(INJECTED, { reason: "abort" })).toBe(1);
  });
});
