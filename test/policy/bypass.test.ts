/** Ways around policies that have worked with others (hostile.md, 24 to 30), over real sockets; none gets to the application. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { get } from "../tls/pair.ts";
import { Protected, policy } from "./protected.ts";

let shop: Protected;
beforeAll(async () => {
  shop = await Protected.start();
});
afterAll(() => shop.close());

const deny = (operation: object) => policy("p", { action: "DENY", rules: [{ to: [{ operation }] }] });
const allow = (operation: object) => policy("p", { rules: [{ to: [{ operation }] }] });

/** Paths that are /admin to somebody; the status is 403, or 400 where nobody can tell. */
const SPELLINGS = [
  ["/admin", 403],
  ["//admin", 403],
  ["///admin", 403],
  ["/./admin", 403],
  ["/%61dmin", 403],
  ["/%41dmin", 403],
  ["/a/../admin", 403],
  ["/a/%2e%2e/admin", 403],
  ["/a/.%2E/admin", 403],
  ["/../admin", 403],
  ["/ADMIN", 403],
  ["/admin;x", 403],
  ["/admin;x=/", 403],
  ["/admin?x", 403],
  ["/admin?", 403],
  ["http://shop/admin", 403],
  ["http://other//%61dmin", 403],
  ["/;x/admin", 403],
  ["/admin%3bx", 403],
  ["/..;/admin", 400],
  ["/a/..;x/admin", 400],
  ["/a/..%3b/admin", 400],
  ["/admin%2f", 400],
  ["/%2fadmin", 400],
  ["/a%2f..%2fadmin", 400],
  ["/a%5c..%5cadmin", 400],
  ["/admin%00", 400],
  ["/admin%0a", 400],
  ["/admin%252f", 400],
  ["/%2561dmin", 400],
  ["/%c1%a1dmin", 400],
  ["/%c0%af/admin", 400],
  ["/%e0%80%af/admin", 400],
  ["/adm%u0069n", 400],
  ["/%%61dmin", 400],
  ["/%2%61dmin", 400],
  ["/\\admin", 400],
  ["/admin#x", 400],
  ["/admin\x01", 400],
  ["/adm\xefn", 400],
] as const;

