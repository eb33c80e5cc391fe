import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIssue } from "./issue.ts";
import { loadFiles } from "./load.ts";
import type { Resource } from "./resource.ts";

const messages = (text: string) => loadFiles([{ name: "f.yaml", text }]).issues.map(formatIssue);

const service = (spec: string) => `apiVersion: v1\nkind: Service\nmetadata: { name: s }\nspec: ${spec}\n`;
const workload = (spec: string) =>
  `apiVersion: weft.dev/v1alpha1\nkind: Workload\nmetadata: { name: w }\nspec: ${spec}\n`;
const mesh = (spec: string) =>
  `apiVersion: weft.dev/v1alpha1\nkind: MeshConfig\nmetadata: { name: default }\nspec: ${spec}\n`;
const route = (rule: string) =>
  "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: { name: r }\n" +
  `spec:\n  parentRefs: [{ name: s }]\n  rules:\n    - ${rule}\n---\n${service("{ ports: [{ port: 80 }] }")}`;

// The place that is blamed is marked with §; without a mark it is the beginning.
it("a wrong version hides nothing else that is wrong", () => {
  const text = service("{ ports: [{ prot: 80 }] }").replace("v1", "v2");
  expect(messages(text)).toEqual([
    'f.yaml:1:13: error: apiVersion: must be v1 for Service, found "v2"; did you mean "v1"?',
    "f.yaml:4:17: error: spec.ports[0].port: is required",
    'f.yaml:4:19: error: spec.ports[0].prot: unknown field; did you mean "port"?',
  ]);
});

