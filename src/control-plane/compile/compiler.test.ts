import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Node, RESOURCE_TYPES } from "../../discovery/messages.ts";
import type { PolicyResource } from "../../discovery/policy.ts";
import { hasErrors } from "../../resources/issue.ts";
import { loadFiles } from "../../resources/load.ts";
import type { Resource } from "../../resources/resource.ts";
import { Compiler } from "./compiler.ts";

/** Of Service `a`, when it has no other. */
const AUTOMATIC_A = "248.1.37.172";

function load(documents: readonly object[]): readonly Resource[] {
  const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  const { resources, issues } = loadFiles([{ name: "mesh.yaml", text }]);
  expect(issues.filter((issue) => hasErrors([issue]))).toEqual([]);
  return resources;
}

function node(namespace: string, workload = "web"): Node {
  const ports = { inbound: 1, outbound: 2, admin: 3, telemetry: 4 };
  const id = `${namespace}/${workload}`;
  const base = { id, namespace, workload, serviceAccount: "default", labels: {}, address: "127.0.0.1" };
  return { ...base, ports, version: "0" };
}

function service(name: string, ports: readonly object[] = [{ port: 8080, targetPort: "http" }]) {
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: name }, ports } };
}

function workload(name: string, app: string, port = 9000) {
  const metadata = { name, labels: { app, version: "v1" } };
  return { apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata, spec: { ports: { http: port } } };
}

function route(name: string, parent: string, backend: string, namespace = "default") {
  const parentRefs = [{ group: "", kind: "Service", name: parent, namespace: "default" }];
  const rules = [{ backendRefs: [{ name: backend, namespace: "default", port: 8080 }] }];
  const spec = { parentRefs, rules };
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: { name, namespace },
    spec,
  };
}

function policy(name: string, request: string) {
  const spec = {
    targetRef: { kind: "Service", name },
    timeouts: { request },
    loadBalancer: { policy: "random" },
  };
  return { apiVersion: "weft.dev/v1alpha1", kind: "TrafficPolicy", metadata: { name }, spec };
}

function faults(name: string, target: string, more: object = {}) {
  const spec = { targetRef: { name: target }, faults: [{ abort: { status: 503 }, ...more }] };
  return { apiVersion: "weft.dev/v1alpha1", kind: "FaultInjection", metadata: { name }, spec };
}

function authorization(name: string, action: string, namespace: string, app?: string) {
  const selector = app === undefined ? {} : { selector: { matchLabels: { app } } };
  const metadata = { name, namespace };
  const spec = { action, rules: [{}], ...selector };
  return { apiVersion: "weft.dev/v1alpha1", kind: "AuthorizationPolicy", metadata, spec };
}

function network(name: string, to: string, from: string) {
  const selector = (app: string) => ({ podSelector: { matchLabels: { app } } });
  const spec = { ...selector(to), ingress: [{ from: [selector(from)] }] };
  return { apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { name }, spec };
}

function rateLimit(name: string, target: string, scope: string, namespace = "default") {
  const metadata = { name, namespace };
  const spec = { targetRef: { name: target }, limits: [{ requests: 10, per: "1s", scope }] };
  return { apiVersion: "weft.dev/v1alpha1", kind: "RateLimit", metadata, spec };
}

function meshConfig(spec: object) {
  return { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "default" }, spec };
}

function compile(documents: readonly object[]): Compiler {
  const compiler = new Compiler();
  compiler.update(load(documents));
  return compiler;
}

