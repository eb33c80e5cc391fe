/** What policies do to real traffic: caller's sidecar → mutual TLS → sidecar → application. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startLoop } from "../harness/loop.ts";
import { exchangeBytes } from "../harness/raw.ts";
import { GET, get, inboundAt, until } from "../tls/pair.ts";
import { meshConfig, Protected, policy, policyOf } from "./protected.ts";

const DENIED = "weft_authorization_denied_total";
const AUDITED = "weft_authorization_audited_total";

let shop: Protected;
beforeAll(async () => {
  shop = await Protected.start();
});
afterAll(() => shop.close());

const from = (source: object) => ({ rules: [{ from: [{ source }] }] });
const WEB = "cluster.local/ns/default/sa/web";

/** Statuses for web and for another account. */
async function statuses(path = "/"): Promise<readonly [web: number, other: number]> {
  return [await shop.status(path), await shop.status(path, [], "other")];
}

describe("actions", () => {
  it("without policies everybody passes", async () => {
    await shop.protect();
    expect(await statuses()).toEqual([200, 200]);
  });

  it("ALLOW: what no policy allows is refused", async () => {
    await shop.protect(policy("web", from({ principals: [WEB] })));
    expect(await statuses()).toEqual([200, 403]);
    await shop.protect(policy("nobody", {}), policy("all", { rules: [{}] }));
    expect(await statuses()).toEqual([200, 200]);
    await shop.protect(policy("nobody", {}));
    expect(await statuses()).toEqual([403, 403]);
  });

  it("DENY comes before ALLOW", async () => {
    await shop.protect(
      policy("all", { rules: [{}] }),
      policy("not-web", { action: "DENY", ...from({ principals: [WEB] }) }),
    );
    expect(await statuses()).toEqual([403, 200]);
    await shop.protect(policy("all", { action: "DENY", rules: [{}] }));
    expect(await statuses()).toEqual([403, 403]);
    await shop.protect(policy("nobody", { action: "DENY" }));
    expect(await statuses()).toEqual([200, 200]);
  });

  it("AUDIT decides nothing, and is counted and told", async () => {
    const before = shop.pair.server.read(AUDITED, {});
    await shop.protect(policy("watch", { action: "AUDIT", ...from({ principals: [WEB] }) }));
    const told = shop.pair.server.next("decision");
    expect(await statuses()).toEqual([200, 200]);
    expect((await told).decision).toMatchObject({
      action: "audited",
      source: "AuthorizationPolicy default/watch rule 0",
      principal: WEB,
      path: "/",
    });
    await until(() => shop.pair.server.read(AUDITED, {}) === before + 1, "counted");
  });

  it("defaultDeny: what has no ALLOW policy takes nothing", async () => {
    await shop.protect(meshConfig({ defaultDeny: true }));
    expect(await statuses()).toEqual([403, 403]);
    await shop.protect(meshConfig({ defaultDeny: true }), policy("web", from({ principals: [WEB] })));
    expect(await statuses()).toEqual([200, 403]);
  });
});

it.each<[object, readonly [number, number]]>([
  [{ principals: ["*/sa/web"] }, [200, 403]],
  [{ principals: [`spiffe://${WEB}`] }, [200, 403]],
  [{ notPrincipals: [WEB] }, [403, 200]],
  [{ namespaces: ["default"] }, [200, 200]],
  [{ namespaces: ["default"], notPrincipals: [WEB] }, [403, 200]],
  [{ notNamespaces: ["def*"] }, [403, 403]],
  [{ ipBlocks: ["127.0.0.0/8"] }, [200, 200]],
  [{ ipBlocks: ["10.0.0.0/8", "::1"] }, [403, 403]],
  [{ notIpBlocks: ["127.0.0.1"] }, [403, 403]],
])("senders %j: web and another get %j", async (source, expected) => {
  await shop.protect(policy("p", from(source)));
  expect(await statuses()).toEqual(expected);
});

it("who proves nothing is nobody, and is known by address alone", async () => {
  const { server, app } = shop.pair;
  const ask = async (source: object) => {
    await shop.protect(policy("p", from(source)));
    return (await exchangeBytes(server.inboundPort, [GET])).slice(9, 12);
  };
  await server.apply([inboundAt(app.port, "PERMISSIVE")]);
  expect(await ask({ principals: ["*"] })).toBe("403");
  expect(await ask({ namespaces: ["*"] })).toBe("403");
  expect(await ask({ notPrincipals: ["*"] })).toBe("200");
  expect(await ask({ ipBlocks: ["127.0.0.1"] })).toBe("200");
  await server.apply([inboundAt(app.port, "STRICT")]);
});

it("ports are the application's", async () => {
  const to = (operation: object) => policy("p", { rules: [{ to: [{ operation }] }] });
  const { port } = shop.pair.app;
  await shop.protect(to({ ports: [String(port)] }));
  expect(await shop.status("/")).toBe(200);
  await shop.protect(to({ notPorts: [port] }));
  expect(await shop.status("/")).toBe(403);
  await shop.protect(to({ ports: [80] }));
  expect(await shop.status("/")).toBe(403);
});

