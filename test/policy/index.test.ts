/** The index finds what asking every rule finds, and the same one first. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { PolicyResource } from "../../src/discovery/policy.ts";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { normalTarget } from "../fuzz/path-reference.ts";
import { runs } from "../harness/runs.ts";
import { decide, type Request } from "./reference.ts";
import { viewOf } from "./view.ts";

const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(arbitrary, { minLength: 1, maxLength: 3 });
const fields = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record(model, { requiredKeys: [] });

const principal = fc.constantFrom(
  "cluster.local/ns/default/sa/web",
  "cluster.local/ns/shop/sa/web",
  "cluster.local/ns/shop/sa/a.b",
  "cluster.local/ns/shop/sa/axb",
);
const principals = fc.oneof(
  principal,
  fc.constantFrom("*", "*/sa/web", "cluster.local/ns/shop/*", "spiffe://cluster.local/ns/default/sa/web"),
);
const namespaces = fc.constantFrom("default", "shop", "sh*", "*p", "*");
const blocks = fc.constantFrom(
  "10.0.0.0/8",
  "10.1.0.0/16",
  "10.1.2.3",
  "0.0.0.0/0",
  "::1",
  "fd00::/9",
  "fd00::/61",
);
const hosts = fc.constantFrom("shop", "SHOP", "shop:8080", "shop:80", "sh*", "*.b", "a.b:8080", "*");
const methods = fc.constantFrom("GET", "get", "P*", "*T", "*");
const paths = fc.constantFrom(
  "/",
  "/a",
  "/A",
  "/a*",
  "/a/*",
  "*/b",
  "*b",
  "*",
  "/a/{*}",
  "/{*}/b",
  "/a/{**}",
  "/{**}/b",
  "/{*}/b/{**}",
  "/a/{**}/b",
  "/a/{*}/c/{**}/b",
  "/a.b",
  "/a(b",
  "/a!",
);
const teams = fc.constantFrom("a", "b", "a*", "*b", "*", "a,b", "a.b");
const KEYS = [
  "request.headers[x-team]",
  "request.headers[X-Other]",
  "request.auth.claims[role]",
  "request.auth.claims[realm][role]",
  "source.namespace",
];
const condition = fc
  .oneof(
    fc.record({ key: fc.constantFrom(...KEYS), values: some(teams), notValues: some(teams) }),
    fc.record({ key: fc.constant("source.ip"), values: some(blocks), notValues: some(blocks) }),
    fc.record({
      key: fc.constant("destination.port"),
      values: some(fc.constantFrom("80", "8080")),
      notValues: some(fc.constantFrom("80", "8080")),
    }),
  )
  .chain(({ key, values, notValues }) =>
    fc.constantFrom({ key, values }, { key, notValues }, { key, values, notValues }),
  );
const rule = fields({
  from: some(
    fields({
      principals: some(principals),
      notPrincipals: some(principals),
      namespaces: some(namespaces),
      notNamespaces: some(namespaces),
      ipBlocks: some(blocks),
      notIpBlocks: some(blocks),
    }),
  ),
  to: some(
    fields({
      hosts: some(hosts),
      notHosts: some(hosts),
      ports: some(fc.constantFrom(80, 8080)),
      notPorts: some(fc.constantFrom(80, 8080)),
      methods: some(methods),
      notMethods: some(methods),
      paths: some(paths),
      notPaths: some(paths),
    }),
  ),
  when: some(condition),
});
const policies = fc
  .array(
    fc.record({
      action: fc.constantFrom("ALLOW" as const, "DENY" as const),
      rules: fc.array(rule, { maxLength: 4 }),
    }),
    { maxLength: 8 },
  )
  .map((list) => list.map((policy, i) => ({ ...policy, source: `p${i}` })));

const segment = fc.constantFrom(
  "a",
  "b",
  "c",
  "A",
  "a.b",
  "a;x",
  ";x",
  "a%21",
  "a!",
  "a(b",
  "%62",
  "%2f",
  "..;",
  "%252e",
  "%c3%a9",
  "%c0%ae",
  "%",
);
const path = fc.array(segment, { maxLength: 4 }).map((segments) => normalTarget(`/${segments.join("/")}`));
const header = fc.tuple(
  fc.constantFrom("x-team", "x-other"),
  fc.constantFrom("a", "b", "ab", "a, b", "a,a", "", "a.b", "axb", "a,"),
);
const request: fc.Arbitrary<Request> = fc.record({
  principal: fc.oneof(principal, fc.constant(null)),
  address: fc.constantFrom("10.1.2.3", "10.9.9.9", "192.0.2.1", "::1", "fd00::1", "fd00:0:0:8::1"),
  port: fc.constantFrom(80, 8080),
  claims: fc.constantFrom(null, { role: "a" }, { role: ["b", "ab"] }, { realm: { role: "a" } }),
  http: fc.option(
    fc.record({
      method: fc.constantFrom("GET", "POST", "get", "PUT"),
      host: fc.constantFrom("shop", "a.b", "axb"),
      hostPort: fc.constantFrom(0, 80, 8080),
      path,
      headers: fc.array(header, { maxLength: 3 }),
    }),
    { freq: 6 },
  ),
});

it("decides as asking every rule in turn does", () => {
  fc.assert(
    fc.property(
      policies,
      fc.boolean(),
      fc.array(request, { minLength: 1, maxLength: 12 }),
      (list, defaultDeny, all) => {
        const resource: PolicyResource = {
          name: "inbound",
          defaultDeny,
          exposeDenials: false,
          policies: list,
        };
        const judge = Judge.of(resource);
        for (const one of all) {
          const verdict = judge.decide(viewOf(one));
          const expected = decide(resource, one);
          expect(verdict.isAllowed, expected).toBe(expected.startsWith("ALLOW") || expected === "default");
          if (/^(?:ALLOW|DENY) /.test(expected)) expect(verdict.source).toBe(expected.replace(/^\w+ /, ""));
          if (expected === "ambiguous") expect(verdict).toMatchObject({ reason: "ambiguous_path" });
        }
      },
    ),
    runs(3_000),
  );
});
