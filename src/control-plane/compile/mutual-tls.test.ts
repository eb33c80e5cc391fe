import { describe, expect, it } from "vitest";
import type { InboundListenerResource, MutualTlsMode } from "../../discovery/listener.ts";
import type { EndpointsResource, Node } from "../../discovery/messages.ts";
import { loadFiles } from "../../resources/load.ts";
import { Compiler } from "./compiler.ts";

const node: Node = {
  ...{ id: "default/web", namespace: "default", workload: "web", serviceAccount: "web" },
  ...{ labels: {}, address: "127.0.0.1", version: "0.0.0" },
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
};

type Mode = MutualTlsMode | "UNSET";

interface Wish {
  readonly name?: string;
  readonly namespace?: string;
  readonly app?: string;
  readonly mode?: Mode;
  readonly ports?: Readonly<Record<string, Mode>>;
  readonly at?: string;
}

function policy({ name = "p", namespace = "default", app, mode, ports, at }: Wish) {
  return {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "PeerAuthentication" },
    metadata: { name, namespace, ...(at === undefined ? {} : { creationTimestamp: at }) },
    spec: {
      ...(app === undefined ? {} : { selector: { matchLabels: { app } } }),
      ...(mode === undefined ? {} : { mtls: { mode } }),
      ...(ports && {
        portLevelMtls: Object.fromEntries(Object.entries(ports).map(([p, m]) => [p, { mode: m }])),
      }),
    },
  };
}

const MESH = [
  {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web" } },
    spec: {
      selector: { app: "web" },
      ports: [80, 90].map((port) => ({ name: `http-${port}`, port, targetPort: port + 8_000 })),
    },
  },
  {
    ...{
      apiVersion: "weft.dev/v1alpha1",
      kind: "Workload",
      metadata: { name: "web", labels: { app: "web" } },
    },
    spec: { address: "127.0.0.1", serviceAccount: "web", ports: { a: 8_080, b: 8_090 }, inboundPort: 15_006 },
  },
];

function load(wishes: readonly Wish[]) {
  const text = [...MESH, ...wishes.map(policy)].map((document) => JSON.stringify(document)).join("\n---\n");
  return loadFiles([{ name: "mesh.yaml", text }]);
}

/** The listener's mode, those of the ports 80 and 90, and whether clients use mutual TLS for them. */
function modes(wishes: readonly Wish[], base: MutualTlsMode = "STRICT"): string {
  const compiler = new Compiler(base);
  const { resources, issues } = load(wishes);
  expect(issues.filter(({ severity }) => severity === "error")).toEqual([]);
  compiler.update(resources);
  const listener = compiler.get("listener", "inbound", node)?.resource as InboundListenerResource;
  const clients = [80, 90].map((port) => {
    const { resource } = compiler.get("endpoints", `web.default:${port}`, node) ?? {};
    return (resource as EndpointsResource).endpoints[0]?.tls ?? "none";
  });
  return [listener.mtls, ...listener.ports.map(({ mtls }) => mtls), ...clients].join(" ");
}

