/** Shapes of Services, pods and EndpointSlices that real clusters have, and what sidecars are told of each: through the compiler. */
import { beforeEach, describe, expect, it } from "vitest";
import type { Compiler } from "../../../src/control-plane/compile/compiler.ts";
import type { ApiObject, Json } from "./api-objects.ts";
import type { ApiServer } from "./api-server.ts";
import { PODS, pathOf, pod, SLICES, service, slice } from "./cluster.ts";
import { CLIENT, compilerOf, endpointsOf, startCluster, syncedSource } from "./synced.ts";

let server: ApiServer;

beforeEach(async () => {
  server = await startCluster();
});

const compile = async () => compilerOf(await syncedSource(server));

/** `10.1.0.1:8080 mutual`, of each endpoint. */
function endpoints(compiler: Compiler, name: string): readonly string[] {
  const found = endpointsOf(compiler, name) ?? [];
  return found.map(({ address, port, tls = "plain" }) => `${address}:${port} ${tls}`);
}

const protocol = (compiler: Compiler, name: string) =>
  (compiler.get("cluster", name, CLIENT)?.resource as { readonly protocol?: string } | undefined)?.protocol;

function annotated(object: ApiObject, annotations: Json): ApiObject {
  const { metadata } = object;
  const all = { ...(metadata["annotations"] as object), ...annotations };
  return { ...object, metadata: { ...metadata, annotations: all } };
}

function conditions(object: ApiObject, said: Json): ApiObject {
  const list = object["endpoints"] as readonly Json[];
  return { ...object, endpoints: list.map((endpoint) => ({ ...endpoint, conditions: said })) };
}

const PORTS = [
  { name: "http", port: 80, targetPort: 8080 },
  { name: "http-metrics", port: 9090, targetPort: 15_020 },
  { name: "tcp-bare", port: 5000, targetPort: 5000 },
];
const SLICE_PORTS = [
  { name: "http", port: 8080, protocol: "TCP" },
  { name: "http-metrics", port: 15_020, protocol: "TCP" },
  { name: "tcp-bare", port: 5000, protocol: "TCP" },
];

describe("a pod with a sidecar", () => {
  const served = ["web.default:80", "web.default:9090", "web.default:5000"];
  const put = (annotations: Json) => {
    server.put(pathOf("Service"), service("web", "default", PORTS));
    server.put(
      PODS,
      annotated(pod({ name: "web-0", ip: "10.1.0.1", app: "web", injected: true }), annotations),
    );
    server.put(SLICES, { ...slice("web", [{ ip: "10.1.0.1", pod: "web-0" }]), ports: SLICE_PORTS });
  };

  it("is reached at its own ports, all but the sidecar's metrics", async () => {
    put({});
    const compiler = await compile();
    expect(served.map((name) => endpoints(compiler, name).join())).toEqual([
      "10.1.0.1:8080 mutual",
      "10.1.0.1:15020 plain",
      "10.1.0.1:5000 mutual",
    ]);
  });

  it.each([
    ["excludes a port", { "weft.dev/exclude-inbound-ports": "5000" }],
    ["includes others", { "weft.dev/include-inbound-ports": "8080,8081" }],
  ])("is reached in plaintext at what is not taken where it %s", async (_what, annotations) => {
    put(annotations);
    const compiler = await compile();
    expect(endpoints(compiler, "web.default:80")).toEqual(["10.1.0.1:8080 mutual"]);
    expect(endpoints(compiler, "web.default:5000")).toEqual(["10.1.0.1:5000 plain"]);
  });

  it("is reached the same wherever its sidecar listens", async () => {
    put({ "weft.dev/inbound-port": "16006", "weft.dev/telemetry-port": "16020" });
    const compiler = await compile();
    expect(endpoints(compiler, "web.default:80")).toEqual(["10.1.0.1:8080 mutual"]);
    expect(endpoints(compiler, "web.default:9090")).toEqual(["10.1.0.1:15020 mutual"]);
  });
});

