/**
 * Pods as injection makes them and a cluster's API server knows them: their `weft-init` and their sidecar run with the arguments and
 * the environment that injection has written, and the control plane has nothing but Services, EndpointSlices and the pods.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { injectPod } from "../../src/inject/inject.ts";
import { DEFAULT_SETTINGS } from "../../src/inject/settings.ts";
import { requires } from "../harness/requires.ts";
import { PODS, pathOf, SLICES } from "../kubernetes/source/cluster.ts";
import { call, get, Mesh, type MeshPod, startApplication } from "./mesh.ts";
import type { Pod } from "./network.ts";

const SHOP = "198.19.0.20";
const PORTS = [
  { name: "http", port: 80, targetPort: 8_080 },
  { name: "http-bare", port: 81, targetPort: 9_100 },
  { name: "http-metrics", port: 82, targetPort: 16_020 },
  { name: "tcp-echo", port: 9_000, targetPort: 9_000 },
  { name: "http-taken", port: 83, targetPort: 15_020 },
];
/** Another port of its own for the sidecar, and one of the application's that it does not take. */
const ANNOTATIONS = {
  "weft.dev/inbound-port": "16006",
  "weft.dev/telemetry-port": "16020",
  "weft.dev/exclude-inbound-ports": "9100",
};

interface Container {
  readonly name: string;
  readonly args: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
}

/** A pod after injection: its object, and how its two containers are started. */
function injected(name: string, ip: string, annotations: object) {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "default", labels: { app: name }, annotations },
    spec: { serviceAccountName: name, containers: [{ name: "app", image: "app" }] },
  };
  const result = injectPod(pod, { ...DEFAULT_SETTINGS, version: "0" });
  if (result.kind !== "injected") throw new Error(`not injected: ${result.kind}`);
  const containers = (result.pod.spec.initContainers ?? []) as unknown as readonly Container[];
  const container = (wanted: string) => containers.find((one) => one.name === wanted);
  const env = (container("weft-sidecar")?.env ?? []).flatMap(({ name: variable, value }) =>
    // Where it is, and how it enrols, is this machine's business.
    value === undefined || /TOKEN|TRUST_BUNDLE|STATE_DIR|CONTROL_PLANE|WORKLOAD/.test(variable)
      ? []
      : [[variable, value] as const],
  );
  return {
    object: { ...result.pod, status: { phase: "Running", podIP: ip } },
    init: container("weft-init")?.args.slice(1) ?? [],
    env: Object.fromEntries(env),
  };
}

requires(
  "root",
  "ip",
  "nft",
  "setpriv",
)("injected pods of a cluster", () => {
  let mesh: Mesh;
  let shop: MeshPod;
  let client: MeshPod;
  let outsider: Pod;

  beforeAll(async () => {
    const [shopPod, clientPod] = [
      injected("shop", "198.18.0.2", ANNOTATIONS),
      injected("client", "198.18.0.1", {}),
    ];
    const service = { selector: { app: "shop" }, clusterIP: SHOP, clusterIPs: [SHOP], ports: PORTS };
    const slice = {
      metadata: { name: "shop-x", namespace: "default", labels: { "kubernetes.io/service-name": "shop" } },
      addressType: "IPv4",
      ports: PORTS.map(({ name, targetPort }) => ({ name, port: targetPort, protocol: "TCP" })),
      endpoints: [
        {
          addresses: ["198.18.0.2"],
          conditions: { ready: true },
          targetRef: { kind: "Pod", namespace: "default", name: "shop" },
        },
      ],
    };
    mesh = await Mesh.startInCluster({
      [pathOf("Service")]: [{ metadata: { name: "shop", namespace: "default" }, spec: service }],
      [PODS]: [shopPod.object, clientPod.object],
      [SLICES]: [slice],
    });
    outsider = mesh.network.pod(3);
    const ports = { http: [8_080, 9_100, 15_020], echo: [9_000] };
    [shop, client] = await Promise.all([
      mesh.pod(2, "shop", { backend: "nft", init: shopPod.init, env: shopPod.env, ports }),
      mesh.pod(1, "client", { backend: "nft", init: clientPod.init, env: clientPod.env }),
      startApplication(outsider, { http: [8_080] }),
    ]);
  }, 60_000);
  afterAll(() => mesh.close());

  it("are reached at their own ports under mutual TLS, by Service and by address", () => {
    for (const [address, port] of [
      [SHOP, 80],
      [shop.ipv4, 8_080],
    ] as const) {
      const { status, body } = get(client, address, port, "shop");
      expect(status).toBe(200);
      expect(body).toMatchObject({ from: "127.0.0.6", port: 8_080 });
      expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
    }
    expect(call(client, SHOP, 9_000, { send: "hello" }).received).toBe("hello");
  });

  it("are reached in plaintext where the sidecar takes nothing", () => {
    const { status, body } = get(client, SHOP, 81, "shop");
    expect(status).toBe(200);
    expect(body).toMatchObject({ from: client.ipv4, port: 9_100 });
    expect(body?.headers["x-forwarded-client-cert"]).toBeUndefined();
    expect(get(client, SHOP, 82, "shop", "/healthz/ready").status).toBe(200);
  });

  it("are theirs on ports that the sidecar has given up", () => {
    const { status, body } = get(client, SHOP, 83, "shop");
    expect(status).toBe(200);
    expect(body).toMatchObject({ from: "127.0.0.6", port: 15_020 });
    expect(body?.headers["x-forwarded-client-cert"]).toContain("/ns/default/sa/client");
    expect(get(outsider, shop.ipv4, 15_020, "shop").status).not.toBe(200);
  });

  it("let nobody in who has no certificate, but to what is not taken", () => {
    expect(get(outsider, shop.ipv4, 8_080, "shop").status).not.toBe(200);
    expect(call(outsider, shop.ipv4, 9_000, { send: "hello" }).received).toBe("");
    expect(get(outsider, shop.ipv4, 9_100, "shop").status).toBe(200);
  });
});
