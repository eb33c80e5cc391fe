import { describe, expect, it } from "vitest";
import { KINDS, parseKind } from "./kinds.ts";

describe("kinds", () => {
  it.each([
    ["HTTPRoute", "HTTPRoute"],
    ["httproutes", "HTTPRoute"],
    ["route", "HTTPRoute"],
    ["routes", "HTTPRoute"],
    ["svc", "Service"],
    ["services", "Service"],
    ["trafficpolicies", "TrafficPolicy"],
    ["workload", "Workload"],
    ["meshconfig", "MeshConfig"],
  ])("%s means %s", (text, kind) => expect(parseKind(text)).toBe(kind));

  it("lists all where it knows none", () => {
    expect(() => parseKind("pod")).toThrow('no kind "pod"');
    expect(KINDS).toContain("Service");
  });
});
