import { describe, expect, it } from "vitest";
import type { RouteMatch } from "../../discovery/route.ts";
import { compareMatches, type RankedMatch } from "./precedence.ts";

const TEMPLATE = { createdAt: Number.POSITIVE_INFINITY, route: "default/a", ruleIndex: 0, matchIndex: 0 };

function ranked(match: Omit<RouteMatch, "rule" | "source">, rest: Partial<RankedMatch> = {}): RankedMatch {
  return { ...TEMPLATE, ...rest, match: { ...match, rule: 0, source: "" } };
}

const exact = { path: { kind: "exact", value: "/a" } } as const;
const long = { path: { kind: "prefix", value: "/aaa" } } as const;
const short = { path: { kind: "prefix", value: "/a" } } as const;
const regex = { path: { kind: "regex", value: "/a.*" } } as const;
const header = (name: string) => ({ name, kind: "exact", value: "1" }) as const;

describe("precedence of matches", () => {
  it.each<[string, RankedMatch, RankedMatch]>([
    ["an exact path before a longer prefix", ranked(exact), ranked(long)],
    ["the longer prefix", ranked(long), ranked({ ...short, method: "GET", headers: [header("a")] })],
    ["a prefix before a regular expression", ranked(short), ranked(regex)],
    ["a regular expression before what takes every path", ranked(regex), ranked({ method: "GET" })],
    ["a method before headers", ranked({ method: "GET" }), ranked({ headers: [header("a"), header("b")] })],
    ["more headers", ranked({ headers: [header("a"), header("b")] }), ranked({ headers: [header("a")] })],
    [
      "headers before query",
      ranked({ headers: [header("a")] }),
      ranked({ query: [header("a"), header("b")] }),
    ],
    ["more query parameters", ranked({ query: [header("a")] }), ranked({})],
    ["the older route", ranked({}, { createdAt: 1, route: "z/z" }), ranked({}, { createdAt: 2 })],
    ["an age before none", ranked({}, { createdAt: 1, route: "z/z" }), ranked({})],
    ["the first by name", ranked({}, { ruleIndex: 5 }), ranked({}, { route: "default/b" })],
    ["the earlier rule", ranked({}, { matchIndex: 5 }), ranked({}, { ruleIndex: 1 })],
    ["the earlier match", ranked({}), ranked({}, { matchIndex: 1 })],
  ])("%s", (_name, first, second) => {
    expect(compareMatches(first, second)).toBeLessThan(0);
    expect(compareMatches(second, first)).toBeGreaterThan(0);
  });
});
