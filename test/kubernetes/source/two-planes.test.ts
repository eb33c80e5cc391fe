/**
 * Two control planes as processes on one cluster, with their CA in one Secret: what one issues the other trusts, a change of the root
 * waits for the sidecars of both, and when the leader is killed the other leads and goes on.
 */
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { SecureClientSessionOptions } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { DiscoveryClient } from "../../../src/discovery/client.ts";
import { grpcTransport } from "../../../src/discovery/grpc-client.ts";
import { MESH_SECRET } from "../../../src/discovery/messages.ts";
import { makeCsr } from "../../../src/identity/csr.ts";
import { type Key, makeKey, privateKeyPem } from "../../../src/identity/key.ts";
import { acceptChain } from "../../../src/identity/svid.ts";
import { parseBundle } from "../../../src/identity/trust-bundle.ts";
import type { Json } from "./api-objects.ts";
import type { ApiServer } from "./api-server.ts";
import { CONFIG_MAPS, LEASES, newCluster, pathOf, SECRETS, service } from "./cluster.ts";
import { until } from "./harness.ts";
import { kubeconfigOf } from "./kubeconfig.ts";
import { killPlane, type PlaneProcess, startPlane } from "./plane-process.ts";

const ID = "spiffe://cluster.local/ns/default/sa/web";
let server: ApiServer;
let directory: string;
let planes: PlaneProcess[] = [];
let client: DiscoveryClient | undefined;

beforeEach(async () => {
  planes = [];
  directory = mkdtempSync(join(tmpdir(), "weft-planes-"));
  server = newCluster();
  server.put(SECRETS, { metadata: { name: "weft-ca", namespace: "weft-system" }, type: "Opaque" });
  server.put(pathOf("Service"), service("web"));
  await server.listen();
  writeFileSync(join(directory, "kubeconfig"), kubeconfigOf(server.url));
});