describe("pods", () => {
  it("of the machine's network are reached at the machine's address, each at its own port", async () => {
    for (const [n, port] of [8080, 8081].entries()) {
      server.put(pathOf("Service"), service(`agent-${n}`));
      const object = pod({ name: `agent-${n}`, ip: "192.0.2.1", app: `agent-${n}` });
      server.put(PODS, { ...object, spec: { ...(object["spec"] as Json), hostNetwork: true } });
      const ports = [{ name: "http", port, protocol: "TCP" }];
      server.put(SLICES, { ...slice(`agent-${n}`, [{ ip: "192.0.2.1", pod: `agent-${n}` }]), ports });
    }
    const compiler = await compile();
    expect(endpoints(compiler, "agent-0.default:80")).toEqual(["192.0.2.1:8080 plain"]);
    expect(endpoints(compiler, "agent-1.default:80")).toEqual(["192.0.2.1:8081 plain"]);
    expect(endpoints(compiler, "192.0.2.1:8081")).toEqual(["192.0.2.1:8081 plain"]);
  });

  it("with an address of each family are one endpoint, and are found by either", async () => {
    server.put(pathOf("Service"), service("web"));
    const object = pod({ name: "web-0", ip: "10.1.0.1", app: "web", injected: true });
    const podIPs = [{ ip: "10.1.0.1" }, { ip: "fd00::1" }];
    server.put(PODS, { ...object, status: { ...(object["status"] as Json), podIPs } });
    server.put(SLICES, {
      ...slice("web", [{ ip: "fd00::1", pod: "web-0" }], "default", "web-6"),
      addressType: "IPv6",
    });
    server.put(SLICES, slice("web", [{ ip: "10.1.0.1", pod: "web-0" }], "default", "web-9"));
    const compiler = await compile();
    expect(endpoints(compiler, "web.default:80")).toEqual(["10.1.0.1:8080 mutual"]);
    expect(endpoints(compiler, "[fd00::1]:8080")).toEqual(["fd00::1:8080 mutual"]);
  });

  it("of IPv6 alone are reached there", async () => {
    server.put(pathOf("Service"), service("web"));
    server.put(PODS, pod({ name: "web-0", ip: "fd00::1", app: "web", injected: true }));
    server.put(SLICES, { ...slice("web", [{ ip: "fd00::1", pod: "web-0" }]), addressType: "IPv6" });
    expect(endpoints(await compile(), "web.default:80")).toEqual(["fd00::1:8080 mutual"]);
  });
});

describe("EndpointSlices", () => {
  const put = (members: readonly (readonly [n: number, said: Json])[]) => {
    server.put(pathOf("Service"), service("web"));
    for (const [n, said] of members) {
      server.put(PODS, pod({ name: `web-${n}`, ip: `10.1.0.${n}`, app: "web" }));
      const one = slice("web", [{ ip: `10.1.0.${n}`, pod: `web-${n}` }], "default", `web-${n}`);
      server.put(SLICES, conditions(one, said));
    }
  };
  const READY = { ready: true, serving: true, terminating: false };
  const DRAINING = { ready: false, serving: true, terminating: true };
  const GONE = { ready: false, serving: false, terminating: true };

  it.each([
    ["who ends gets nothing while somebody is ready", [READY, DRAINING], ["10.1.0.1:8080 plain"]],
    ["who ends and still serves is taken where nobody is ready", [GONE, DRAINING], ["10.1.0.2:8080 plain"]],
    ["who ends and serves no more is not", [GONE, GONE], []],
    ["who is not ready and does not end is not", [{ ready: false, serving: false, terminating: false }], []],
    [
      "publishNotReadyAddresses: Kubernetes calls them ready, whatever they are",
      [{ ready: true, serving: false, terminating: true }],
      ["10.1.0.1:8080 plain"],
    ],
    ["an older cluster says less", [{}, { ready: null }], ["10.1.0.1:8080 plain", "10.1.0.2:8080 plain"]],
  ])("%s", async (_what, said, expected) => {
    put(said.map((one, i) => [i + 1, one]));
    expect(endpoints(await compile(), "web.default:80")).toEqual(expected);
  });

  it("made by hand for a Service without a selector are followed", async () => {
    const db = service("db", "default", [{ name: "tcp-db", port: 5432 }]);
    const { selector: _selector, ...spec } = db["spec"] as Json;
    server.put(pathOf("Service"), { ...db, spec });
    const ports = [{ name: "tcp-db", port: 6432, protocol: "TCP" }];
    server.put(SLICES, {
      metadata: {
        name: "db-by-hand",
        namespace: "default",
        labels: {
          "kubernetes.io/service-name": "db",
          "endpointslice.kubernetes.io/managed-by": "staff",
        },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: ["198.51.100.4"] }],
      ports,
    });
    expect(endpoints(await compile(), "db.default:5432")).toEqual(["198.51.100.4:6432 plain"]);
  });
});

