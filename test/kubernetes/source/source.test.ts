/** What a cluster's objects become: resources with their origin, workloads, and where Services are served. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ApiServer } from "./api-server.ts";
import { ACCOUNTS, NAMESPACES, PODS, pathOf, pod, SLICES, service, slice } from "./cluster.ts";
import { until } from "./harness.ts";
import { CLIENT, compilerOf, endpointsOf, startCluster, syncedSource } from "./synced.ts";

let server: ApiServer;

beforeEach(async () => {
  server = await startCluster();
});

describe("the Kubernetes source", () => {
  it("reads resources with where they come from, and drops what is of no use", async () => {
    server.put(pathOf("Service"), service("web"));
    const source = await syncedSource(server);
    const [resource] = source.state.resources;
    expect(resource).toMatchObject({
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      origin: { file: "kubernetes:Service/default/web" },
    });
    expect(JSON.stringify(resource)).not.toMatch(/managedFields|loadBalancer|uid/);
  });

  it("serves a Service where its EndpointSlices say, with what the pods say about themselves", async () => {
    server.put(pathOf("Service"), service("web"));
    server.put(PODS, pod({ name: "web-0", ip: "10.1.0.1", app: "web", injected: true }));
    server.put(PODS, pod({ name: "web-1", ip: "10.1.0.2", app: "web" }));
    server.put(PODS, pod({ name: "web-2", ip: "10.1.0.3", app: "web" }));
    const members = [
      { ip: "10.1.0.1", pod: "web-0" },
      { ip: "10.1.0.2", pod: "web-1", zone: "zone-b" },
      { ip: "10.1.0.3", pod: "web-2", ready: false },
    ];
    server.put(SLICES, slice("web", members));
    const source = await syncedSource(server);
    const alike = { weight: 1, namespace: "default", serviceAccount: "web", app: "web", version: "v1" };
    expect(endpointsOf(compilerOf(source), "web.default:80")).toEqual([
      { ...alike, address: "10.1.0.1", port: 8080, workload: "web-0", zone: "zone-a", tls: "mutual" },
      { ...alike, address: "10.1.0.2", port: 8080, workload: "web-1", zone: "zone-b" },
    ]);
    expect(source.instances.get("default/web-2")?.spec.zone).toBe("zone-a");
  });

  it("serves a Service without a selector, and each pod once", async () => {
    const db = service("db");
    const { selector: _selector, ...spec } = db["spec"] as Record<string, unknown>;
    server.put(pathOf("Service"), { ...db, spec });
    server.put(SLICES, slice("db", [{ ip: "192.0.2.7" }]));
    server.put(SLICES, slice("db", [{ ip: "192.0.2.7" }, { ip: "192.0.2.8" }], "default", "db-other"));
    const source = await syncedSource(server);
    expect(endpointsOf(compilerOf(source), "db.default:80")).toMatchObject([
      { address: "192.0.2.7", port: 8080 },
      { address: "192.0.2.8", port: 8080 },
    ]);
  });

  it("does not serve a pod that it does not know: nobody could tell whether it has a sidecar", async () => {
    server.put(pathOf("Service"), service("web"));
    server.put(SLICES, slice("web", [{ ip: "10.1.0.1", pod: "web-0" }]));
    const source = await syncedSource(server);
    expect(endpointsOf(compilerOf(source), "web.default:80")).toEqual([]);
    source.instances.take();
    server.put(PODS, pod({ name: "web-0", ip: "10.1.0.1", app: "web" }));
    expect(await until(() => source.instances.get("default/web-0") !== undefined)).toBe(true);
    expect([...source.instances.take().services]).toEqual(["default/web"]);
    expect(endpointsOf(compilerOf(source), "web.default:80")).toHaveLength(1);
  });

  it("tells the compiler of one Service when one EndpointSlice changes, and of none when nothing is said", async () => {
    for (const app of ["a", "b"]) {
      server.put(pathOf("Service"), service(app));
      server.put(PODS, pod({ name: `${app}-0`, ip: `10.1.0.${app === "a" ? 1 : 2}`, app }));
      server.put(SLICES, slice(app, [{ ip: `10.1.0.${app === "a" ? 1 : 2}`, pod: `${app}-0` }]));
    }
    const source = await syncedSource(server);
    const compiler = compilerOf(source);
    compiler.moved(source.moved());
    for (const name of ["a.default:80", "b.default:80"]) compiler.get("endpoints", name, CLIENT);
    server.put(SLICES, slice("a", [{ ip: "10.1.0.1", pod: "a-0", ready: false }]));
    expect(await until(() => source.instances.count("default/a") === 0)).toBe(true);
    expect(compiler.moved(source.moved())).toEqual([{ type: "endpoints", name: "a.default:80" }]);
    server.put(SLICES, slice("a", [{ ip: "10.1.0.1", pod: "a-0", ready: false }]));
    server.put(PODS, pod({ name: "a-0", ip: "10.1.0.1", app: "a" }));
    server.put(NAMESPACES, { metadata: { name: "done", labels: { team: "x" } } });
    expect(await until(() => source.instances.namespaceLabels("done")["team"] === "x")).toBe(true);
    expect(compiler.moved(source.moved())).toEqual([]);
  });

  it("keeps the last good version of an object that has become wrong, and reports it", async () => {
    const path = pathOf("RateLimit");
    const limit = (requests: unknown) => ({
      metadata: { name: "r", namespace: "default" },
      spec: { targetRef: { name: "web" }, limits: [{ requests, per: "1s" }] },
    });
    server.put(pathOf("Service"), service("web"));
    server.put(path, limit(5));
    const source = await syncedSource(server);
    server.put(path, limit("many"));
    expect(await until(() => source.rescan() && source.status.state === "broken")).toBe(true);
    expect(source.state.resources).toHaveLength(2);
    expect(source.state.resources.at(-1)?.spec).toMatchObject({ limits: [{ requests: 5 }] });
    expect(source.status.issues).toMatchObject([
      { file: "kubernetes:RateLimit/default/r", field: "spec.limits[0].requests", severity: "error" },
    ]);
    server.put(path, limit(7));
    expect(await until(() => source.rescan() && source.status.state === "ok")).toBe(true);
    expect(source.state.resources.at(-1)?.spec).toMatchObject({ limits: [{ requests: 7 }] });
  });

  it("reads past fields of Kubernetes' own kinds that are newer than Weft", async () => {
    const web = service("web");
    server.put(pathOf("Service"), { ...web, spec: { ...(web["spec"] as object), fromTheFuture: { a: 1 } } });
    const source = await syncedSource(server);
    expect(source.status).toMatchObject({ state: "ok", resources: 1 });
  });

  it("warns of service accounts that a policy names and nobody has", async () => {
    const principals = ["cluster.local/ns/default/sa/wev", "cluster.local/ns/default/sa/api", "*"];
    const rules = [{ from: [{ source: { principals } }] }];
    server.put(pathOf("AuthorizationPolicy"), {
      metadata: { name: "p", namespace: "default" },
      spec: { action: "ALLOW", rules },
    });
    for (const name of ["web", "api"]) server.put(ACCOUNTS, { metadata: { name, namespace: "default" } });
    const source = await syncedSource(server);
    expect(source.status.issues).toMatchObject([
      { severity: "warning", field: "spec.rules[0].from[0].source.principals[0]", suggestion: "web" },
    ]);
    server.put(ACCOUNTS, { metadata: { name: "wev", namespace: "default" } });
    expect(await until(() => source.rescan() && source.status.issues.length === 0)).toBe(true);
  });

  it("refuses to be written to, and says how it is done", async () => {
    const source = await syncedSource(server);
    expect(source.edit()).toMatchObject({ issues: [{ message: expect.stringContaining("kubectl apply") }] });
  });
});
