/**
 * A sidecar that registers (`weft run`) with one of two control planes, as processes on one cluster: callers of the other have it too,
 * keep it while it comes over from one that ends or dies, never twice, and lose it when it says good-bye.
 */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DiscoveryClient } from "../../../src/discovery/client.ts";
import { grpcTransport } from "../../../src/discovery/grpc-client.ts";
import type { EndpointsResource, Node } from "../../../src/discovery/messages.ts";
import { nodeOf, registering } from "../../harness/node.ts";
import type { ApiServer } from "./api-server.ts";
import { CONFIG_MAPS, newCluster, pathOf, service } from "./cluster.ts";
import { until } from "./harness.ts";
import { kubeconfigOf } from "./kubeconfig.ts";
import { killPlane, type PlaneProcess, startPlane } from "./plane-process.ts";

const WEB = "web.default:80";
let server: ApiServer;
let directory: string;
let planes: PlaneProcess[] = [];
let clients: DiscoveryClient[] = [];

beforeEach(async () => {
  [planes, clients] = [[], []];
  directory = mkdtempSync(join(tmpdir(), "weft-registrants-"));
  server = newCluster();
  server.put(pathOf("Service"), service("web"));
  await server.listen();
  writeFileSync(join(directory, "kubeconfig"), kubeconfigOf(server.url));
});

afterEach(async () => {
  for (const client of clients) client.close();
  for (const plane of planes) await killPlane(plane);
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function run(): Promise<PlaneProcess> {
  const plane = startPlane(join(directory, "kubeconfig"), "--insecure");
  planes.push(plane);
  expect(await until(plane.isReady, 45_000)).toBe(true);
  return plane;
}

/** A sidecar that finds the planes in this order, as behind a Service; `answers`: all addresses of `web` that it was ever given. */
function connect(node: Node, ...order: readonly PlaneProcess[]) {
  const answers: string[] = [];
  const target = () => order.find(({ child }) => child.exitCode === null && child.signalCode === null);
  const client = new DiscoveryClient(
    (handlers) => grpcTransport(`127.0.0.1:${target()?.ports().discoveryPort}`)(handlers),
    {
      node,
      versions: () => ({}),
      receive: async ({ resources }) => {
        for (const { resource } of resources) {
          const { endpoints } = resource as EndpointsResource;
          answers.push(endpoints.map(({ address, port }) => `${address}:${port}`).join("+"));
        }
        return [];
      },
      connectionChanged: () => {},
    },
  );
  clients.push(client);
  client.subscribe("endpoints", [WEB]);
  return { client, answers };
}

const replicas = () =>
  Object.values(
    (server.objects(CONFIG_MAPS).get("weft-system/weft-replicas")?.["data"] ?? {}) as Record<string, string>,
  ).map((text) => JSON.parse(text) as { hasLeft: boolean; registrants: Record<string, object> });

describe("registrants of several replicas", { timeout: 120_000 }, () => {
  it.each(["SIGTERM", "SIGKILL"] as const)("are known to all, also after %s", async (signal) => {
    const [a, b] = [await run(), await run()];
    const caller = connect(nodeOf("default/caller"), b);
    const { client: registrant } = connect(registering("one"), a, b);
    const here = "10.0.0.7:15006";
    expect(await until(() => caller.answers.at(-1) === here)).toBe(true);
    expect(replicas().flatMap(({ registrants }) => Object.keys(registrants))).toEqual(["default/one"]);

    a.child.kill(signal);
    await once(a.child, "exit");
    const told = () => replicas().filter(({ hasLeft }) => !hasLeft);
    const isAtB = () => told().length > 0 && told().every((one) => "default/one" in one.registrants);
    if (signal === "SIGTERM") expect(await until(isAtB)).toBe(true);
    // The report of a dead one stays: what it says counts no more.
    else
      expect(await until(() => told().filter((one) => "default/one" in one.registrants).length === 2)).toBe(
        true,
      );
    const since = caller.answers.length;
    registrant.sendLeaving();
    expect(await until(() => caller.answers.at(-1) === "")).toBe(true);
    const from = caller.answers.indexOf(here);
    expect(new Set(caller.answers.slice(from, since))).toEqual(new Set([here]));
    expect(caller.answers.slice(since)).toEqual([""]);
  });

  it("are told to the callers of the others, and their good-bye too, within moments", async () => {
    const [a, b] = [await run(), await run()];
    const caller = connect(nodeOf("default/caller"), b);
    const { client: one } = connect(registering("one"), a);
    expect(await until(() => caller.answers.at(-1) === "10.0.0.7:15006")).toBe(true);
    connect(registering("two", { address: "10.0.0.8" }), b);
    expect(await until(() => caller.answers.at(-1) === "10.0.0.7:15006+10.0.0.8:15006")).toBe(true);
    // A caller at a replica that starts has both at once.
    const third = connect(nodeOf("default/third"), await run());
    expect(await until(() => third.answers.length > 0)).toBe(true);
    expect(third.answers[0]).toBe("10.0.0.7:15006+10.0.0.8:15006");
    const began = performance.now();
    one.sendLeaving();
    expect(
      await until(() => [caller, third].every(({ answers }) => answers.at(-1) === "10.0.0.8:15006")),
    ).toBe(true);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});