describe("Services", () => {
  it("without an address of their own (headless) are served where their pods are", async () => {
    const web = service("web");
    server.put(pathOf("Service"), { ...web, spec: { ...(web["spec"] as Json), clusterIP: "None" } });
    for (const n of [1, 2])
      server.put(PODS, pod({ name: `web-${n}`, ip: `10.1.0.${n}`, app: "web", injected: true }));
    const members = [1, 2].map((n) => ({ ip: `10.1.0.${n}`, pod: `web-${n}` }));
    server.put(SLICES, slice("web", members));
    const compiler = await compile();
    expect(endpoints(compiler, "web.default:80")).toEqual(["10.1.0.1:8080 mutual", "10.1.0.2:8080 mutual"]);
    // DNS gives clients the pods' addresses: each means that pod.
    expect(endpoints(compiler, "10.1.0.2:8080")).toEqual(["10.1.0.2:8080 mutual"]);
  });

  it.each(["db.example.com", "db.example.com."])(
    "that are names of others (ExternalName %s) are read, served by nobody, and warned of",
    async (externalName) => {
      server.put(pathOf("Service"), {
        metadata: { name: "ext", namespace: "default" },
        spec: { type: "ExternalName", externalName, ports: [{ name: "http", port: 80 }] },
      });
      const source = await syncedSource(server);
      expect(endpoints(compilerOf(source), "ext.default:80")).toEqual([]);
      expect(source.status).toMatchObject({
        state: "ok",
        issues: [{ severity: "warning", field: "spec.type" }],
      });
    },
  );

  it("with hundreds of ports, as who passes media has them, are served at those of TCP", async () => {
    const media = Array.from({ length: 400 }, (_, i) => ({
      name: `m${i}`,
      port: 40_000 + i,
      protocol: "UDP",
    }));
    server.put(PODS, pod({ name: "web-1", ip: "10.1.0.1", app: "web" }));
    server.put(SLICES, slice("web", [{ ip: "10.1.0.1", pod: "web-1" }]));
    server.put(pathOf("Service"), service("web", "default", [{ name: "http", port: 80 }, ...media]));
    const source = await syncedSource(server);
    expect(endpoints(compilerOf(source), "web.default:80")).toHaveLength(1);
    expect(source.status.issues).toEqual([]);
  });

  it.each([
    ["http", "http1"],
    ["kubernetes.io/h2c", "http1"],
    ["kubernetes.io/ws", "http1"],
    ["kubernetes.io/wss", "tcp"],
    ["https", "tcp"],
    ["mysql", "tcp"],
    ["example.com/own", "http1"],
  ])("whose port says appProtocol %s speak %s", async (appProtocol, expected) => {
    server.put(pathOf("Service"), service("web", "default", [{ name: "x", port: 80, appProtocol }]));
    expect(protocol(await compile(), "web.default:80")).toBe(expected);
  });
});
