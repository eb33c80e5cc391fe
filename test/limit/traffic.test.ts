/** What rate limits do to real traffic: caller → mutual TLS → sidecar → application. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { PolicyResource } from "../../src/discovery/policy.ts";
import { compiled } from "../harness/compiled.ts";
import { meshConfig, Protected, policy } from "../policy/protected.ts";
import { GET, get, until } from "../tls/pair.ts";

const COUNTED = "weft_rate_limit_requests_total";

let shop: Protected;
let serial = 0;
beforeAll(async () => {
  shop = await Protected.start();
});
afterAll(() => shop.close());
beforeEach(() => {
  serial++;
});

/** A RateLimit of its own, whose buckets nobody has touched. */
function rateLimit(limits: readonly object[], name = `l${serial}`): object {
  const metadata = { name };
  const spec = { targetRef: { name: "shop" }, limits };
  return { apiVersion: "weft.dev/v1alpha1", kind: "RateLimit", metadata, spec };
}

function policyWith(...documents: readonly object[]): PolicyResource {
  const ports = [{ port: 80, targetPort: shop.pair.app.port }];
  const service = {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "shop" } },
    spec: { selector: { app: "shop" }, ports },
  };
  return compiled<PolicyResource>([service, ...documents], "policy", "inbound", {
    workload: "shop",
    labels: { app: "shop" },
  });
}

const apply = (...documents: readonly object[]) =>
  shop.pair.server.apply([{ kind: "policy", resource: policyWith(...documents) }]);
const limit = (...limits: readonly object[]) => apply(rateLimit(limits));
const counted = (result: string, name = "0") =>
  shop.pair.server.read(COUNTED, { limit: `default/l${serial}/${name}`, result });

async function statuses(count: number, path = "/", fields: readonly string[] = [], account = "web") {
  const found: number[] = [];
  for (let i = 0; i < count; i++) found.push(await shop.status(path, fields, account));
  return found;
}

describe("a limit", () => {
  it("defaults: burst is as many as requests, one bucket for all, each sidecar by itself, every request", async () => {
    const { limits } = policyWith(rateLimit([{ requests: 3, per: "1h" }]));
    expect(limits).toEqual([
      {
        ...{ id: `default/l${serial}/0`, ports: [shop.pair.app.port], requests: 3, perMs: 3_600_000 },
        ...{ burst: 3, key: [] },
      },
    ]);
    await limit({ requests: 3, per: "1h" });
    expect(await statuses(2)).toEqual([200, 200]);
    expect(await statuses(2, "/other", [], "other")).toEqual([200, 429]);
  });

  it("answers 429, flag RL, Retry-After and the draft's fields; in JSON to who wants that", async () => {
    await limit({ name: "hourly", requests: 1, per: "1h" });
    const passed = await shop.ask(["GET / HTTP/1.1", "Host: shop"]);
    expect(passed).toMatch(/^HTTP\/1\.1 200/);
    const name = `l${serial}/hourly`;
    expect(passed).toContain(`\r\nratelimit-policy: "${name}";q=1;w=3600\r\n`);
    expect(passed).toMatch(new RegExp(`\r\nratelimit: "${name}";r=0;t=(3600|3599)\r\n`));
    shop.seen();
    const refused = await shop.ask(["GET / HTTP/1.1", "Host: shop"]);
    expect(refused).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n/);
    expect(refused).toMatch(/\r\nx-weft-error: RL; [^\r]+\r\n/);
    expect(refused).toMatch(/\r\nretry-after: (3600|3599)\r\n/);
    expect(refused).toContain(`\r\nratelimit-policy: "${name}";q=1;w=3600\r\n`);
    expect(refused).toMatch(new RegExp(`\r\nratelimit: "${name}";r=0;t=(3600|3599)\r\n`));
    expect(refused).toMatch(new RegExp(`\r\n\r\nRL rate_limited: .*\\(${name}\\)\n$`));
    expect(shop.seen()).toBe("");
    const json = await shop.ask(["GET / HTTP/1.1", "Host: shop", "Accept: application/json"]);
    expect(json).toContain('{"error":{"code":"rate_limited","flag":"RL",');
    const labels = { response_code: "429", response_flags: "RL" };
    await until(() => shop.pair.server.read("requests", labels) > 0, "flagged");
  });

  it("leaves the connection to the next request", async () => {
    await limit({ requests: 1, per: "1h" });
    const post = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody";
    const answers = await get(shop.pair.client.outboundPort, post + post + GET);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 429", "HTTP/1.1 429"]);
  });

  it("says nothing of itself in an answer to what is no request", async () => {
    await limit({ requests: 5, per: "1h" });
    const answers = await shop.ask(["GET / HTTP/1.1", "Host: shop", "", "BAD"]);
    expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 400"]);
    expect(answers.match(/ratelimit:/g)).toHaveLength(1);
  });

  it("comes after the policies: what they refuse does not count", async () => {
    const web = "cluster.local/ns/default/sa/web";
    const allow = policy("web", { rules: [{ from: [{ source: { principals: [web] } }] }] });
    await apply(allow, meshConfig({}), rateLimit([{ requests: 1, per: "1h" }]));
    expect(await statuses(3, "/", [], "other")).toEqual([403, 403, 403]);
    expect(await statuses(2)).toEqual([200, 429]);
  });

  it("is counted by name and result", async () => {
    await limit({ name: "a", requests: 2, per: "1h" });
    await statuses(5);
    await until(() => counted("ok", "a") === 2 && counted("limited", "a") === 3, "counted");
  });

  it("counts whatever Host a request names, as long as it comes to the Service's port", async () => {
    await limit({ requests: 2, per: "1h" });
    const ask = async (host: string) => (await shop.ask(["GET / HTTP/1.1", `Host: ${host}`])).slice(9, 12);
    expect([
      await ask("shop"),
      await ask("anything.example"),
      await ask("shop.default:80"),
      await ask("x"),
    ]).toEqual([...["200", "200", "429", "429"]]);
  });

  it("fills again by itself", async () => {
    await limit({ requests: 20, per: "1s", burst: 1 });
    expect(await shop.status("/")).toBe(200);
    const end = performance.now() + 5_000;
    let status = 0;
    while (status !== 200 && performance.now() < end) status = await shop.status("/");
    expect(status).toBe(200);
  });
});

