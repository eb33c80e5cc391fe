/** What addresses lead to, and who is told when that changes. */
import { expect, it } from "vitest";
import { compilerOf } from "../../../test/harness/compiled.ts";
import { nodeOf } from "../../../test/harness/node.ts";
import type { ClusterResource, EndpointsResource } from "../../discovery/messages.ts";
import type { RouteResource } from "../../discovery/route.ts";

const NODE = nodeOf("web");

const PORTS = [
  { name: "http", port: 80, targetPort: 8_080 },
  { name: "tcp-db", port: 90, targetPort: 9_000 },
  { name: "odd", port: 70, targetPort: "odd" },
  { name: "grpc", port: 60 },
  { name: "https", port: 61 },
  { name: "x", appProtocol: "kubernetes.io/h2c", port: 62 },
  { name: "y", appProtocol: "HTTP", port: 63 },
];

function service(name: string, clusterIPs: readonly string[], ports: readonly object[] = PORTS): object {
  const address = clusterIPs.length === 0 ? {} : { clusterIP: clusterIPs[0], clusterIPs };
  const spec = { selector: { app: name }, ports, ...address };
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec };
}

function workload(name: string, app: string, address: string, more: object = {}): object {
  const spec = { address, ports: { odd: 7_000 }, inboundPort: 15_006, ...more };
  return { apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata: { name, labels: { app } }, spec };
}

function meshOf(documents: readonly object[]): {
  route(name: string): RouteResource | undefined;
  cluster(name: string): ClusterResource | undefined;
  endpoints(name: string): EndpointsResource | undefined;
  all(): readonly string[];
  update(documents: readonly object[]): readonly string[];
} {
  const { compiler, update } = compilerOf(documents);
  return {
    route: (name) => compiler.get("route", name, NODE)?.resource as RouteResource | undefined,
    cluster: (name) => compiler.get("cluster", name, NODE)?.resource as ClusterResource | undefined,
    endpoints: (name) => compiler.get("endpoints", name, NODE)?.resource as EndpointsResource | undefined,
    all: () => compiler.names("route", NODE),
    update,
  };
}

const opaqueTo = (cluster: string, isCertain: boolean) => ({
  backends: [{ weight: 1, cluster }],
  isCertain,
});

const SHOP = service("shop", ["10.0.0.1", "FD00:0:0::1"]);
const ONE = workload("one", "shop", "10.1.0.1");
const TWO = workload("two", "shop", "10.1.0.2", { intercepted: true });

it("a Service's own addresses lead to its route, each by its port's protocol", () => {
  const mesh = meshOf([SHOP, ONE]);
  const { opaque, ...route } = mesh.route("10.0.0.1:80") ?? {};
  expect({ ...route, name: "" }).toEqual({ ...mesh.route("shop.default:80"), name: "" });
  expect(opaque).toBeUndefined();
  expect(mesh.route("10.0.0.1:90")?.opaque).toEqual(opaqueTo("shop.default:90", true));
  expect(mesh.route("10.0.0.1:70")?.opaque).toEqual(opaqueTo("shop.default:70", false));
  expect(mesh.route("10.0.0.1:60")?.opaque).toEqual(opaqueTo("shop.default:60", false));
  expect(mesh.route("10.0.0.1:61")?.opaque).toEqual(opaqueTo("shop.default:61", true));
  expect(mesh.route("10.0.0.1:62")?.opaque).toEqual(opaqueTo("shop.default:62", false));
  expect(mesh.route("10.0.0.1:63")?.opaque).toBeUndefined();
  expect(mesh.route("[fd00::1]:80")?.service.name).toBe("shop");
  expect(mesh.route("shop.default:70")?.opaque).toEqual(opaqueTo("shop.default:70", false));
});

