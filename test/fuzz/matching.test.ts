/** HTTPRoute matching, from YAML to the rule that is taken, against a slow and obvious reference. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { RouteResource } from "../../src/discovery/route.ts";
import { VirtualHost } from "../../src/proxy/routing/virtual-host.ts";
import { compiled, routeDocument, serviceDocument, TO_SHOP } from "../harness/compiled.ts";
import { requestHead } from "../harness/head.ts";
import { runs } from "../harness/runs.ts";
import {
  type MatchSpec,
  type RequestSpec,
  type RouteSpec,
  referenceMatch,
  type ValueSpec,
} from "./matching-reference.ts";

// Few words, so that rules and requests meet, and near misses are common.
const segment = fc.constantFrom("a", "b", "ab", "v2", "%61");
const segmentPath = fc
  .array(segment, { maxLength: 3 })
  .map((list) => list.map((text) => `/${text}`).join(""));
const path = fc
  .tuple(segmentPath, fc.boolean())
  .map(([text, hasSlash]) => (hasSlash || text === "" ? `${text}/` : text));
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });
const value = fc.constantFrom("1", "2", "a b", "x");
const method = fc.constantFrom("GET", "POST", "PUT");

const pathMatch = fc.oneof(
  fc.record({ type: fc.constantFrom("Exact" as const, "PathPrefix" as const), value: path }),
  fc.record({
    type: fc.constant("RegularExpression" as const),
    value: fc.constantFrom("/a.*", "/[ab]", "/(a|ab)/b", ".*", "/v[0-9]+", "/a/?"),
  }),
);

const valueMatch = (names: readonly string[]): fc.Arbitrary<ValueSpec> =>
  fc.oneof(
    fc.record({ name: fc.constantFrom(...names), value, type: fc.constant("Exact" as const) }),
    fc.record({
      name: fc.constantFrom(...names),
      value: fc.constantFrom("[12]", "a.*", ".*"),
      type: fc.constant("RegularExpression" as const),
    }),
  );

const matchArbitrary = fc
  .record({
    path: optional(pathMatch),
    method: optional(method),
    headers: optional(fc.uniqueArray(valueMatch(["X-A", "x-b"]), { selector: (v) => v.name, maxLength: 2 })),
    queryParams: optional(fc.uniqueArray(valueMatch(["q", "Q"]), { selector: (v) => v.name, maxLength: 2 })),
  })
  .map((match) => JSON.parse(JSON.stringify(match)) as MatchSpec);

const routes: fc.Arbitrary<RouteSpec[]> = fc
  .array(
    fc.record({
      createdAt: optional(fc.constantFrom(1_000, 2_000)),
      rules: fc.array(fc.record({ matches: fc.array(matchArbitrary, { maxLength: 3 }) }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((list) => list.map((route, i) => ({ name: `r${(7 * (i + 1)) % 5}`, ...route })));

const request: fc.Arbitrary<RequestSpec> = fc.record({
  method,
  path,
  query: fc.array(fc.tuple(fc.constantFrom("q", "Q"), value), { maxLength: 2 }),
  headers: fc.array(fc.tuple(fc.constantFrom("x-a", "X-B", "x-c"), value), { maxLength: 3 }),
});

function virtualHost(list: readonly RouteSpec[]): VirtualHost {
  const documents = list.map((route) =>
    routeDocument(
      route.name,
      route.rules.map((rule) => ({ ...rule, backendRefs: TO_SHOP })),
      route.createdAt === undefined ? {} : { creationTimestamp: new Date(route.createdAt).toISOString() },
    ),
  );
  return new VirtualHost(
    compiled<RouteResource>([serviceDocument("shop"), ...documents], "route", "shop.default:80"),
  );
}

function headOf({ method, path, query, headers }: RequestSpec, isAbsolute: boolean) {
  const search =
    query.length === 0 ? "" : `?${query.map(([k, v]) => `${k}=${encodeURIComponent(v)}`).join("&")}`;
  const target = `${isAbsolute ? "http://shop" : ""}${path}${search}`;
  const fields = headers.map(([name, text]) => `${name}: ${text}`);
  return requestHead(`${method} ${target} HTTP/1.1`, "Host: shop", ...fields);
}

it("the rule taken is the one the Gateway API's list of criteria names", { timeout: 60_000 }, () => {
  let taken = 0;
  fc.assert(
    fc.property(
      routes,
      fc.array(request, { minLength: 5, maxLength: 15 }),
      fc.boolean(),
      (list, requests, isAbsolute) => {
        const host = virtualHost(list);
        for (const one of requests) {
          const expected = referenceMatch(list, one);
          if (expected !== undefined) taken++;
          expect(host.select(headOf(one, isAbsolute))?.source).toBe(expected);
        }
      },
    ),
    runs(300),
  );
  // The words are few enough for rules to be hit, and not always by the first.
  expect(taken).toBeGreaterThan(300);
});
