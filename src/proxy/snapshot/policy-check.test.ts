/** What a sidecar can't decide by is refused before any traffic loop sees it. */
import { expect, it } from "vitest";
import { OPEN } from "../../../test/harness/policy.ts";
import type { AuthorizationPolicyRules, PolicyResource } from "../../discovery/policy.ts";
import { checkResource } from "./build.ts";

const rules = (policy: object): PolicyResource => ({
  ...OPEN,
  policies: [
    {
      source: "AuthorizationPolicy default/p",
      action: "DENY",
      rules: [],
      ...policy,
    } as AuthorizationPolicyRules,
  ],
});

it.each<[string, PolicyResource]>([
  ["an action of the future", rules({ action: "CUSTOM" })],
  ["a condition of the future", rules({ rules: [{ when: [{ key: "request.body", values: ["x"] }] }] })],
  ["a field of the future", rules({ rules: [{ to: [{ graphql: ["x"] }] }] })],
  ["a part of the future", rules({ rules: [{ unless: [] }] })],
  ["no address", rules({ rules: [{ from: [{ ipBlocks: ["10.0.0.0/40"] }] }] })],
  [
    "no address in a network rule",
    {
      ...OPEN,
      network: {
        sources: ["n"],
        rules: [{ from: { principals: [], principalsAt: [], namespaces: [], addresses: ["x"], blocks: [] } }],
      },
    },
  ],
])("%s", (_name, policy) => {
  expect(checkResource("policy", policy)).toMatchObject({
    code: "invalid",
    resource: "inbound",
    field: "policies",
  });
});

it("what can be decided by passes", () => {
  expect(checkResource("policy", OPEN)).toBeUndefined();
  expect(checkResource("policy", rules({ rules: [{}] }))).toBeUndefined();
});

it.each<[string, object]>([
  ["no requests", { requests: 0 }],
  ["a key of the future", { key: [{ kind: "cookie" }] }],
  [
    "a regular expression that is none",
    { matches: [{ path: { kind: "regex", value: "(" }, rule: 0, source: "" }] },
  ],
])("a rate limit with %s", (_name, change) => {
  const limit = { id: "default/l/0", ports: [80], requests: 1, perMs: 1, burst: 1, key: [], ...change };
  const policy = { ...OPEN, limits: [limit] } as PolicyResource;
  expect(checkResource("policy", policy)).toMatchObject({ resource: "inbound", field: "limits" });
});
