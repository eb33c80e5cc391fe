import { describe, expect, it } from "vitest";
import { requestHead } from "../../../test/harness/head.ts";
import type { RouteMatch } from "../../discovery/route.ts";
import { Matcher } from "./match.ts";

type Match = Omit<RouteMatch, "rule" | "source">;

function holds(match: Match, requestLine: string, ...fields: readonly string[]): boolean {
  const matcher = new Matcher(match);
  return matcher.holds(requestHead(`${requestLine} HTTP/1.1`, "Host: shop", ...fields));
}

const exact = (value: string): Match => ({ path: { kind: "exact", value } });
const prefix = (value: string): Match => ({ path: { kind: "prefix", value } });
const regex = (value: string): Match => ({ path: { kind: "regex", value } });

describe("paths", () => {
  it.each<[Match, string, boolean]>([
    [exact("/a"), "/a", true],
    [exact("/a"), "/a?b", true],
    [exact("/a"), "/a/", false],
    [exact("/a"), "/A", false],
    [exact("/a"), "/%61", true],
    [exact("/"), "/", true],
    [exact("/"), "http://shop", true],
    [exact("/"), "http://shop/", true],
    [exact("/"), "/a", false],
    [exact("/a"), "http://shop/a", true],
    [prefix("/v2"), "/v2", true],
    [prefix("/v2"), "/v2/", true],
    [prefix("/v2"), "/v2/x", true],
    [prefix("/v2"), "/v2?x", true],
    [prefix("/v2"), "/v2x", false],
    [prefix("/v2"), "/v", false],
    [prefix("/v2"), "/x/v2", false],
    [prefix("/v2/"), "/v2", true],
    [prefix("/v2/"), "/v2/x", true],
    [prefix("/v2/"), "/v2x", false],
    [prefix("/"), "/anything", true],
    [prefix("/"), "http://shop", true],
    [regex("/r[0-9]+"), "/r42", true],
    [regex("/r[0-9]+"), "/r42x", false],
    [regex("/r[0-9]+"), "/x/r42", false],
    [regex("/a|/b"), "/b", true],
    [regex("/a|/b"), "/ab", false],
    [regex("/"), "http://shop", true],
    [regex("/a"), "/a?b=c", true],
    [{}, "/anything", true],
  ])("%j, %s: %s", (match, target, expected) => {
    expect(holds(match, `GET ${target}`)).toBe(expected);
  });

  it("* of OPTIONS is taken by what takes everything, and by nothing else", () => {
    expect(holds({}, "OPTIONS *")).toBe(true);
    expect(holds(prefix("/a"), "OPTIONS *")).toBe(false);
    expect(holds(exact("/"), "OPTIONS *")).toBe(false);
  });
});

describe("methods, headers, parameters", () => {
  const header = (value: string, kind: "exact" | "regex" = "exact"): Match => ({
    headers: [{ name: "x-user", kind, value }],
  });
  const query = (value: string, kind: "exact" | "regex" = "exact", name = "q"): Match => ({
    query: [{ name, kind, value }],
  });

  it("methods are compared as they are written", () => {
    expect(holds({ method: "GET" }, "GET /")).toBe(true);
    expect(holds({ method: "GET" }, "GETX /")).toBe(false);
    expect(holds({ method: "GET" }, "get /")).toBe(false);
  });

  it.each<[Match, readonly string[], boolean]>([
    [header("1"), ["X-User: 1"], true],
    [header("1"), ["x-USER:1"], true],
    [header("1"), ["X-User: 12"], false],
    [header("1"), ["X-Users: 1"], false],
    [header("1"), [], false],
    [header("1"), ["X-User: 2", "X-User: 1"], true],
    [header("a, b"), ["X-User: a, b"], true],
    [header(""), ["X-User:"], true],
    [header("[0-9]"), ["X-User: [0-9]"], true],
    [header("[0-9]", "regex"), ["X-User: 7"], true],
    [header("[0-9]", "regex"), ["X-User: 77"], false],
    [header("\xe9"), ["X-User: \xe9"], true],
  ])("%j, %j: %s", (match, fields, expected) => {
    expect(holds(match, "GET /", ...fields)).toBe(expected);
  });

  it("names that every object has are only names", () => {
    for (const name of ["__proto__", "constructor", "hasownproperty"]) {
      const match: Match = { headers: [{ name, kind: "exact", value: "1" }] };
      expect(holds(match, "GET /")).toBe(false);
      expect(holds(match, "GET /", `${name}: 1`)).toBe(true);
      expect(holds(query("1", "exact", name), "GET /")).toBe(false);
      expect(holds(query("1", "exact", name), `GET /?${name}=1`)).toBe(true);
    }
  });

  it.each<[Match, string, boolean]>([
    [query("1"), "/?q=1", true],
    [query("1"), "/?q=1&q=2", true],
    [query("2"), "/?q=1&q=2", false],
    [query("a b"), "/?q=a%20b", true],
    [query("a b"), "/?q=a+b", true],
    [query("\u00e9"), "/?q=%C3%A9", true],
    [query(""), "/?q", true],
    [query(""), "/?q=", true],
    [query(""), "/", false],
    [query("1"), "/?Q=1", false],
    [query("1"), "/q=1", false],
    [query("1"), "/?x?q=1", false],
    [query("[ab]+", "regex"), "/?q=abba", true],
    [query("[ab]+", "regex"), "/?q=abc", false],
    [query("%zz"), "/?q=%zz", true],
  ])("%j, %s: %s", (match, target, expected) => {
    expect(holds(match, `GET ${target}`)).toBe(expected);
  });

  it("all conditions of one match must hold", () => {
    const all: Match = { ...prefix("/a"), method: "PUT", ...header("1"), ...query("2") };
    expect(holds(all, "PUT /a/b?q=2", "X-User: 1")).toBe(true);
    expect(holds(all, "PUT /a/b?q=2")).toBe(false);
    expect(holds(all, "GET /a/b?q=2", "X-User: 1")).toBe(false);
    expect(holds(all, "PUT /b?q=2", "X-User: 1")).toBe(false);
    expect(holds(all, "PUT /a/b?q=3", "X-User: 1")).toBe(false);
  });
});

it("an expression that does not compile is refused where it is configured", () => {
  expect(() => new Matcher(regex("("))).toThrow(SyntaxError);
});