describe("the mode of a port", () => {
  it("is STRICT where nothing is said (default), and DISABLE in a mesh without certificates", () => {
    expect(modes([])).toBe("STRICT STRICT STRICT mutual mutual");
    expect(modes([], "DISABLE")).toBe("DISABLE DISABLE DISABLE none none");
    expect(modes([{ mode: "STRICT" }], "DISABLE")).toBe("DISABLE DISABLE DISABLE none none");
  });

  it.each<[string, Wish[], string]>([
    ["the mesh's", [{ namespace: "weft-system", mode: "PERMISSIVE" }], "PERMISSIVE PERMISSIVE"],
    [
      "the namespace's before the mesh's",
      [{ namespace: "weft-system", mode: "DISABLE" }, { mode: "PERMISSIVE" }],
      "PERMISSIVE PERMISSIVE",
    ],
    [
      "the workload's before the namespace's",
      [{ mode: "DISABLE" }, { name: "w", app: "web", mode: "PERMISSIVE" }],
      "PERMISSIVE PERMISSIVE",
    ],
    [
      "the port's before the workload's",
      [{ app: "web", mode: "PERMISSIVE", ports: { "8080": "STRICT" } }],
      "STRICT PERMISSIVE",
    ],
    [
      "what is above, for UNSET",
      [{ mode: "PERMISSIVE" }, { name: "w", app: "web", mode: "UNSET", ports: { "8090": "UNSET" } }],
      "PERMISSIVE PERMISSIVE",
    ],
    [
      "its own alone, where the workload's policy says nothing of others",
      [{ app: "web", ports: { "8090": "PERMISSIVE" } }],
      "STRICT PERMISSIVE",
    ],
    ["of no other namespace", [{ namespace: "other", mode: "PERMISSIVE" }], "STRICT STRICT"],
    ["of no other workload", [{ app: "stock", mode: "PERMISSIVE" }], "STRICT STRICT"],
    [
      "the older one's, then the first's by name",
      [
        { name: "a", mode: "DISABLE", at: "2026-02-01T00:00:00Z" },
        { name: "b", mode: "PERMISSIVE", at: "2026-01-01T00:00:00Z" },
        { name: "0", mode: "DISABLE" },
      ],
      "PERMISSIVE PERMISSIVE",
    ],
  ])("is %s", (_is, wishes, expected) => {
    const isStrict = expected === "STRICT STRICT";
    expect(modes(wishes)).toBe(`${isStrict ? "STRICT" : "PERMISSIVE"} ${expected} mutual mutual`);
  });

  it("DISABLE has clients speak plaintext, and the listener takes both", () => {
    expect(modes([{ app: "web", ports: { "8090": "DISABLE" } }])).toBe(
      "PERMISSIVE STRICT DISABLE mutual none",
    );
  });
});

it("a change concerns listeners and the endpoints of its namespace, one of the mesh's all", () => {
  const compiler = new Compiler("STRICT");
  compiler.update(load([]).resources);
  compiler.get("listener", "inbound", node);
  for (const port of [80, 90]) compiler.get("endpoints", `web.default:${port}`, node);
  const changed = compiler.update(load([{ namespace: "weft-system", mode: "DISABLE" }]).resources);
  expect(changed.map(({ type, name }) => `${type} ${name}`).toSorted()).toEqual([
    "endpoints web.default:80",
    "endpoints web.default:90",
    "listener inbound",
  ]);
  expect(
    compiler.update(
      load([
        { namespace: "weft-system", mode: "DISABLE" },
        { namespace: "other", mode: "STRICT" },
      ]).resources,
    ),
  ).toEqual([]);
});

it("what can't be meant is refused or reported, with the field", () => {
  const told = (wishes: readonly Wish[]) =>
    load(wishes).issues.map(({ severity, field, message }) => `${severity} ${field}: ${message}`);
  expect(told([{ ports: { "8080": "STRICT" } }])).toEqual([
    expect.stringMatching(/^error spec.portLevelMtls: .*needs a selector/),
  ]);
  expect(told([{ app: "web", ports: { "70000": "STRICT" } }])).toEqual([
    expect.stringMatching(/^error spec.portLevelMtls.*a port number/),
  ]);
  expect(told([{ mode: "strict" as Mode }])).toEqual([
    expect.stringMatching(/^error spec.mtls.mode: .*STRICT/),
  ]);
  expect(
    told([
      { name: "a", mode: "STRICT" },
      { name: "b", mode: "DISABLE" },
    ]),
  ).toEqual([
    expect.stringMatching(
      /^warning spec.selector: PeerAuthentication default\/b has no effect: .*default\/a/,
    ),
  ]);
  expect(told([{ app: "gone", mode: "STRICT" }])).toEqual([
    expect.stringMatching(/^warning spec.selector: .*selects no Workload/),
  ]);
});