describe("what is told apart", () => {
  const hourly = { requests: 1, per: "1h" };

  it("identity: each caller has a bucket, whatever its connection", async () => {
    await limit({ ...hourly, key: [{ identity: true }] });
    expect(await statuses(2)).toEqual([200, 429]);
    expect(await statuses(2, "/", [], "other")).toEqual([200, 429]);
  });

  it("header, path template and both", async () => {
    await limit({ ...hourly, key: [{ header: "X-Tenant" }, { pathTemplate: "/users/{id}" }] });
    const ask = async (path: string, tenant: string) => shop.status(path, [`x-tenant: ${tenant}`]);
    expect(await ask("/users/1", "a")).toBe(200);
    expect(await ask("/users/1/orders", "a")).toBe(429);
    expect(await ask("/users/1;x", "a")).toBe(429);
    expect(await ask("/users/2", "a")).toBe(200);
    expect(await ask("/users/1", "b")).toBe(200);
    expect(await shop.status("/users/1")).toBe(200);
    expect(await shop.status("/users/1")).toBe(429);
  });

  it("address", async () => {
    await limit({ ...hourly, key: [{ sourceAddress: true }] });
    expect(await statuses(1)).toEqual([200]);
    expect(await statuses(1, "/", [], "other")).toEqual([429]);
  });

  it("match: any of them, by path, method and header", async () => {
    const match = [{ path: { type: "PathPrefix", value: "/a" } }, { headers: [{ name: "x-b", value: "1" }] }];
    await limit({ ...hourly, match });
    expect(await statuses(2, "/free")).toEqual([200, 200]);
    expect(await statuses(1, "/a/1")).toEqual([200]);
    expect(await statuses(1, "/free", ["x-b: 1"])).toEqual([429]);
    expect(await statuses(1, "/free", ["x-b: 2"])).toEqual([200]);
  });

  it("several limits and RateLimits all hold; the fields are those of the one that leaves least", async () => {
    const wide = rateLimit([{ requests: 100, per: "1h" }], `wide${serial}`);
    await apply(
      wide,
      rateLimit([
        { requests: 2, per: "1h" },
        { requests: 50, per: "1h" },
      ]),
    );
    const answer = await shop.ask(["GET / HTTP/1.1", "Host: shop"]);
    expect(answer.match(/ratelimit: .*/g)).toEqual([
      expect.stringMatching(`^ratelimit: "l${serial}/0";r=1;t=`),
    ]);
    expect(await statuses(2)).toEqual([200, 429]);
  });
});

it("a change under traffic keeps the buckets of limits that say the same", async () => {
  const kept = rateLimit([{ requests: 5, per: "1h" }]);
  await apply(kept);
  const answers: number[] = [];
  let isEnough = false;
  const traffic = async () => {
    while (!isEnough) answers.push(await shop.status("/"));
  };
  const running = [traffic(), traffic()];
  for (let i = 0; i < 10; i++) {
    await apply(kept, rateLimit([{ requests: 1_000 + i, per: "1s" }], `other${i % 2}`));
    await until(() => answers.length > 5 * i, "traffic");
  }
  isEnough = true;
  await Promise.all(running);
  expect(answers.filter((status) => status === 200)).toHaveLength(5);
  expect(new Set(answers)).toEqual(new Set([200, 429]));
  await apply(rateLimit([{ requests: 6, per: "1h" }]));
  expect(await shop.status("/")).toBe(200);
  await apply();
  expect(await statuses(3)).toEqual([200, 200, 200]);
  expect(await shop.ask(["GET / HTTP/1.1", "Host: shop"])).not.toMatch(/ratelimit/i);
});
