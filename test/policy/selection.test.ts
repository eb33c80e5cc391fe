/** Whom an AuthorizationPolicy protects. */
import { expect, it } from "vitest";
import type { PolicyResource } from "../../src/discovery/policy.ts";
import { compiled } from "../harness/compiled.ts";

function policy(name: string, namespace: string, labels?: Readonly<Record<string, string>>): object {
  const selector = labels === undefined ? {} : { selector: { matchLabels: labels } };
  const metadata = { name, namespace };
  return { apiVersion: "weft.dev/v1alpha1", kind: "AuthorizationPolicy", metadata, spec: selector };
}

function workload(name: string, namespace: string, labels: Readonly<Record<string, string>>): object {
  return { apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata: { name, namespace, labels } };
}

const DOCUMENTS = [
  workload("shop", "default", { app: "shop", tier: "back" }),
  workload("web", "default", { app: "web" }),
  workload("shop", "other", { app: "shop" }),
  policy("all", "default"),
  policy("shop", "default", { app: "shop" }),
  policy("shop-front", "default", { app: "shop", tier: "front" }),
  policy("every", "default", {}),
  policy("mesh", "weft-system"),
  policy("mesh-shop", "weft-system", { app: "shop" }),
];

it.each([
  [
    "default",
    "shop",
    ["default/all", "default/every", "default/shop", "weft-system/mesh", "weft-system/mesh-shop"],
  ],
  ["default", "web", ["default/all", "default/every", "weft-system/mesh"]],
  ["other", "shop", ["weft-system/mesh", "weft-system/mesh-shop"]],
])("Workload %s/%s has %j", (namespace, name, expected) => {
  const node = { namespace, workload: name };
  const { policies } = compiled<PolicyResource>(DOCUMENTS, "policy", "inbound", node);
  expect(policies.map(({ source }) => source)).toEqual(expected.map((id) => `AuthorizationPolicy ${id}`));
});

it("a sidecar without a Workload is protected by its own labels", () => {
  const node = { namespace: "default", workload: "", labels: { app: "shop" } };
  const { policies } = compiled<PolicyResource>(DOCUMENTS, "policy", "inbound", node);
  expect(policies).toHaveLength(5);
});