describe("what is wrong with one document", () => {
  const E = "error";
  it.each([
    ["text", "hello", `${E}: must be a resource, found "hello"`],
    ["no kind", "apiVersion: v1", `${E}: kind: is required`],
    ["no version", "kind: MeshConfig\nmetadata: { name: default }", `${E}: apiVersion: is required`],
    [
      "kind unknown to Weft's version",
      "apiVersion: weft.dev/v1alpha1\nkind: §Worklaod",
      `${E}: kind: weft.dev/v1alpha1 has no kind "Worklaod" that Weft knows; did you mean "Workload"?`,
    ],
    [
      "wrong version of a known kind",
      "apiVersion: §gateway.networking.k8s.io/v1beta1\nkind: HTTPRoute\nmetadata: { name: r }\nspec: { parentRefs: [{ name: s }] }",
      `${E}: apiVersion: must be gateway.networking.k8s.io/v1 for HTTPRoute, found "gateway.networking.k8s.io/v1beta1"; did you mean "gateway.networking.k8s.io/v1"?`,
    ],
    [
      "foreign kind",
      "apiVersion: apps/v1\nkind: §Deployment",
      'warning: kind: "Deployment" of apps/v1 is no kind that Weft reads; it is left alone',
    ],
    ["service without ports", service("§{}"), `${E}: spec.ports: must have at least 1 entry`],
    [
      "unknown field",
      service("{ ports: [{ port: 80, §tragetPort: 8 }] }"),
      `${E}: spec.ports[0].tragetPort: unknown field; did you mean "targetPort"?`,
    ],
    [
      "port out of range",
      service("{ ports: [{ port: §70000 }] }"),
      `${E}: spec.ports[0].port: must be a whole number from 1 to 65535, found 70000`,
    ],
    [
      "port twice",
      service("{ ports: [{ name: a, port: 80 }, { name: b, port: §80 }] }"),
      `${E}: spec.ports[1].port: 80 is there already, in entry 0`,
    ],
    [
      "__proto__ as a field",
      service("{ ports: [{ port: 80 }], §__proto__: { a: 1 } }"),
      `${E}: spec.__proto__: unknown field`,
    ],
    [
      "__proto__ as a key of a map",
      workload("{ env: { §__proto__: a } }"),
      `${E}: spec.env.__proto__: unknown field`,
    ],
    [
      "a name instead of an address",
      workload("{ address: §localhost }"),
      `${E}: spec.address: must be an IP address, found "localhost"`,
    ],
    [
      "a number as a duration",
      mesh("{ discoveryTimeout: §10 }"),
      `${E}: spec.discoveryTimeout: must be a duration such as 500ms, 10s or 1h30m, found 10`,
    ],
    [
      "a word that is close",
      mesh("{ outboundPolicy: §ALOW_ANY }"),
      `${E}: spec.outboundPolicy: must be ALLOW_ANY or REGISTRY_ONLY, found "ALOW_ANY"; did you mean "ALLOW_ANY"?`,
    ],
    [
      "a weight that is too great",
      route("{ backendRefs: [{ name: s, port: 80, weight: §1000001 }] }"),
      `${E}: spec.rules[0].backendRefs[0].weight: must be a whole number from 0 to 1000000, found 1000001`,
    ],
    [
      "a dangerous expression",
      route('{ matches: [{ path: { type: RegularExpression, value: §"(a+)+" } }] }'),
      `${E}: spec.rules[0].matches[0].path.value: can take very long: there are too many ways to match a text that begins with "aaaaaaaa"`,
    ],
    [
      "a path without slash",
      route("{ matches: [{ path: { value: §a } }] }"),
      `${E}: spec.rules[0].matches[0].path.value: must begin with /`,
    ],
    [
      "percent and fraction",
      route(
        "{ filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: s, port: 80 }, percent: 1, fraction: §{ numerator: 1 } } }] }",
      ),
      `${E}: spec.rules[0].filters[0].requestMirror.fraction: must not stand beside percent`,
    ],
    [
      "a filter's field of another type",
      route("{ filters: [{ type: URLRewrite, urlRewrite: {}, §requestMirror: {} }] }"),
      `${E}: spec.rules[0].filters[0].requestMirror: unknown field`,
    ],
    [
      "a redirect with backends",
      route(
        "{ filters: [{ type: RequestRedirect, requestRedirect: {} }], backendRefs: §[{ name: s, port: 80 }] }",
      ),
      `${E}: spec.rules[0].backendRefs: must be empty where a filter redirects`,
    ],
    [
      "too many matches",
      route(`{ matches: §[${"{}, ".repeat(65)}] }`),
      `${E}: spec.rules[0].matches: must have at most 64 entries, found 65`,
    ],
    [
      "an attempt longer than the whole",
      route("{ timeouts: { request: 1s, backendRequest: §2s } }"),
      `${E}: spec.rules[0].timeouts.backendRequest: must not be longer than request`,
    ],
    [
      "a backend that does not exist",
      route("{ backendRefs: [{ name: §sx, port: 80 }] }"),
      'warning: spec.rules[0].backendRefs[0].name: HTTPRoute default/r refers to Service default/sx, which does not exist; did you mean "s"?',
    ],
    [
      "a port that the backend has not",
      route("{ backendRefs: [{ name: s, port: §81 }] }"),
      "warning: spec.rules[0].backendRefs[0].port: HTTPRoute default/r refers to port 81 of Service default/s, which has 80",
    ],
    ["a key twice", "a: 1\n§a: 2", `${E}: the key "a" is there already`],
    ["an alias of what surrounds it", "a: &a [§*a]", `${E}: an alias stands within what it means`],
    ["brackets without end", "[".repeat(100_000), `${E}: is nested deeper than 64 levels`],
    ["dashes without end", "- ".repeat(100_000), `${E}: is nested deeper than 64 levels`],
  ])("%s", (_name, text, expected) => {
    const before = (text.includes("§") ? text.slice(0, text.indexOf("§")) : "").split("\n");
    const place = `${before.length}:${(before.at(-1) ?? "").length + 1}`;
    expect(messages(text.replace("§", ""))).toEqual([`f.yaml:${place}: ${expected}`]);
  });

  it("aliases that multiply", () => {
    const names = [..."abcdefgh"];
    const lines = names.map((name, i) => {
      const of = i === 0 ? "x" : `*${names[i - 1]}`;
      return `${name}: &${name} [${Array(9).fill(of).join(", ")}]`;
    });
    expect(messages(lines.join("\n"))).toEqual(["f.yaml:1:1: error: aliases expand more than 100 times"]);
  });

  it("all of it, in order, and what is right is there", () => {
    const text = `${workload("{ adress: 1, weight: -1 }")}---\n${service("{ ports: [{ port: 80 }] }")}`;
    const { resources, issues } = loadFiles([{ name: "f.yaml", text }]);
    expect(issues.map((issue) => issue.field)).toEqual(["spec.adress", "spec.weight"]);
    expect(resources.map((r) => [r.kind, r.origin])).toEqual([["Service", { file: "f.yaml", line: 6 }]]);
  });

  it("a hundred of very many", () => {
    const text = service(`{ ports: [], ${Array.from({ length: 500 }, (_, i) => `x${i}: 1`).join(", ")} }`);
    const issues = messages(text);
    expect(issues).toHaveLength(101);
    expect(issues.at(-1)).toContain("and 400 more");
  });
});