it.each([
  "10.0.0.1:81",
  "10.0.0.2:80",
  "[fd00::1]:81",
  "[FD00::1]:80",
  "10.1.0.1:8081",
  "10.1.0.1:15006",
  "10.0.0.1",
])("nothing is at %s", (name) => {
  expect(meshOf([SHOP, ONE]).route(name)).toBeUndefined();
});

it("an endpoint's address leads to this endpoint alone, as its Service would reach it", () => {
  const mesh = meshOf([SHOP, ONE, TWO]);
  const route = mesh.route("10.1.0.1:8080");
  expect(route?.rules.map(({ action }) => action)).toEqual([
    { kind: "forward", backends: [{ weight: 1, cluster: "10.1.0.1:8080" }] },
  ]);
  expect(mesh.cluster("10.1.0.1:8080")).toMatchObject({ name: "10.1.0.1:8080", service: { name: "shop" } });
  expect(mesh.endpoints("10.1.0.1:8080")).toMatchObject({
    name: "10.1.0.1:8080",
    endpoints: [{ workload: "one", port: 15_006, tls: "mutual" }],
  });
  expect(mesh.route("10.1.0.2:7000")?.opaque).toEqual(opaqueTo("10.1.0.2:7000", false));
  expect(mesh.cluster("10.0.0.1:80")).toBeUndefined();
});

it("an intercepted workload is reached at the application's ports", () => {
  const { endpoints = [] } = meshOf([SHOP, ONE, TWO]).endpoints("shop.default:90") ?? {};
  expect(endpoints.map(({ workload, port, tls }) => [workload, port, tls])).toEqual([
    ["one", 15_006, "mutual"],
    ["two", 9_000, "mutual"],
  ]);
});

it("of two Services with one address the first by name has it", () => {
  const mesh = meshOf([service("zoo", ["10.0.0.1"]), service("art", ["10.0.0.1"])]);
  expect(mesh.route("10.0.0.1:80")?.service.name).toBe("art");
});

it("those who have asked are told when a Service comes, moves or goes, and nobody of what nobody asked for", () => {
  const mesh = meshOf([]);
  expect(mesh.route("10.0.0.1:80")).toBeUndefined();
  const come = mesh.update([SHOP]);
  expect(come).toContain("route 10.0.0.1:80");
  expect(come.filter((name) => name.includes("10.0.0.1"))).toHaveLength(1);
  expect(mesh.route("10.0.0.1:80")?.service.name).toBe("shop");
  expect(mesh.update([service("shop", ["10.0.0.9"])])).toContain("route 10.0.0.1:80");
  expect(mesh.route("10.0.0.1:80")).toBeUndefined();
  expect(mesh.update([SHOP])).toContain("route 10.0.0.1:80");
  expect(mesh.update([])).toContain("route 10.0.0.1:80");
});

it("those who have asked are told when an endpoint comes, moves, changes or goes", () => {
  const mesh = meshOf([SHOP]);
  const name = "10.1.0.1:8080";
  expect(mesh.route(name)).toBeUndefined();
  expect(mesh.update([SHOP, ONE])).toContain(`route ${name}`);
  mesh.endpoints(name);
  expect(mesh.update([SHOP, workload("one", "shop", "10.1.0.1", { intercepted: true })])).toContain(
    `endpoints ${name}`,
  );
  expect(mesh.endpoints(name)?.endpoints[0]?.port).toBe(8_080);
  expect(mesh.update([SHOP, workload("one", "shop", "10.1.0.7")])).toContain(`route ${name}`);
  expect(mesh.update([SHOP, ONE])).toContain(`route ${name}`);
  expect(mesh.update([ONE])).toContain(`route ${name}`);
});

it("a sidecar that wants all routes gets the Services' addresses too, also of those that come later", () => {
  const mesh = meshOf([SHOP]);
  expect(mesh.all()).toContain("10.0.0.1:80");
  expect(mesh.all()).toContain("[fd00::1]:90");
  expect(mesh.update([SHOP, service("later", ["10.0.0.2"])])).toContain("route 10.0.0.2:80");
});
