/** NetworkPolicies: what they isolate, whom they let in, and what they become. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PolicyResource } from "../../src/discovery/policy.ts";
import { Judge } from "../../src/proxy/policy/judge.ts";
import { compiled } from "../harness/compiled.ts";
import { Protected, policy } from "./protected.ts";
import { request, viewOf } from "./view.ts";

interface Pod {
  readonly namespace?: string;
  readonly account?: string;
  readonly address?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

function workload(
  name: string,
  { namespace = "default", account = name, address, labels }: Pod = {},
): object {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name, namespace, labels: { app: name, ...labels } },
    spec: { serviceAccount: account, ports: { http: 8080, admin: 9090 }, ...(address && { address }) },
  };
}

function network(spec: object, name = "n"): object {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name }, spec };
}

const PODS = [
  workload("shop"),
  workload("web", { address: "10.0.0.2", labels: { tier: "front" } }),
  workload("batch", { address: "10.0.0.3" }),
  workload("twin-1", { account: "twin", address: "10.0.0.4" }),
  workload("twin-2", { account: "twin", address: "10.0.0.5" }),
  workload("probe", { namespace: "watch", address: "10.0.1.1" }),
];

/** Who gets in: names of those of `callers` that pass. */
function judge(...documents: readonly object[]): Judge {
  const node = { workload: "shop", namespace: "default" };
  return Judge.of(compiled<PolicyResource>([...PODS, ...documents], "policy", "inbound", node));
}

const CALLERS = [
  ["web", "default/sa/web", "10.0.0.2"],
  ["batch", "default/sa/batch", "10.0.0.3"],
  ["twin-1", "default/sa/twin", "10.0.0.4"],
  ["twin-2", "default/sa/twin", "10.0.0.5"],
  ["probe", "watch/sa/probe", "10.0.1.1"],
  ["web without proof", null, "10.0.0.2"],
  ["stranger", null, "192.0.2.1"],
] as const;

function callersOf(found: Judge, port = 8080): readonly string[] {
  return CALLERS.flatMap(([name, id, address]) => {
    const principal = id && `cluster.local/ns/${id}`;
    return found.decide(viewOf(request({}, { principal, address, port }))).isAllowed ? [name] : [];
  });
}

const EVERYBODY = CALLERS.map(([name]) => name);
const selected = { podSelector: { matchLabels: { app: "shop" } } };
const ingress = (...from: readonly object[]) => network({ ...selected, ingress: [{ from }] });

describe("who gets in", () => {
  it.each<[string, readonly object[], readonly string[]]>([
    ["no policy", [], EVERYBODY],
    ["one for others", [network({ podSelector: { matchLabels: { app: "web" } } })], EVERYBODY],
    ["one for egress alone", [network({ ...selected, policyTypes: ["Egress"] })], EVERYBODY],
    ["one without rules", [network(selected)], []],
    ["one for all pods without rules", [network({})], []],
    ["a rule for everybody", [network({ ...selected, ingress: [{}] })], EVERYBODY],
    ["a pod", [ingress({ podSelector: { matchLabels: { app: "web" } } })], ["web", "web without proof"]],
    [
      "one of two pods with the same account: by its address",
      [ingress({ podSelector: { matchLabels: { app: "twin-1" } } })],
      ["twin-1"],
    ],
    [
      "an expression",
      [ingress({ podSelector: { matchExpressions: [{ key: "tier", operator: "DoesNotExist" }] } })],
      ["batch", "twin-1", "twin-2"],
    ],
    [
      "a namespace",
      [ingress({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "watch" } } })],
      ["probe"],
    ],
    [
      "a pod of a namespace",
      [ingress({ namespaceSelector: {}, podSelector: { matchLabels: { app: "probe" } } })],
      ["probe"],
    ],
    ["addresses", [ingress({ ipBlock: { cidr: "10.0.0.0/16", except: ["10.0.0.0/24"] } })], ["probe"]],
    [
      "two policies: what either allows",
      [
        ingress({ podSelector: { matchLabels: { app: "batch" } } }),
        network({ podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr: "192.0.2.0/24" } }] }] }, "m"),
      ],
      ["batch", "stranger"],
    ],
  ])("%s", (_name, documents, expected) => {
    expect(callersOf(judge(...documents))).toEqual(expected);
  });

  it("by port: number, name, range; another transport is none of ours", () => {
    const to = (...ports: readonly object[]) => judge(network({ ...selected, ingress: [{ ports }] }));
    expect(callersOf(to({ port: 8080 }), 8080)).toEqual(EVERYBODY);
    expect(callersOf(to({ port: 8080 }), 9090)).toEqual([]);
    expect(callersOf(to({ port: "admin" }), 9090)).toEqual(EVERYBODY);
    expect(callersOf(to({ port: "none" }), 8080)).toEqual([]);
    expect(callersOf(to({ port: 8000, endPort: 8080 }), 8080)).toEqual(EVERYBODY);
    expect(callersOf(to({ protocol: "UDP", port: 8080 }), 8080)).toEqual([]);
    expect(callersOf(to({ protocol: "TCP" }), 1)).toEqual(EVERYBODY);
  });
});

it("comes before AuthorizationPolicies, and is told by name", () => {
  const all = policy("all", { rules: [{}] });
  const found = judge(network(selected), all);
  const view = viewOf(request());
  expect(found.decide(view)).toEqual({
    isAllowed: false,
    reason: "network",
    source: "NetworkPolicy default/n",
  });
});

describe("over mutual TLS", () => {
  let shop: Protected;
  beforeAll(async () => {
    shop = await Protected.start();
  });
  afterAll(() => shop.close());

  it("lets the account of the pod in, and no other", async () => {
    await shop.protect(workload("web"), ingress({ podSelector: { matchLabels: { app: "web" } } }));
    expect([await shop.status("/"), await shop.status("/", [], "other")]).toEqual([200, 403]);
  });
});