describe("a path that is refused", () => {
  beforeAll(() => shop.protect(deny({ paths: ["/admin", "/admin/*", "//admin".slice(1)] })));

  it.each(SPELLINGS)("%j gets %d", async (path, status) => {
    shop.seen();
    expect(await shop.status(path)).toBe(status);
    expect(shop.seen()).toBe("");
  });

  it.each(SPELLINGS)("%j by way of the caller's own sidecar gets %d", async (path, status) => {
    shop.seen();
    const target = path.replace("http://other", "http://shop");
    const text = `GET ${target} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`;
    expect(await get(shop.pair.client.outboundPort, text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(shop.seen()).toBe("");
  });

  it("and what is none of it reaches the application as it was judged", async () => {
    shop.seen();
    expect(await shop.status("/a//b/../%63;x=Y?q=/../admin")).toBe(200);
    expect(shop.seen()).toMatch(/^GET \/a\/c;x=Y\?q=\/\.\.\/admin HTTP\/1\.1\r\n/);
  });
});

describe("a path that is allowed", () => {
  beforeAll(() => shop.protect(allow({ paths: ["/public/*", "/Exact"] })));

  it.each([
    ["/public/x", 200],
    ["/Exact", 200],
    ["/a/../public/x", 200],
    ["/public/../admin", 403],
    ["/public/%2e%2e/admin", 403],
    ["/public/..;/admin", 400],
    ["/public/..%2fadmin", 400],
    ["/public/..%5cadmin", 400],
    ["/public/%252e%252e/admin", 400],
    ["/PUBLIC/x", 403],
    ["/exact", 403],
    ["/Exact;x", 403],
    ["/public", 403],
  ] as const)("%s gets %d", async (path, status) => {
    expect(await shop.status(path)).toBe(status);
  });
});

it("what a rule excepts is excepted in its own spelling alone", async () => {
  await shop.protect(deny({ notPaths: ["/public"] }));
  expect(await shop.status("/public")).toBe(200);
  for (const path of ["/PUBLIC", "/public;x", "/publi%43"]) expect(await shop.status(path), path).toBe(403);
  await shop.protect(allow({ notPaths: ["/admin"] }));
  expect(await shop.status("/x")).toBe(200);
  for (const path of ["/ADMIN", "/admin;x", "//admin"]) expect(await shop.status(path), path).toBe(403);
});

it("without a policy that asks for paths, escaped slashes are the application's business", async () => {
  await shop.protect();
  expect(await shop.status("/a%2fb")).toBe(200);
  expect(shop.seen()).toContain("GET /a%2Fb HTTP/1.1");
});

describe("a host", () => {
  beforeEach(() => shop.protect(deny({ hosts: ["secret.com"] })));

  it.each(["secret.com", "SECRET.com", "secret.com.", "secret.com:443", "Secret.COM.:80"])(
    "%s is refused",
    async (host) => {
      expect(await shop.ask(["GET / HTTP/1.1", `Host: ${host}`])).toMatch(/^HTTP\/1.1 403 /);
      expect(await shop.ask([`GET http://${host}/ HTTP/1.1`, "Host: shop"])).toMatch(/^HTTP\/1.1 403 /);
    },
  );

  it("with a port in the policy is refused at that port, and where none is said", async () => {
    await shop.protect(deny({ hosts: ["secret.com:8443"] }));
    const ask = async (host: string) => (await shop.ask(["GET / HTTP/1.1", `Host: ${host}`])).slice(9, 12);
    expect(await Promise.all(["secret.com:8443", "secret.com", "secret.com:80"].map(ask))).toEqual([
      "403",
      "403",
      "200",
    ]);
  });
});

describe("a header", () => {
  const when = (condition: object, action: string) => policy("p", { action, rules: [{ when: [condition] }] });
  const KEY = "request.headers[x-role]";

  it.each([
    [["x-role: guest"], 403],
    [["X-ROLE: guest"], 403],
    [["x-role: user", "x-role: guest"], 403],
    [["x-role: guest", "x-role: user"], 403],
    [["x-role: user, guest"], 403],
    [["x-role: user,guest ,"], 403],
    [["x-role:"], 200],
    [["x-role: user"], 200],
    [["x-role: guests"], 200],
  ])("%j where guest is refused: %d", async (fields, status) => {
    await shop.protect(when({ key: KEY, values: ["guest"] }, "DENY"));
    expect(await shop.status("/", fields)).toBe(status);
  });

  it.each([
    [["x-role: admin"], 200],
    [["x-role: admin", "x-role: admin"], 200],
    [["x-role: admin, admin"], 200],
    [["x-role: admin", "x-role: guest"], 403],
    [["x-role: guest", "x-role: admin"], 403],
    [["x-role: guest, admin"], 403],
    [["x-role: admin", "x-role:"], 403],
    [["x-role: admin", "Connection: x-role"], 403],
    [[], 403],
  ])("%j where admin is allowed: %d", async (fields, status) => {
    await shop.protect(when({ key: KEY, values: ["admin"] }, "ALLOW"));
    expect(await shop.status("/", fields)).toBe(status);
  });

  it("named like something of JavaScript's is plain data", async () => {
    await shop.protect(when({ key: "request.headers[__proto__]", values: ["x"] }, "DENY"));
    expect(await shop.status("/", ["__proto__: y", "constructor: x"])).toBe(200);
    expect(await shop.status("/", ["__proto__: x"])).toBe(403);
  });
});

it("a method in lower case is no way around", async () => {
  await shop.protect(deny({ methods: ["GET"] }));
  expect(await shop.ask(["get / HTTP/1.1", "Host: shop"])).toMatch(/^HTTP\/1.1 403 /);
  await shop.protect(allow({ methods: ["GET"] }));
  expect(await shop.ask(["get / HTTP/1.1", "Host: shop"])).toMatch(/^HTTP\/1.1 403 /);
});

it("characters of regular expressions mean themselves", async () => {
  const from = (principal: string) =>
    policy("p", { rules: [{ from: [{ source: { principals: [principal] } }] }] });
  await shop.protect(from("cluster.local/ns/default/sa/w.b"));
  expect(await shop.status("/")).toBe(403);
  expect(await shop.status("/", [], "w.b")).toBe(200);
  await shop.protect(from("cluster.local/ns/*/sa/web"));
  expect(await shop.status("/")).toBe(403);
  await shop.protect(allow({ paths: ["/a.c", "/x+", "/(b)"] }));
  expect(await Promise.all(["/a.c", "/abc", "/xx", "/(b)", "/b"].map((path) => shop.status(path)))).toEqual([
    200, 403, 403, 200, 403,
  ]);
});

describe("what Weft writes itself", () => {
  const forged = "cluster.local/ns/default/sa/admin";
  const XFCC = `x-forwarded-client-cert: By=x;Hash=0;URI=spiffe://${forged}`;

  it.each([
    [XFCC],
    [XFCC.toUpperCase()],
    [XFCC.replaceAll("-", "_")],
    [XFCC, "Connection: close, x-forwarded-client-cert"],
    ["x-weft-principal: admin", "X_Weft_Identity: admin", "Connection: x-weft-principal"],
  ])("%s, %s changes nothing", async (...fields) => {
    await shop.protect(policy("p", { rules: [{ from: [{ source: { principals: [forged] } }] }] }));
    expect(await shop.status("/", fields.filter(Boolean))).toBe(403);
    await shop.protect();
    shop.seen();
    expect(await shop.status("/", fields.filter(Boolean))).toBe(200);
    const seen = shop.seen();
    expect(seen).not.toMatch(/admin/i);
    expect(
      seen.match(/x-forwarded-client-cert: .*;URI=spiffe:\/\/\S+\/ns\/default\/sa\/web\r\n/g),
    ).toHaveLength(1);
  });

  it("is no header that lets anybody in", async () => {
    const key = "request.headers[x-forwarded-client-cert]";
    await shop.protect(policy("p", { rules: [{ when: [{ key, values: ["*"] }] }] }));
    expect(await shop.status("/", [XFCC])).toBe(403);
  });
});
