import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../test/harness/runs.ts";
import { formatSpiffeId, formatWorkloadId, parseSpiffeId, workloadOf } from "./spiffe-id.ts";

const long = (start: string, length: number) => start.padEnd(length, "a");

describe("ids", () => {
  it.each([
    "spiffe://cluster.local",
    "spiffe://cluster.local/ns/default/sa/web",
    "spiffe://a/b",
    "spiffe://1.2.3.4/x",
    "spiffe://a_b-c.d/...",
    "spiffe://trust/A/b.C/..d/_-",
    long("spiffe://a/", 2048),
    `${long("spiffe://a", 9 + 255)}/x`,
  ])("%s", (text) => {
    const parsed = parseSpiffeId(text);
    expect(parsed.kind === "id" && formatSpiffeId(parsed.id)).toBe(text);
  });
});

describe("not ids", () => {
  it.each([
    ["", "not_spiffe"],
    ["spiffe:/a/b", "not_spiffe"],
    ["SPIFFE://a/b", "not_spiffe"],
    ["http://a/b", "not_spiffe"],
    [" spiffe://a/b", "not_spiffe"],
    ["spiffe://", "no_trust_domain"],
    ["spiffe:///ns", "no_trust_domain"],
    ["spiffe://A/b", "trust_domain_character"],
    ["spiffe://a:80/b", "trust_domain_character"],
    ["spiffe://user@a/b", "trust_domain_character"],
    ["spiffe://a%41/b", "trust_domain_character"],
    ["spiffe://[::1]/b", "trust_domain_character"],
    ["spiffe://ä/b", "trust_domain_character"],
    ["spiffe://a?q", "trust_domain_character"],
    ["spiffe://a#f", "trust_domain_character"],
    ["spiffe://a\n/b", "trust_domain_character"],
    ["spiffe://a/", "trailing_slash"],
    ["spiffe://a/b/", "trailing_slash"],
    ["spiffe://a//b", "empty_segment"],
    ["spiffe://a/./b", "dot_segment"],
    ["spiffe://a/b/..", "dot_segment"],
    ["spiffe://a/b?q=1", "path_character"],
    ["spiffe://a/b#f", "path_character"],
    ["spiffe://a/%62", "path_character"],
    ["spiffe://a/b c", "path_character"],
    ["spiffe://a/b\n", "path_character"],
    ["spiffe://a/b\0", "path_character"],
    ["spiffe://a/ü", "path_character"],
    ["spiffe://a/b:c", "path_character"],
    ["spiffe://a/b*", "path_character"],
    [long("spiffe://a/", 2049), "too_long"],
    [long("spiffe://", 9 + 256), "trust_domain_too_long"],
  ])("%j is refused: %s", (text, fault) => {
    expect(parseSpiffeId(text)).toEqual({ kind: "invalid", fault });
  });
});

it("workloads have the shape /ns/<namespace>/sa/<account>, and no other", () => {
  const shape = (path: string) => workloadOf({ trustDomain: "a", path });
  expect(shape("/ns/default/sa/web")).toEqual({
    trustDomain: "a",
    namespace: "default",
    serviceAccount: "web",
  });
  for (const path of [
    "",
    "/ns/default",
    "/ns/default/sa",
    "/ns/default/sa/web/x",
    "/sa/web/ns/default",
    "/NS/a/sa/b",
  ]) {
    expect(shape(path), path).toBeUndefined();
  }
});

it.each([
  { trustDomain: "A", namespace: "b", serviceAccount: "c" },
  { trustDomain: "a", namespace: "b/sa/c", serviceAccount: "d" },
  { trustDomain: "a", namespace: "", serviceAccount: "c" },
  { trustDomain: "a", namespace: "b", serviceAccount: ".." },
])("no id is made of %j", (workload) => {
  expect(() => formatWorkloadId(workload)).toThrow(RangeError);
});

it("what is taken has one spelling, in the standard's characters", () => {
  const alphabet = fc.constantFrom(..."spiffe://aA0._-%:@?#/ \0ü");
  const text = fc.oneof(
    fc.string({ unit: alphabet, maxLength: 40 }),
    fc.string({ unit: alphabet, maxLength: 40 }).map((rest) => `spiffe://${rest}`),
    fc.string({ unit: "binary" }).map((rest) => `spiffe://a/${rest}`),
  );
  fc.assert(
    fc.property(text, (candidate) => {
      const parsed = parseSpiffeId(candidate);
      if (parsed.kind === "invalid") return;
      expect(formatSpiffeId(parsed.id)).toBe(candidate);
      expect(candidate).toMatch(/^spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/);
      // A URL parser finds nothing in the path to remove or to encode.
      expect(new URL(`http://h/x${parsed.id.path}`).pathname).toBe(`/x${parsed.id.path}`);
    }),
    runs(5_000),
  );
});
