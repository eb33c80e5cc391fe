import { describe, expect, it } from "vitest";
import { KINDS, kindAndName, parseKind } from "./kinds.ts";

describe("kinds", () => {
  it.each([
    ["HTTPRoute", "HTTPRoute"],
    ["httproutes", "HTTPRoute"],
    ["route", "HTTPRoute"],
    ["routes", "HTTPRoute"],
    ["svc", "Service"],
    ["services", "Service"],
    ["trafficpolicies", "TrafficPolicy"],
    ["ratelimits", "RateLimit"],
    ["rl", "RateLimit"],
    ["workload", "Workload"],
    ["meshconfig", "MeshConfig"],
  ])("%s means %s", (text, kind) => expect(parseKind(text)).toBe(kind));

  it("lists all where it knows none", () => {
    expect(() => parseKind("pod")).toThrow('no kind "pod"');
    expect(KINDS).toContain("Service");
  });
});

it("a kind that is not known is almost another, by any of its names", () => {
  expect(() => parseKind("rote")).toThrow('no kind "rote", did you mean "route"?');
  expect(() => parseKind("HTTPRouts")).toThrow('did you mean "HTTPRoute"?');
});

describe("kinds with names", () => {
  it.each([
    [[], []],
    [["route"], ["route"]],
    [
      ["route", "a"],
      ["route", "a"],
    ],
    [["route/a"], ["route", "a"]],
  ])("%j means %j", (args, expected) => {
    expect(kindAndName(args)).toEqual(expected);
  });

  it("refuses both forms at once", () => {
    expect(() => kindAndName(["route/a", "b"])).toThrow("either route/a or a kind and a name");
  });
});