describe("a refusal", () => {
  const protect = (spec: object = {}) =>
    shop.protect(policy("web", from({ principals: ["nobody"] })), meshConfig(spec));
  beforeEach(() => protect());

  it("is 403 with Envoy's body, and does not say what decided", async () => {
    const answer = await get(shop.pair.client.outboundPort);
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
    expect(answer).toMatch(/\r\n\r\nRBAC: access denied$/);
    expect(answer).not.toContain("default/web");
  });

  it("says what decided where MeshConfig lets it, and in JSON to who wants that", async () => {
    await protect({ authorization: { exposeDenials: true } });
    const answer = await shop.ask(["GET / HTTP/1.1", "Host: shop", "Accept: application/json"]);
    expect(answer).toContain(
      "x-weft-error: UAEX; RBAC: access denied (no rule of AuthorizationPolicy default/web)\r\n",
    );
    expect(answer).toContain('"code":"access_denied","flag":"UAEX"');
  });

  it("is counted by reason and flag, and told with everything that decided", async () => {
    const { server, client, app } = shop.pair;
    const before = server.read(DENIED, { reason: "not_allowed" });
    const told = server.next("decision");
    await get(client.outboundPort, GET.replace("GET /", "GET /x?secret=1"));
    expect((await told).decision).toEqual({
      action: "denied",
      reason: "not_allowed",
      source: "no rule of AuthorizationPolicy default/web",
      principal: "cluster.local/ns/default/sa/client",
      address: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      port: app.port,
      method: "GET",
      host: "shop",
      path: "/x",
    });
    await until(() => server.read(DENIED, { reason: "not_allowed" }) === before + 1, "counted");
    const labels = { response_flags: "UAEX", response_code: "403" };
    await until(() => server.read("requests", labels) > 0, "flagged");
  });

  it("leaves the connection to the next request, and a body unread", async () => {
    const body = `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody`;
    const answers = await get(shop.pair.client.outboundPort, body + GET);
    expect(answers.match(/HTTP\/1\.1 403/g)).toHaveLength(2);
  });
});

it("a sidecar that has not been told yet lets nobody in", async () => {
  const loop = await startLoop({}, null);
  try {
    await loop.apply([inboundAt(shop.pair.app.port, "DISABLE")]);
    shop.seen();
    expect(await exchangeBytes(loop.inboundPort, [GET])).toMatch(
      /^HTTP\/1\.1 503 .*\r\n(?:.*\r\n)*x-weft-error: UAEX/,
    );
    expect(shop.seen()).toBe("");
  } finally {
    await loop.close();
  }
});

it("an upgrade is judged as the request that it begins with", async () => {
  await shop.protect(policy("p", { rules: [{ to: [{ operation: { paths: ["/chat"] } }] }] }));
  const upgrade = (path: string) =>
    shop.ask([`GET ${path} HTTP/1.1`, "Host: shop", "Connection: upgrade", "Upgrade: websocket"]);
  expect(await upgrade("/other")).toMatch(/^HTTP\/1\.1 403/);
  expect(await upgrade("/chat")).toMatch(/^HTTP\/1\.1 200/);
});

it("a change under traffic: each request is judged by all of the old policies or all of the new", async () => {
  // Whoever reads an ALLOW of one and a DENY of the other would get through.
  const rules = (action: string, paths: readonly string[]) => ({
    action,
    rules: [{ to: [{ operation: { paths } }] }],
  });
  const old = policyOf(policy("allow", rules("ALLOW", ["/a"])), policy("deny", rules("DENY", ["/b"])));
  const next = policyOf(policy("allow", rules("ALLOW", ["/b"])), policy("deny", rules("DENY", ["/a"])));
  const { server } = shop.pair;
  const ask = (path: string) => get(shop.pair.client.outboundPort, GET.replace("GET /", `GET ${path}`));
  let isEnough = false;
  const answers: string[] = [];
  const traffic = async (path: string) => {
    while (!isEnough) answers.push(`${path} ${(await ask(path)).slice(9, 12)}`);
  };
  await server.apply([{ kind: "policy", resource: old }]);
  const running = ["/a", "/b", "/a", "/b", "/c"].map(traffic);
  for (let i = 0; i < 20; i++) {
    await server.apply([{ kind: "policy", resource: i % 2 === 0 ? next : old }]);
    await until(() => answers.length > 15 * i, "traffic");
  }
  isEnough = true;
  await Promise.all(running);
  expect(new Set(answers)).toEqual(new Set(["/a 200", "/a 403", "/b 200", "/b 403", "/c 403"]));
  await server.apply([{ kind: "policy", resource: next }]);
  expect([(await ask("/a")).slice(9, 12), (await ask("/b")).slice(9, 12)]).toEqual(["403", "200"]);
});

it("ten thousand rules are taken while requests are answered", async () => {
  const many = Array.from({ length: 1_000 }, (_, p) =>
    policy(`p-${p}`, {
      rules: Array.from({ length: 10 }, (_, r) => ({ to: [{ operation: { paths: [`/r-${p}-${r}`] } }] })),
    }),
  );
  await shop.protect(...many);
  expect(await shop.status("/r-999-9")).toBe(200);
  expect(await shop.status("/r-999-10")).toBe(403);
});
