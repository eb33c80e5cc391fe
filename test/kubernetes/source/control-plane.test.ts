/** `weft control-plane --source kubernetes` as a process, with an API server, a sidecar's stream, and the API server's absence. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiscoveryClient } from "../../../src/discovery/client.ts";
import { grpcTransport } from "../../../src/discovery/grpc-client.ts";
import type { DiscoveryResponse, Node } from "../../../src/discovery/messages.ts";
import type { Json } from "./api-objects.ts";
import type { ApiServer } from "./api-server.ts";
import { newCluster, PODS, pathOf, pod, SLICES, service, slice } from "./cluster.ts";
import { until } from "./harness.ts";
import { kubeconfigOf } from "./kubeconfig.ts";
import { killPlane, type PlaneProcess, startPlane } from "./plane-process.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");
const ROUTES = pathOf("HTTPRoute");
let server: ApiServer;
let directory: string;
let plane: PlaneProcess | undefined;
let client: DiscoveryClient | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "weft-kubernetes-"));
  server = newCluster();
  await server.listen();
  writeFileSync(join(directory, "kubeconfig"), kubeconfigOf(server.url));
});

afterEach(async () => {
  client?.close();
  client = undefined;
  if (plane !== undefined) await killPlane(plane);
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function run(...args: readonly string[]): PlaneProcess {
  plane = startPlane(join(directory, "kubeconfig"), "--insecure", ...args);
  return plane;
}

const NODE: Node = {
  id: "default/web-0",
  namespace: "default",
  workload: "web-0",
  serviceAccount: "web",
  labels: {},
  address: "10.1.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "0",
};

/** A sidecar that takes whatever it is sent; what it has, by name. */
function connect(port: number): Map<string, unknown> {
  const held = new Map<string, unknown>();
  client = new DiscoveryClient(grpcTransport(`127.0.0.1:${port}`), {
    node: NODE,
    versions: () => ({}),
    receive: async ({ type, resources, removed }: DiscoveryResponse) => {
      for (const { name, resource } of resources) held.set(`${type} ${name}`, resource);
      for (const name of removed ?? []) held.delete(`${type} ${name}`);
      return [];
    },
    connectionChanged: () => {},
  });
  for (const type of ["cluster", "endpoints", "route"] as const) client.subscribe(type, ["web.default:80"]);
  return held;
}

const addresses = (held: Map<string, unknown>) =>
  (
    (held.get("endpoints web.default:80") as { endpoints?: readonly { address: string }[] })?.endpoints ?? []
  ).map(({ address }) => address);

describe("weft control-plane --source kubernetes", { timeout: 120_000 }, () => {
  it("serves what the cluster says, goes on without it, catches up, and tells how far sidecars are", async () => {
    server.put(pathOf("Service"), service("web"));
    for (const n of [0, 1])
      server.put(PODS, pod({ name: `web-${n}`, ip: `10.1.0.${n + 1}`, app: "web", injected: true }));
    server.put(SLICES, slice("web", [{ ip: "10.1.0.1", pod: "web-0" }]));
    const { errors, isReady, ports } = run();
    expect(await until(isReady, 45_000)).toBe(true);
    const held = connect(ports().discoveryPort);
    expect(await until(() => addresses(held).join() === "10.1.0.1", 45_000)).toBe(true);
    const both = [
      { ip: "10.1.0.1", pod: "web-0" },
      { ip: "10.1.0.2", pod: "web-1" },
    ];
    server.put(SLICES, slice("web", both));
    expect(await until(() => addresses(held).join() === "10.1.0.1,10.1.0.2")).toBe(true);

    server.leave();
    server.put(SLICES, slice("web", [{ ip: "10.1.0.2", pod: "web-1" }]));
    server.put(pathOf("Service"), service("web"));
    server.compact();
    expect(await until(() => errors().includes("can't be read from the cluster"))).toBe(true);
    expect(addresses(held)).toHaveLength(2);
    server.comeBack();
    expect(await until(() => addresses(held).join() === "10.1.0.2", 45_000)).toBe(true);

    server.put(ROUTES, {
      metadata: { name: "r", namespace: "default" },
      spec: {
        parentRefs: [{ group: "", kind: "Service", name: "web" }],
        rules: [
          {
            backendRefs: [{ group: "", kind: "Service", name: "web", port: 80 }],
            timeouts: { request: "3s" },
          },
        ],
      },
    });
    expect(await until(() => JSON.stringify(held.get("route web.default:80")).includes("3000"), 45_000)).toBe(
      true,
    );
    const status = () => JSON.stringify((server.objects(ROUTES).get("default/r") as Json)["status"]);
    expect(await until(() => status()?.includes("applied by 1 of 1 sidecars"), 45_000)).toBe(true);
    expect(status()).toContain('"type":"Programmed","status":"True"');
  });

  it("waits for a cluster that can't be reached, and ends when it is told to", async () => {
    server.leave();
    const { child, errors, output } = run();
    expect(await until(() => errors().includes("can't be read from the cluster"), 45_000)).toBe(true);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(output()).toBe("");
  });

  it("says that there is no cluster, where nothing tells of one", () => {
    const env = { PATH: process.env["PATH"] ?? "", HOME: directory };
    const command = [MAIN, "control-plane", "--source", "kubernetes", "--insecure"];
    const { status, stderr } = spawnSync(process.execPath, command, {
      env,
      encoding: "utf8",
      timeout: 45_000,
    });
    expect(stderr).toBe("error: cannot start: no cluster: set KUBECONFIG, or run inside of one\n");
    expect(status).toBe(1);
  });

  it("refuses a directory beside it", async () => {
    const { child, errors } = run("--config", directory);
    expect(await once(child, "exit")).toEqual([2, null]);
    expect(errors()).toContain("--config is for --source files alone");
  });
});
