import { expect, it } from "vitest";
import { formatIssue } from "./issue.ts";
import { loadFiles } from "./load.ts";

const WORKLOAD = {
  apiVersion: "weft.dev/v1alpha1",
  kind: "Workload",
  metadata: { name: "shop-1", labels: { app: "shop" } },
};

function authorization(spec: object, metadata: object = {}) {
  return {
    apiVersion: "weft.dev/v1alpha1",
    kind: "AuthorizationPolicy",
    metadata: { name: "p", ...metadata },
    spec,
  };
}

function network(spec: object) {
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name: "n" }, spec };
}

/** What is said about documents, without their places. */
function issuesOf(...documents: readonly object[]): string[] {
  const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  const { issues } = loadFiles([{ name: "f", text }]);
  return issues.map((issue) => formatIssue(issue).replace(/^f:\d+:\d+: /, ""));
}

const to = (operation: object) => authorization({ rules: [{ to: [{ operation }] }] });
const when = (condition: object) => authorization({ rules: [{ when: [condition] }] });

it("everything that Istio's users write is read", () => {
  const spec = {
    selector: { matchLabels: { app: "shop" } },
    action: "DENY",
    rules: [
      {
        from: [
          { source: { principals: ["cluster.local/ns/default/sa/web", "*"], notNamespaces: ["a*"] } },
          { source: { ipBlocks: ["10.0.0.0/8", "::1"], notIpBlocks: ["10.1.2.3"] } },
        ],
        to: [
          { operation: { hosts: ["*.shop:8080"], methods: ["GET", "P*"], ports: ["8080", 9000] } },
          { operation: { paths: ["/a", "/b/*", "*/c", "/d/{*}/e/{**}"], notPaths: ["/d/x"] } },
        ],
        when: [
          { key: "request.headers[x-team]", values: ["a", "*b"], notValues: ["c"] },
          { key: "request.auth.claims[realm][role]", values: ["admin"] },
          { key: "source.ip", notValues: ["10.0.0.0/8"] },
          { key: "destination.port", values: ["8080"] },
        ],
      },
    ],
  };
  expect(issuesOf(WORKLOAD, authorization(spec))).toEqual([]);
  expect(issuesOf(authorization({}))).toEqual([]);
});

it("a NetworkPolicy is read as Kubernetes has it", () => {
  const spec = {
    podSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["shop"] }] },
    policyTypes: ["Ingress"],
    ingress: [
      {
        from: [
          { podSelector: {} },
          { namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "web" } } },
          { ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } },
        ],
        ports: [{ port: 8080, endPort: 8090 }, { port: "http" }, { protocol: "UDP", port: 53 }],
      },
    ],
  };
  expect(issuesOf(WORKLOAD, network(spec))).toEqual([]);
});

it.each<[string, object]>([
  [
    'error: spec.action: must be ALLOW, DENY or AUDIT, found "DENNY"; did you mean "DENY"?',
    authorization({ action: "DENNY" }),
  ],
  ['error: spec.rules[0].to[0].operation.path: unknown field; did you mean "paths"?', to({ path: ["/a"] })],
  ["error: spec.rules[0].to[0].operation: must have at least one field", to({})],
  [
    "error: spec.rules[0].from: must have at least 1 entry, found 0",
    authorization({ rules: [{ from: [] }] }),
  ],
  [
    'error: spec.rules[0].to[0].operation.paths[0]: must be a path that begins with / or *, without ?, # or spaces, found "a"',
    to({ paths: ["a"] }),
  ],
  [
    "error: spec.rules[0].to[0].operation.paths[0]: must have no //, /./, /../, %2F, %5C or %00: no path is that after normalization",
    to({ paths: ["/a/../b"] }),
  ],
  [
    "error: spec.rules[0].to[0].operation.paths[0]: {*} and {**} must be whole segments",
    to({ paths: ["/a{*}"] }),
  ],
  [
    "error: spec.rules[0].to[0].operation.paths[0]: {**} must be the last of {*} and {**}",
    to({ paths: ["/{**}/{*}"] }),
  ],
  [
    "warning: spec.rules[0].to[0].operation.paths[0]: a * that is neither first nor last is itself; {*} stands for a segment",
    to({ paths: ["/a/*/b"] }),
  ],
  [
    'error: spec.rules[0].to[0].operation.ports[0]: must be a port number from 1 to 65535, found "http"',
    to({ ports: ["http"] }),
  ],
  ["error: spec.rules[0].when[0]: needs values or notValues", when({ key: "source.ip" })],
  [
    "error: spec.rules[0].when[0].values[0]: must be an IP address or a range such as 10.0.0.0/8",
    when({ key: "source.ip", values: ["10.0.0.0/33"] }),
  ],
  [
    "error: spec.rules[0].when[0].key: is asked with `to.operation.hosts`",
    when({ key: "request.headers[Host]", values: ["a"] }),
  ],
  [
    "warning: spec.selector: AuthorizationPolicy default/p selects no Workload",
    authorization({ selector: { matchLabels: { app: "shop" } } }),
  ],
  [
    "warning: spec.podSelector: NetworkPolicy default/n selects no Workload",
    network({ podSelector: { matchLabels: { app: "shop" } } }),
  ],
  [
    "warning: spec.egress: egress is not enforced by this version: protect what is called",
    network({ egress: [{}] }),
  ],
  [
    "error: spec.ingress[0].from[0].ipBlock.except[0]: must lie within 10.0.0.0/8",
    network({ ingress: [{ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["11.0.0.0/16"] } }] }] }),
  ],
  [
    "error: spec.ingress[0].ports[0].endPort: must not be below port 90",
    network({ ingress: [{ ports: [{ port: 90, endPort: 80 }] }] }),
  ],
  [
    "error: spec.podSelector.matchExpressions[0].values: is required for In",
    network({ podSelector: { matchExpressions: [{ key: "app", operator: "In" }] } }),
  ],
])("%s", (message, document) => {
  expect(issuesOf(document)).toEqual([message]);
});

it("a condition that nothing has is told with what was probably meant", () => {
  const [issue] = issuesOf(when({ key: "source.principle", values: ["a"] }));
  expect(issue).toMatch(
    /^error: spec\.rules\[0\]\.when\[0\]\.key: must be one of .*; did you mean "source\.principal"\?$/,
  );
});

it("a selector of weft-system's takes Workloads of every namespace", () => {
  const policy = authorization({ selector: { matchLabels: { app: "shop" } } }, { namespace: "weft-system" });
  expect(issuesOf(WORKLOAD, policy)).toEqual([]);
});
