import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, it } from "vitest";
import { ignoreRules } from "./ignore-rules.ts";
import { diffJson, MAX_DEPTH, MAX_DIFFERENCES } from "./json-diff.ts";

const value = fc.jsonValue({ maxDepth: 5 });
const paths = (real: unknown, mirror: unknown, ignore: readonly string[] = []) =>
  [...diffJson(real, mirror, ignoreRules(ignore))].map(([path, { kind }]) => `${kind} ${path}`);

/** Members in another order, at every depth. */
function reversed(of: unknown): unknown {
  if (Array.isArray(of)) return of.map(reversed);
  if (typeof of !== "object" || of === null) return of;
  const copy: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(of).reverse()) {
    Object.defineProperty(copy, key, { value: reversed(inner), enumerable: true });
  }
  return copy;
}

it("a value is the same as itself, whatever the order of its members", () => {
  fc.assert(fc.property(value, (one) => isDeepStrictEqual(paths(one, reversed(one)), [])));
});

it("there is a difference exactly where two values are not deeply equal", () => {
  const pair = fc.oneof(
    fc.tuple(value, value),
    value.map((one) => [one, JSON.parse(JSON.stringify(one))] as const),
  );
  fc.assert(
    fc.property(pair, ([a, b]) => {
      const [real, mirror]: unknown[] = [a, b].map((one) => JSON.parse(JSON.stringify(one)));
      expect(paths(real, mirror).length === 0).toBe(isDeepStrictEqual(real, mirror));
    }),
  );
});

it("with all that differs ignored, nothing differs", () => {
  fc.assert(
    fc.property(value, value, (real, mirror) => {
      const all = [...diffJson(real, mirror, []).keys()];
      if (!all.includes("")) expect(paths(real, mirror, all)).toEqual([]);
    }),
  );
});

it("what one has and the other has not swaps with them", () => {
  const swap = { missing: "extra", extra: "missing", changed: "changed" } as const;
  fc.assert(
    fc.property(value, value, (real, mirror) => {
      const there = [...diffJson(real, mirror, [])].map(([path, { kind }]) => [path, swap[kind]]);
      const back = [...diffJson(mirror, real, [])].map(([path, { kind }]) => [path, kind]);
      expect(back.toSorted()).toEqual(there.toSorted());
    }),
  );
});

it.each<[string, unknown, unknown, string[]]>([
  ["a scalar", 1, 2, ["changed "]],
  ["1 and 1.0", JSON.parse("[1,10]"), JSON.parse("[1.0,1e1]"), []],
  ["another type", { a: "1" }, { a: 1 }, ["changed /a"]],
  ["null and nothing", { a: null }, {}, ["missing /a"]],
  ["a list and a map", [1], { 0: 1 }, ["changed "]],
  ["elements that lack a member", [{ a: 1 }, { a: 1 }], [{}, {}], ["missing /*/a"]],
  ["a shorter list", { l: [1, 2, 3] }, { l: [1] }, ["missing /l/*"]],
  ["a longer list", [], [1, 2], ["extra /*"]],
  ["~ and / in names", { "a/b~c": 1 }, { "a/b~c": 2 }, ["changed /a~1b~0c"]],
  [
    "__proto__",
    JSON.parse('{"__proto__":{"x":1}}'),
    JSON.parse('{"__proto__":{"x":2}}'),
    ["changed /__proto__/x"],
  ],
  ["__proto__ in one alone", JSON.parse('{"__proto__":1}'), {}, ["missing /__proto__"]],
  ["names of Object.prototype", { constructor: 1 }, {}, ["missing /constructor"]],
])("%s", (_, real, mirror, expected) => {
  expect(paths(real, mirror)).toEqual(expected);
});

it.each<[string, string[]]>([
  ["/items/*/at", ["changed /items/*/n", "changed /top"]],
  ["/items/0", ["changed /items/*/at", "changed /items/*/n", "changed /top"]],
  ["/items/1", ["changed /items/*/at", "changed /top"]],
  ["/items", ["changed /top"]],
  ["/*/*/n", ["changed /items/*/at", "changed /top"]],
  ["/*", []],
  ["/item", ["changed /items/*/at", "changed /items/*/n", "changed /top"]],
  ["/top/below", ["changed /items/*/at", "changed /items/*/n", "changed /top"]],
])("ignoring %s", (rule, expected) => {
  const real = {
    items: [
      { at: 1, n: 1 },
      { at: 1, n: 1 },
    ],
    top: 1,
  };
  const mirror = {
    items: [
      { at: 2, n: 1 },
      { at: 2, n: 2 },
    ],
    top: 2,
  };
  expect(paths(real, mirror, [rule])).toEqual(expected);
});

it("rules name members with ~ and / as RFC 6901 does, and elements beyond a shorter list", () => {
  expect(paths({ "a/b": 1, "c~d": 1 }, {}, ["/a~1b", "/c~0d"])).toEqual([]);
  expect(paths([1, 2], [1], ["/1"])).toEqual([]);
  expect(paths([1, 2], [1], ["/0"])).toEqual(["missing /*"]);
});

it("values of any depth are compared, below 64 as a whole", () => {
  const nested = (depth: number, core: string): unknown =>
    JSON.parse(`${'{"a":['.repeat(depth)}${core}${"]}".repeat(depth)}`);
  expect(paths(nested(20_000, "1"), nested(20_000, "1.0"))).toEqual([]);
  const [path] = paths(nested(20_000, "1"), nested(20_000, "2"));
  expect(path).toBe(`changed ${"/a/*".repeat(MAX_DEPTH / 2)}`);
});

it("no more places than 1,000", () => {
  const many = (to: number) => Object.fromEntries(Array.from({ length: to }, (_, i) => [`k${i}`, i]));
  expect(paths(many(5_000), {}).length).toBe(MAX_DIFFERENCES);
});