describe("Compiler", () => {
  it("makes cluster, endpoints and route of a Service port", () => {
    const compiler = compile([service("web"), workload("web-1", "web")]);
    const name = "web.default:8080";
    expect(compiler.get("cluster", name, node("default"))?.resource).toMatchObject({
      connectTimeoutMs: 2_000,
      poolIdleTimeoutMs: 3_600_000,
      loadBalancer: "leastRequest",
      protocol: "http1",
    });
    expect(compiler.get("endpoints", name, node("default"))?.resource).toMatchObject({
      endpoints: [{ address: "127.0.0.1", port: 9000, weight: 1, workload: "web-1", version: "v1" }],
    });
    expect(compiler.get("route", name, node("default"))?.resource).toMatchObject({
      matches: [{ rule: 0 }],
      rules: [{ action: { kind: "forward", backends: [{ cluster: name }] } }],
    });
  });

  it("has an alias without port: port 80, else the first HTTP port", () => {
    const first = [
      { name: "tcp-a", port: 5000 },
      { name: "http-b", port: 8080 },
    ];
    const compiler = compile([service("a", first), service("b", [...first, { name: "http-c", port: 80 }])]);
    expect(compiler.get("route", "a.default", node("default"))?.resource).toMatchObject({ port: 8080 });
    expect(compiler.get("route", "b.default", node("default"))?.resource).toMatchObject({ port: 80 });
    expect(compiler.get("cluster", "a.default", node("default"))).toBeUndefined();
  });

  it("keeps a reference that leads nowhere, with the reason", () => {
    const compiler = compile([service("web"), route("r", "web", "gone"), route("c", "web", "web", "other")]);
    const backend = (namespace: string) =>
      compiler.get("route", "web.default:8080", node(namespace))?.resource as object;
    const rules = (reason: RegExp) => [
      { action: { backends: [{ weight: 1, reason: expect.stringMatching(reason) }] } },
    ];
    expect(backend("default")).toMatchObject({ rules: rules(/no Service default\/gone/) });
    expect(backend("other")).toMatchObject({ rules: rules(/another namespace/) });
    expect(backend("third")).toEqual(backend("default"));
  });

  it.each([
    ["STRICT", { port: 7001, tls: "mutual" }],
    ["DISABLE", { port: 9000 }],
  ] as const)(
    "reaches TCP ports at the sidecar under mutual TLS, at the application without it: %s",
    (mode, expected) => {
      const db = [{ name: "redis", port: 6379, targetPort: 9000 }];
      const compiler = new Compiler(mode);
      const inboundPort = 7001;
      compiler.update(load([service("db", db), workload("db", "db")]), { "default/db": { inboundPort } });
      const endpoints = compiler.get("endpoints", "db.default:6379", node("default"))?.resource;
      expect(endpoints).toMatchObject({ endpoints: [expected] });
    },
  );

  it("names exactly what a change of one workload concerns", () => {
    const documents = [service("a"), service("b"), workload("a-1", "a"), workload("b-1", "b")];
    const compiler = compile(documents);
    const changed = compiler.update(load([...documents.slice(0, 3), workload("b-1", "b", 9001)]));
    expect(changed).toEqual([{ type: "endpoints", name: "b.default:8080" }]);
  });

  it("concerns with a FaultInjection the routes of its Service alone", () => {
    const documents = [service("a"), service("b")];
    const compiler = compile(documents);
    const concerned = ["a.default:8080", "a.default"].map((name) => ({ type: "route", name }));
    expect(compiler.update(load([...documents, faults("f", "a")]))).toEqual(concerned);
    expect(compiler.update(load([...documents, faults("f", "a", { percent: 5 })]))).toEqual(concerned);
    expect(compiler.update(load(documents))).toEqual(concerned);
  });

  it("concerns with a policy those whom it selects, and nobody's routes", () => {
    const documents = [service("a"), workload("a-1", "a"), workload("b-1", "b")];
    const compiler = compile(documents);
    const nodes = ["a-1", "b-1"].map((name) => node("default", name));
    const versions = () => nodes.map((who) => compiler.get("policy", "inbound", who)?.version);
    const before = versions();
    expect(before[0]).toBe(before[1]);
    const changed = compiler.update(load([...documents, authorization("p", "DENY", "default", "a")]));
    expect(changed).toEqual([{ type: "policy", name: "inbound" }]);
    expect(versions()[0]).not.toBe(before[0]);
    expect(versions()[1]).toBe(before[1]);
    // Whom a NetworkPolicy lets in depends on the Workloads that there are.
    compiler.update(load([...documents, network("n", "a", "c")]));
    const alone = versions();
    expect(
      compiler.update(load([...documents, network("n", "a", "c"), workload("c-1", "c")])),
    ).toContainEqual({
      type: "policy",
      name: "inbound",
    });
    expect(versions()[0]).not.toBe(alone[0]);
  });

  it("tells of a rate limit those behind its Service, with their ports and how many they are", () => {
    const documents = [service("a"), service("b"), workload("a-1", "a"), workload("b-1", "b")];
    const limits = [
      rateLimit("l", "a", "mesh"),
      rateLimit("k", "a", "sidecar"),
      rateLimit("m", "a", "mesh", "other"),
    ];
    const compiler = compile(documents);
    const limitsOf = (name: string) => {
      const policy = compiler.get("policy", "inbound", node("default", name))?.resource as PolicyResource;
      return policy.limits;
    };
    expect([limitsOf("a-1"), limitsOf("b-1")]).toEqual([undefined, undefined]);
    compiler.update(load([...documents, ...limits]));
    const numbers = { ports: [9000], requests: 10, perMs: 1_000, burst: 10, key: [] };
    expect(limitsOf("a-1")).toEqual([
      { id: "default/k/0", ...numbers },
      { id: "default/l/0", ...numbers, mesh: { instances: 1 } },
    ]);
    expect(limitsOf("b-1")).toBeUndefined();
    const more = [workload("a-2", "a", 9100), workload("a-3", "a")];
    const changed = compiler.update(load([...documents, ...limits, ...more]));
    expect(changed).toContainEqual({ type: "policy", name: "inbound" });
    expect(limitsOf("a-1")?.[1]).toMatchObject({ mesh: { instances: 4 } });
  });

  it("compiles what a limit counts and what it tells apart", () => {
    const limit = {
      ...{ name: "n", requests: 5, per: "1m", burst: 7 },
      match: [
        { path: { type: "Exact", value: "/a" }, method: "PUT", headers: [{ name: "X-A", value: "1" }] },
        {},
      ],
      key: [{ identity: true }, { header: "X-Key" }, { pathTemplate: "/u/{id}" }, { sourceAddress: true }],
    };
    const resource = {
      ...rateLimit("l", "a", ""),
      spec: { targetRef: { name: "a" }, limits: [limit] },
    } as const;
    const compiler = compile([service("a"), workload("a-1", "a"), resource]);
    const compiled = compiler.get("policy", "inbound", node("default", "a-1"))?.resource;
    const source = "RateLimit default/l limit 0";
    const header = { name: "x-a", kind: "exact", value: "1" };
    expect(compiled).toMatchObject({
      limits: [
        {
          ...{ id: "default/l/n", requests: 5, perMs: 60_000, burst: 7 },
          matches: [
            { path: { kind: "exact", value: "/a" }, method: "PUT", headers: [header], source },
            { rule: 0, source },
          ],
          key: [
            { kind: "identity" },
            { kind: "header", name: "x-key" },
            { kind: "pathTemplate", template: "/u/{id}" },
            { kind: "sourceAddress" },
          ],
        },
      ],
    });
  });

  it("overrides Workloads by addresses and the node's own port", () => {
    const compiler = new Compiler();
    const resources = load([service("web"), workload("web", "web", 0)]);
    compiler.update(resources);
    const me = node("default");
    expect(compiler.get("listener", "inbound", me)?.resource).toMatchObject({ ports: [] });
    const changed = compiler.update(resources, {
      "default/web": { ports: { http: 7000 }, inboundPort: 7001 },
    });
    expect(changed).toContainEqual({ type: "listener", name: "inbound" });
    expect(compiler.get("listener", "inbound", me)?.resource).toMatchObject({ ports: [{ appPort: 7000 }] });
    const endpoints = compiler.get("endpoints", "web.default:8080", me)?.resource;
    expect(endpoints).toMatchObject({ endpoints: [{ port: 7001 }] });
  });

  it("answers after updates what a fresh compiler answers, and names each difference", () => {
    const pool = [
      service("a"),
      service("a", [
        { name: "http-x", port: 8080 },
        { name: "http-y", port: 80 },
      ]),
      service("b"),
      { ...service("a"), spec: { ...service("a").spec, clusterIP: "10.0.0.1" } },
      { ...service("b"), spec: { ...service("b").spec, clusterIP: "10.0.0.1" } },
      { ...service("b"), spec: { ...service("b").spec, clusterIP: "10.0.0.2" } },
      { ...service("b"), spec: { ...service("b").spec, clusterIP: "None" } },
      { ...service("b"), spec: { ...service("b").spec, clusterIP: AUTOMATIC_A } },
      workload("w1", "a"),
      workload("w1", "b"),
      workload("w2", "a", 9100),
      route("r1", "a", "b"),
      route("r1", "b", "a"),
      route("r2", "a", "a", "other"),
      policy("a", "1s"),
      policy("a", "2s"),
      faults("f1", "a"),
      faults("f1", "b", { routes: ["r1"] }),
      faults("f2", "a", { percent: 5 }),
      authorization("p1", "DENY", "default"),
      authorization("p1", "ALLOW", "default", "a"),
      authorization("p2", "DENY", "other"),
      authorization("p3", "AUDIT", "weft-system", "b"),
      network("n1", "a", "b"),
      network("n1", "b", "a"),
      rateLimit("l1", "a", "sidecar"),
      rateLimit("l1", "b", "mesh"),
      rateLimit("l2", "a", "mesh"),
      meshConfig({ defaultDeny: true }),
      meshConfig({ trustDomain: "example.org" }),
    ];
    const nodes = [node("default"), node("default", "w1"), node("other")];
    const addresses = ["10.0.0.1:8080", "10.0.0.2:8080", "127.0.0.1:9000", "127.0.0.1:9100"];
    const names = [...addresses, "a.default", "b.default", AUTOMATIC_A, `${AUTOMATIC_A}:8080`];
    const state = (compiler: Compiler) =>
      new Map(
        nodes.flatMap((who) =>
          RESOURCE_TYPES.flatMap((type) =>
            [...compiler.names(type, who), ...names].map((name): [string, string | undefined] => [
              `${type} ${name} @${who.id}`,
              compiler.get(type, name, who)?.version,
            ]),
          ),
        ),
      );
    const documentsOf = (picked: readonly number[]) => {
      const unique = new Map<string, object>();
      for (const index of picked) {
        const document = pool[index] ?? service("a");
        const { name } = document.metadata;
        unique.set(`${document.kind} ${name}`, document);
      }
      return load([...unique.values()]);
    };
    const steps = fc.array(fc.array(fc.nat(pool.length - 1), { maxLength: 8 }), {
      minLength: 1,
      maxLength: 5,
    });
    fc.assert(
      fc.property(steps, (sequence) => {
        const compiler = new Compiler();
        let before = state(compiler);
        for (const picked of sequence) {
          const resources = documentsOf(picked);
          const changed = new Set(compiler.update(resources).map(({ type, name }) => `${type} ${name}`));
          const fresh = new Compiler();
          fresh.update(resources);
          const after = state(compiler);
          expect(after).toEqual(state(fresh));
          const keys = new Set([...before.keys(), ...after.keys()]);
          for (const key of keys) {
            const isDifferent = before.get(key) !== after.get(key);
            if (isDifferent && !key.startsWith("listener")) expect(changed).toContain(key.split(" @")[0]);
          }
          before = after;
        }
      }),
      { numRuns: 60 },
    );
  });
});