it("names both places of a resource that is there twice", () => {
  const text = service("{ ports: [{ port: 80 }] }");
  const { resources, issues } = loadFiles([
    { name: "a.yaml", text },
    { name: "b.yaml", text },
  ]);
  expect(resources).toHaveLength(1);
  expect(issues.map(formatIssue)).toEqual([
    "b.yaml:3:19: error: metadata.name: Service default/s is there already, at a.yaml:1",
  ]);
});

describe("defaults", () => {
  const only = (text: string): Resource | undefined => loadFiles([{ name: "f.yaml", text }]).resources[0];

  it("of a Workload", () => {
    expect(only(workload("{ ports: { http: } }"))).toMatchObject({
      metadata: { name: "w", namespace: "default", labels: {}, annotations: {} },
      spec: {
        address: "127.0.0.1",
        ports: { http: 0 },
        serviceAccount: "default",
        weight: 1,
        env: {},
      },
      document: { spec: { ports: { http: null } } },
    });
  });

  it("of MeshConfig, durations in milliseconds", () => {
    expect(only(mesh(""))?.spec).toEqual({
      clusterDomain: "cluster.local",
      outboundPolicy: "ALLOW_ANY",
      discoveryTimeout: 1_000,
      defaultDeny: false,
      authorization: { exposeDenials: false },
      limits: { maxHeadBytes: 65_536, maxHeaders: 100 },
      timeouts: { headers: 10_000, streamIdle: 300_000, connectionIdle: 3_600_000 },
      overload: {},
      telemetry: { metricPrefix: "istio" },
    });
  });

  it("of an HTTPRoute", () => {
    expect(only(route("{ backendRefs: [{ name: s, port: 80 }] }"))?.spec).toEqual({
      parentRefs: [{ group: "", kind: "Service", name: "s" }],
      hostnames: [],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: "/" } }],
          filters: [],
          backendRefs: [{ group: "", kind: "Service", name: "s", port: 80, weight: 1 }],
        },
      ],
    });
  });
});

describe("whatever comes", () => {
  it("text never throws", () => {
    const piece = fc.constantFrom(
      ..."-?:{}[]&*!|>'\"%@` \n#,a1\t",
      "---\n",
      "kind: Service\n",
      "&a ",
      "*a ",
      "<<: ",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        loadFiles([{ name: "f", text: pieces.join("") }]);
      }),
      { numRuns: 500 },
    );
  });

  it("any JSON under any kind never throws, and is a resource or has an issue", () => {
    const kinds = fc.constantFrom(
      ["v1", "Service"],
      ["weft.dev/v1alpha1", "Workload"],
      ["weft.dev/v1alpha1", "TrafficPolicy"],
      ["weft.dev/v1alpha1", "RateLimit"],
      ["weft.dev/v1alpha1", "MeshConfig"],
      ["weft.dev/v1alpha1", "PeerAuthentication"],
      ["weft.dev/v1alpha1", "RequestAuthentication"],
      ["weft.dev/v1alpha1", "AuthorizationPolicy"],
      ["networking.k8s.io/v1", "NetworkPolicy"],
      ["gateway.networking.k8s.io/v1", "HTTPRoute"],
    );
    fc.assert(
      fc.property(kinds, fc.jsonValue(), fc.jsonValue(), ([apiVersion, kind], metadata, spec) => {
        const text = JSON.stringify({ apiVersion, kind, metadata, spec });
        const { resources, issues } = loadFiles([{ name: "f", text }]);
        expect(resources.length + issues.length).toBeGreaterThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