afterEach(async () => {
  client?.close();
  client = undefined;
  for (const plane of planes) await killPlane(plane);
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

function run(name: string): PlaneProcess {
  const state = join(directory, name);
  mkdirSync(state);
  const plane = startPlane(join(directory, "kubeconfig"), "--ca-secret=weft-ca", `--state-dir=${state}`);
  planes.push(plane);
  return plane;
}

const leads = ({ errors }: PlaneProcess) =>
  errors().lastIndexOf("this replica leads") > errors().lastIndexOf("this replica does not lead");

async function call(plane: PlaneProcess, method: string, path: string, body?: object): Promise<Json> {
  const response = await fetch(`http://127.0.0.1:${plane.ports().apiPort}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  return (await response.json()) as Json;
}

async function issued(plane: PlaneProcess): Promise<{ readonly key: Key; readonly chain: string }> {
  const key = makeKey();
  const csr = makeCsr(key).toString("base64");
  const body = { csr, namespace: "default", serviceAccount: "web" };
  const { chain } = await call(plane, "POST", "/v1/certificates", body);
  return { key, chain: chain as string };
}

/** How `plane` judges a certificate that `by` has just issued. */
async function judge(by: PlaneProcess, plane: PlaneProcess): Promise<string> {
  const { key, chain } = await issued(by);
  const parsed = parseBundle((await call(plane, "GET", "/v1/certificates"))["bundle"] as string);
  if (parsed.kind !== "bundle") return parsed.fault;
  const rule = { bundle: parsed.bundle, trustDomain: "cluster.local", now: Date.now() };
  const accepted = acceptChain(key, chain, rule);
  return accepted.kind === "svid" ? accepted.svid.id : accepted.reason;
}

const rotation = (plane: PlaneProcess) =>
  call(plane, "GET", "/v1/root/rotate") as Promise<{ phase: string; root: string; lacking: string[] }>;

async function inPhase(plane: PlaneProcess, phase: string, ms: number): Promise<boolean> {
  const limit = performance.now() + ms;
  while ((await rotation(plane)).phase !== phase) {
    if (performance.now() > limit) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}

/** A sidecar of `plane` that takes the mesh's secret, but not before `gate`. */
async function connect(plane: PlaneProcess, gate: Promise<void>): Promise<() => number> {
  const { key, chain } = await issued(plane);
  const { bundle } = await call(plane, "GET", "/v1/certificates");
  const tls = (): SecureClientSessionOptions => ({
    ALPNProtocols: ["h2"],
    key: privateKeyPem(key),
    cert: chain,
    ca: bundle as string,
    checkServerIdentity: () => undefined,
  });
  let taken = 0;
  client = new DiscoveryClient(grpcTransport(`127.0.0.1:${plane.ports().discoveryPort}`, tls), {
    node: {
      id: "default/web-0",
      namespace: "default",
      workload: "web-0",
      serviceAccount: "web",
      labels: {},
      address: "10.1.0.1",
      ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
      version: "0",
    },
    versions: () => ({}),
    receive: async () => {
      if (taken++ > 0) await gate;
      return [];
    },
    connectionChanged: () => {},
  });
  client.subscribe("secret", [MESH_SECRET]);
  expect(await until(() => taken === 1, 45_000)).toBe(true);
  return () => taken;
}

it("are one CA, change its root together, and survive each other", { timeout: 180_000 }, async () => {
  const [a, b] = [run("a"), run("b")];
  expect(await until(() => [a, b].every(({ isReady }) => isReady()), 45_000)).toBe(true);
  for (const by of [a, b]) for (const plane of [a, b]) expect(await judge(by, plane)).toBe(ID);

  expect(await until(() => leads(a) !== leads(b), 45_000)).toBe(true);
  const [leader, follower] = leads(a) ? [a, b] : [b, a];
  const told = () =>
    Object.values(
      (server.objects(CONFIG_MAPS).get("weft-system/weft-replicas")?.["data"] ?? {}) as Record<
        string,
        string
      >,
    );
  expect(await until(() => told().length === 2, 45_000)).toBe(true);
  const gate = Promise.withResolvers<void>();
  const taken = await connect(follower, gate.promise);
  const { root } = await rotation(leader);
  expect(await call(follower, "POST", "/v1/root/rotate")).toMatchObject({ error: { code: "not_leading" } });
  expect(await call(leader, "POST", "/v1/root/rotate")).toMatchObject({ phase: "distributing" });

  // The sidecar of the other replica has been told, and has not taken it: nothing goes on.
  expect(await until(() => taken() === 2, 45_000)).toBe(true);
  expect(await inPhase(leader, "reissuing", 4_500)).toBe(false);
  expect((await rotation(leader)).lacking).toEqual(["sidecars of other replicas"]);
  for (const by of [a, b]) for (const plane of [a, b]) expect(await judge(by, plane)).toBe(ID);
  gate.resolve();
  expect(await inPhase(leader, "steady", 40_000)).toBe(true);
  expect(await inPhase(follower, "steady", 45_000)).toBe(true);
  const roots = await Promise.all([a, b].map(async (plane) => (await rotation(plane)).root));
  expect(roots[0]).toBe(roots[1]);
  expect(roots[0]).not.toBe(root);
  for (const by of [a, b]) for (const plane of [a, b]) expect(await judge(by, plane)).toBe(ID);

  await killPlane(leader);
  const holder = () => server.objects(LEASES).get("weft-system/weft-control-plane")?.["spec"] as Json;
  const before = holder()["holderIdentity"];
  // As it does by itself when nobody has renewed it for 15 s.
  server.remove(LEASES, "weft-system/weft-control-plane");
  expect(await until(() => leads(follower), 45_000)).toBe(true);
  expect(holder()["holderIdentity"]).not.toBe(before);
  // It waits for the one that was lost, since that may be alive; what it issues is good all the while.
  expect(await call(follower, "POST", "/v1/root/rotate")).toMatchObject({ phase: "distributing" });
  const third = run("c");
  expect(await until(third.isReady, 45_000)).toBe(true);
  expect((await rotation(third)).phase).toBe("distributing");
  for (const by of [follower, third]) {
    for (const plane of [follower, third]) expect(await judge(by, plane)).toBe(ID);
  }
  expect((await rotation(follower)).lacking).toEqual(["sidecars of other replicas"]);

  // Who ends says so.
  third.child.kill("SIGTERM");
  expect(await once(third.child, "exit")).toEqual([0, null]);
  expect(told().filter((text) => JSON.parse(text).hasLeft === true)).toHaveLength(1);
});
