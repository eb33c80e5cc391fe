/** Where connections go that are not read, by TCPRoutes and without them. */
import { expect, it } from "vitest";
import { compilerOf } from "../../../test/harness/compiled.ts";
import { nodeOf } from "../../../test/harness/node.ts";
import type { OpaquePort, RouteResource } from "../../discovery/route.ts";

const service = (name: string, namespace = "default") => ({
  ...{ apiVersion: "v1", kind: "Service", metadata: { name, namespace } },
  spec: {
    selector: { app: name },
    ports: [
      { name: "tcp", port: 90 },
      { name: "http", port: 80 },
      { name: "odd", port: 70 },
    ],
  },
});

const to = (name: string, weight = 1, port = 90) => ({ name, weight, port });

function route(name: string, backendRefs: readonly object[], more: object = {}) {
  const {
    namespace = "default",
    parent = { name: "db", namespace: "default" },
    age = "2026-01-02",
  } = more as {
    readonly namespace?: string;
    readonly parent?: object;
    readonly age?: string;
  };
  return {
    ...{ apiVersion: "gateway.networking.k8s.io/v1", kind: "TCPRoute" },
    metadata: { name, namespace, creationTimestamp: `${age}T00:00:00Z` },
    spec: { parentRefs: [parent], rules: [{ backendRefs }] },
  };
}

function meshOf(documents: readonly object[]) {
  const { compiler, update } = compilerOf(documents);
  const opaque = (port = 90, namespace = "default"): OpaquePort | undefined => {
    const node = { ...nodeOf("web"), namespace };
    const found = compiler.get("route", `db.default:${port}`, node)?.resource as RouteResource | undefined;
    return found?.opaque;
  };
  return { opaque, update };
}

const BOTH = [service("db"), service("db-v2")];

it("without a route to the port's own instances, and only where the port may speak something else than HTTP", () => {
  const { opaque } = meshOf(BOTH);
  expect(opaque()).toEqual({ isCertain: true, backends: [{ weight: 1, cluster: "db.default:90" }] });
  expect(opaque(70)?.isCertain).toBe(false);
  expect(opaque(80)).toBeUndefined();
});

it("by its weights, and a change of them concerns the route alone", () => {
  const split = (weight: number) => route("split", [to("db", 100 - weight), to("db-v2", weight)]);
  const mesh = meshOf([...BOTH, split(10)]);
  expect(mesh.opaque()?.backends).toEqual([
    { weight: 90, cluster: "db.default:90" },
    { weight: 10, cluster: "db-v2.default:90" },
  ]);
  const changed = mesh.update([...BOTH, split(50)]);
  expect(changed.every((name) => name.startsWith("route db.default"))).toBe(true);
  expect(mesh.opaque()?.backends.map(({ weight }) => weight)).toEqual([50, 50]);
  mesh.update(BOTH);
  expect(mesh.opaque()?.backends).toEqual([{ weight: 1, cluster: "db.default:90" }]);
});

it("what cannot be resolved keeps its share, with the reason", () => {
  const { opaque } = meshOf([
    ...BOTH,
    route("split", [to("gone"), to("db", 1, 91), { ...to("db-v2"), namespace: "other" }]),
  ]);
  expect(opaque()?.backends).toEqual([
    { weight: 1, reason: "no Service default/gone" },
    { weight: 1, reason: "Service default/db has no port 91" },
    { weight: 1, reason: expect.stringContaining("no ReferenceGrant") },
  ]);
});

it("of the port that it names, by number or by name", () => {
  for (const parent of [
    { name: "db", port: 90 },
    { name: "db", sectionName: "tcp" },
  ]) {
    const { opaque } = meshOf([...BOTH, route("one", [to("db-v2")], { parent })]);
    expect(opaque()?.backends[0]?.cluster).toBe("db-v2.default:90");
    expect(opaque(70)?.backends[0]?.cluster).toBe("db.default:70");
  }
});

it("of several the oldest, and the client's own namespace before the Service's", () => {
  const { opaque } = meshOf([
    ...BOTH,
    service("mine", "team"),
    route("young", [to("db")], { age: "2026-02-01" }),
    route("old", [to("db-v2")], { age: "2026-01-01" }),
    route("theirs", [to("mine")], { namespace: "team" }),
  ]);
  expect(opaque()?.backends[0]?.cluster).toBe("db-v2.default:90");
  expect(opaque(90, "team")?.backends[0]?.cluster).toBe("mine.team:90");
  expect(opaque(90, "elsewhere")?.backends[0]?.cluster).toBe("db-v2.default:90");
});
