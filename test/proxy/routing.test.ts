/** What HTTPRoute rules do to real requests: matching, splitting, filters, timeouts, and what is not there. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Change } from "../../src/proxy/snapshot/loop-protocol.ts";
import { clusterAt, OUTBOUND, plainRoute, type RunningLoop, routeOf, startLoop } from "../harness/loop.ts";
import { exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";

let loop: RunningLoop;
const origins: RawOrigin[] = [];

async function named(name: string): Promise<Change[]> {
  const origin = await rawOrigin((_, socket, text) => {
    if (text.includes("/silent")) return;
    const requests = text.split("\r\n\r\n").slice(0, -1);
    const echo = requests.at(-1) ?? "";
    socket.write(`HTTP/1.1 200 OK\r\nX-From: ${name}\r\nContent-Length: ${echo.length}\r\n\r\n${echo}`);
  });
  origins.push(origin);
  return clusterAt(name, [origin.port]);
}

beforeAll(async () => {
  loop = await startLoop();
  const changes = [await named("v1"), await named("v2"), await named("copy")].flat();
  await loop.apply([
    { kind: "listener", resource: OUTBOUND },
    ...changes,
    ...clusterAt("empty", []),
    ...plainRoute("empty"),
  ]);
});

afterAll(async () => {
  await loop.close();
  for (const origin of origins) await origin.close();
});

const to = (name: string, weight = 1) => ({ weight, cluster: `${name}.default:80` });
const get = (path: string, fields = "", host = "shop") =>
  exchangeBytes(loop.outboundPort, [
    `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${fields}\r\n`,
  ]);
const from = (answer: string) => /X-From: (\w+)/.exec(answer)?.[1] ?? answer.split("\r\n")[0];

describe("rules", () => {
  it("the first match that holds decides; none: 404, flag NR", async () => {
    const rules = ["v1", "v2"].map((name) => ({
      name,
      action: { kind: "forward" as const, backends: [to(name)] },
    }));
    await loop.apply(
      routeOf(
        "shop",
        [
          { path: { kind: "exact", value: "/exact" }, rule: 0, source: "a" },
          { path: { kind: "prefix", value: "/v2" }, rule: 1, source: "b" },
          { path: { kind: "regex", value: "/r[0-9]+" }, rule: 1, source: "c" },
          {
            method: "GET",
            headers: [{ name: "x-user", kind: "exact", value: "tester" }],
            rule: 1,
            source: "d",
          },
          { query: [{ name: "v", kind: "exact", value: "a b" }], rule: 1, source: "e" },
        ],
        rules,
      ),
    );
    expect(from(await get("/exact?q=1"))).toBe("v1");
    expect(from(await get("/v2"))).toBe("v2");
    expect(from(await get("/v2/x"))).toBe("v2");
    expect(from(await get("/r42"))).toBe("v2");
    expect(from(await get("/?v=a%20b"))).toBe("v2");
    expect(from(await get("/other", "X-User: tester\r\n"))).toBe("v2");
    for (const path of ["/v2x", "/exact/", "/r42x", "/"])
      expect(await get(path)).toMatch(/ 404 [\s\S]*x-weft-error: NR;/);
    expect(await get("/", "Accept: application/json\r\n")).toMatch(
      /content-type: application\/json[\s\S]*"code":"no_route"/,
    );
    expect(loop.read("requests", { response_code: "404", response_flags: "NR" })).toBeGreaterThan(0);
  });

  it("edits heads, paths and hosts", async () => {
    await loop.apply(
      routeOf(
        "shop",
        [{ path: { kind: "prefix", value: "/api" }, rule: 0, source: "a" }],
        [
          {
            name: "edit",
            action: {
              kind: "forward",
              backends: [{ ...to("v1"), responseHeaders: { set: [{ name: "X-From", value: "edited" }] } }],
              requestHeaders: {
                set: [{ name: "X-Set", value: "new" }],
                add: [{ name: "X-Add", value: "2" }],
                remove: ["X-Gone"],
              },
              rewrite: { hostname: "inner.example", path: { kind: "replacePrefixMatch", value: "/v1" } },
            },
          },
        ],
      ),
    );
    const answer = await get("/api/items?q=1", "x-set: old\r\nX-Gone: 1\r\nX-Add: 1\r\n");
    expect(answer).toContain("GET /v1/items?q=1 HTTP/1.1\r\nhost: inner.example\r\n");
    expect(answer).toMatch(/X-Add: 1\r\n[\s\S]*X-Set: new\r\nX-Add: 2\r\n/);
    expect(answer).not.toMatch(/old|X-Gone|X-From: v1/);
    expect(answer).toContain("X-From: edited");
  });

  it("redirects without asking an upstream", async () => {
    await loop.apply(
      routeOf(
        "shop",
        [{ path: { kind: "prefix", value: "/old" }, rule: 0, source: "a" }],
        [
          {
            name: "r",
            action: {
              kind: "redirect",
              scheme: "https",
              statusCode: 301,
              path: { kind: "replacePrefixMatch", value: "/new" },
            },
          },
        ],
      ),
    );
    expect(await get("/old/x?y=1")).toMatch(
      /^HTTP\/1\.1 301 [\s\S]*location: https:\/\/shop\/new\/x\?y=1\r\n/,
    );
  });

  it("mirrors without touching the original", async () => {
    const before = origins[2]?.received.length ?? 0;
    await loop.apply(
      routeOf(
        "shop",
        [{ rule: 0, source: "a" }],
        [
          {
            name: "m",
            action: {
              kind: "forward",
              backends: [to("v1")],
              mirrors: [{ cluster: "copy.default:80", numerator: 1, denominator: 1 }],
            },
          },
        ],
      ),
    );
    const body =
      "POST /mirrored HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    expect(from(await exchangeBytes(loop.outboundPort, [body]))).toBe("v1");
    await expect.poll(() => origins[2]?.received.slice(before)).toMatch(/^POST \/mirrored [\s\S]*hello$/);
  });

  it("a dangling backend gets its share as 500; all weights zero: 503", async () => {
    const rule = (backends: { weight: number; cluster?: string }[]) =>
      routeOf("shop", [{ rule: 0, source: "a" }], [{ name: "w", action: { kind: "forward", backends } }]);
    await loop.apply(rule([{ weight: 1 }]));
    expect(await get("/")).toMatch(/ 500 [\s\S]*x-weft-error: NC;/);
    await loop.apply(rule([to("v1", 0), to("v2", 0)]));
    expect(await get("/")).toMatch(/ 503 [\s\S]*x-weft-error: UH;/);
  });

  it("request and backendRequest timeouts answer 504, flag UT", async () => {
    const timed = (timeouts: object) =>
      routeOf(
        "shop",
        [{ rule: 0, source: "a" }],
        [{ name: "t", action: { kind: "forward", backends: [to("v1")] }, ...timeouts }],
      );
    await loop.apply(timed({ requestTimeoutMs: 60 }));
    expect(await get("/silent")).toMatch(/ 504 [\s\S]*x-weft-error: UT;[\s\S]*request_timeout/);
    await loop.apply(timed({ backendRequestTimeoutMs: 60 }));
    expect(await get("/silent")).toMatch(/ 504 [\s\S]*attempt_timeout/);
  });
});

describe("what is not there", () => {
  it("no endpoint: 503, flag UH", async () => {
    expect(await get("/", "", "empty")).toMatch(/ 503 [\s\S]*x-weft-error: UH;/);
  });

  it("a service is asked for by its first request, which waits for it", async () => {
    const asked = loop.next("subscribe");
    const answer = get("/", "", "v1.default.svc.cluster.local:80");
    expect((await asked).routes).toEqual(["v1.default:80"]);
    await loop.apply(plainRoute("v1"));
    expect(from(await answer)).toBe("v1");
  });

  it("a name that no Service has: 502 under REGISTRY_ONLY", async () => {
    const asked = loop.next("subscribe");
    const answer = get("/", "", "nowhere");
    await asked;
    await loop.apply([{ kind: "route-removed", name: "nowhere.default" }]);
    expect(await answer).toMatch(/ 502 [\s\S]*x-weft-error: NC;/);
  });

  it("configuration that does not come in discoveryTimeout: 503", async () => {
    await loop.apply([{ kind: "listener", resource: { ...OUTBOUND, discoveryTimeoutMs: 50 } }]);
    expect(await get("/", "", "late")).toMatch(/ 503 [\s\S]*discovery_timeout/);
  });
});
