/** What names of the mesh mean, and who is told when that changes. */
import { expect, it } from "vitest";
import { nodeOf } from "../../../test/harness/node.ts";
import { type HostResource, isAutomatic } from "../../discovery/host.ts";
import type { RouteResource } from "../../discovery/route.ts";
import { loadFiles } from "../../resources/load.ts";
import { Compiler } from "./compiler.ts";
import { NO_INSTANCES, NOTHING_MOVED } from "./instances.ts";

const NODE = nodeOf("web");
const PORTS = [
  { name: "http", port: 80 },
  { name: "grpc", port: 90 },
];

function service(name: string, spec: object): object {
  const ports = { ports: PORTS, selector: { app: name } };
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { ...ports, ...spec } };
}
function workload(name: string, app: string, address: string): object {
  const metadata = { name, labels: { app } };
  return { apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata, spec: { address } };
}

class Bench {
  readonly compiler = new Compiler();

  constructor(...documents: readonly object[]) {
    this.update(...documents);
  }

  update(...documents: readonly object[]): readonly string[] {
    const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
    return this.compiler
      .update(loadFiles([{ name: "mesh.yaml", text }]).resources)
      .map(({ type, name }) => `${type} ${name}`);
  }

  host(name: string): HostResource | undefined {
    return this.compiler.get("host", name, NODE)?.resource as HostResource | undefined;
  }

  route(name: string): RouteResource | undefined {
    return this.compiler.get("route", name, NODE)?.resource as RouteResource | undefined;
  }
}

const FIXED = service("fixed", { clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "FD00::0:1"] });
const FREE = service("free", {});
const BARE = service("bare", { clusterIP: "None" });

it("a Service's own addresses, with its ports", () => {
  expect(new Bench(FIXED).host("fixed.default")).toEqual({
    name: "fixed.default",
    service: { name: "fixed", namespace: "default" },
    addresses: ["10.0.0.1", "fd00::1"],
    ports: PORTS,
  });
});

it("an automatic address leads to the Service, and says whose it is", () => {
  const bench = new Bench(FREE);
  const [address = ""] = bench.host("free.default")?.addresses ?? [];
  expect(isAutomatic(address)).toBe(true);
  expect(bench.host(address)).toEqual({ ...bench.host("free.default"), name: address });
  expect({ ...bench.route(`${address}:80`), name: "" }).toEqual({
    ...bench.route("free.default:80"),
    name: "",
  });
  expect(bench.route(`${address}:81`)).toBeUndefined();
  expect(bench.host("240.0.0.1")).toBeUndefined();
});

it("instances of a headless one that are Workloads, and another name for one of another name", () => {
  const named = service("named", { type: "ExternalName", externalName: "db.example", ports: [] });
  const bench = new Bench(
    BARE,
    named,
    workload("two", "bare", "10.1.0.2"),
    workload("one", "bare", "10.1.0.1"),
    workload("a.b", "bare", "10.1.0.3"),
  );
  expect(bench.host("bare.default")).toMatchObject({
    addresses: ["10.1.0.3", "10.1.0.1", "10.1.0.2"],
    instances: [
      { name: "one", address: "10.1.0.1" },
      { name: "two", address: "10.1.0.2" },
    ],
  });
  expect(bench.host("named.default")).toMatchObject({ addresses: [], alias: "db.example" });
});

it("nothing: what the mesh does not have, and headless ones of which the cluster's DNS knows more", () => {
  const bench = new Bench(BARE, FIXED);
  for (const name of ["bare.default", "fixed.other", "fixed", "fixed.default:80", "10.0.0.1", "", "."]) {
    expect(bench.host(name), name).toBeUndefined();
  }
});

it("those who have asked are told, and nobody of what nobody asked for", () => {
  const bench = new Bench(FIXED, FREE);
  expect(bench.host("new.default")).toBeUndefined();
  const [address = ""] = bench.host("free.default")?.addresses ?? [];
  bench.host(address);
  bench.route(`${address}:80`);
  expect(bench.update(FIXED, FREE, service("new", { clusterIP: "10.0.0.2" }))).toContain("host new.default");
  const gone = bench.update(service("fixed", { clusterIP: "10.0.0.9" }));
  expect(gone).toEqual(
    expect.arrayContaining([
      "host free.default",
      `host ${address}`,
      `route ${address}:80`,
      "host new.default",
    ]),
  );
  expect(gone).not.toContain("host fixed.default");
});

it("instances of a headless one come and go", () => {
  const bench = new Bench(BARE, workload("one", "bare", "10.1.0.1"));
  bench.host("bare.default");
  expect(bench.update(BARE, workload("one", "bare", "10.1.0.7"))).toContain("host bare.default");
  expect(bench.update(BARE)).toContain("host bare.default");
});

it("a headless one is the cluster's as soon as it has pods, and the mesh's when they have gone", () => {
  let pods = 0;
  const compiler = new Compiler("DISABLE", { ...NO_INSTANCES, count: () => pods });
  const text = [BARE, workload("one", "bare", "10.1.0.1")]
    .map((document) => JSON.stringify(document))
    .join("\n---\n");
  compiler.update(loadFiles([{ name: "mesh.yaml", text }]).resources);
  const told = () => compiler.moved({ ...NOTHING_MOVED, services: new Set(["default/bare"]) });
  expect(told()).toEqual([]);
  expect(compiler.get("host", "bare.default", NODE)).toBeDefined();
  pods = 1;
  expect(told()).toEqual([{ type: "host", name: "bare.default" }]);
  expect(compiler.get("host", "bare.default", NODE)).toBeUndefined();
  pods = 0;
  expect(told()).toEqual([{ type: "host", name: "bare.default" }]);
});

it("who has to give way to a newcomer is told", () => {
  // Their first places are the same; by name s30983 has it.
  const bench = new Bench(service("s9788", {}));
  const [before = ""] = bench.host("s9788.default")?.addresses ?? [];
  bench.route(`${before}:80`);
  const changed = bench.update(service("s9788", {}), service("s30983", {}));
  expect(changed).toEqual(expect.arrayContaining(["host s9788.default", `route ${before}:80`]));
  expect(bench.host("s30983.default")?.addresses).toEqual([before]);
  expect(bench.route(`${before}:80`)?.service.name).toBe("s30983");
});
