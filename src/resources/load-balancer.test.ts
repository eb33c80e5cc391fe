import { expect, it } from "vitest";
import { loadFiles } from "./load.ts";

function told(loadBalancer: object): readonly string[] {
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "s" },
    spec: { ports: [{ port: 80 }] },
  };
  const policy = {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "TrafficPolicy", metadata: { name: "p" } },
    spec: { targetRef: { name: "s" }, loadBalancer },
  };
  const text = [service, policy].map((document) => JSON.stringify(document)).join("\n---\n");
  const { issues } = loadFiles([{ name: "p.yaml", text }]);
  return issues.map(({ field, message }) => `${field}: ${message}`);
}

it("hashing needs one thing to hash, and other policies none", () => {
  for (const policy of ["ringHash", "maglev"]) {
    for (const hash of [
      { header: "X-User" },
      { cookie: "sid" },
      { query: "user" },
      { sourceAddress: true },
    ]) {
      expect(told({ policy, hash })).toEqual([]);
    }
    expect(told({ policy })).toEqual([expect.stringMatching(/^spec.loadBalancer.hash: is required for/)]);
    for (const hash of [{}, { sourceAddress: false }, { header: "a", cookie: "b" }]) {
      expect(told({ policy, hash })).toEqual([
        expect.stringMatching(/^spec.loadBalancer.hash: names \d things/),
      ]);
    }
    expect(told({ policy, hash: { header: "a b" } })[0]).toMatch(/^spec.loadBalancer.hash.header: /);
  }
  for (const policy of ["leastRequest", "roundRobin", "random", "peakEwma"]) {
    expect(told({ policy })).toEqual([]);
    expect(told({ policy, hash: { header: "a" } })).toEqual([
      expect.stringMatching(/^spec.loadBalancer.hash: is for ringHash and maglev/),
    ]);
  }
  expect(told({ policy: "ringhash" })[0]).toMatch(/ringHash/);
});
