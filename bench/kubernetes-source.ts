/**
 * `node bench/kubernetes-source.ts [--services N] [--endpoints N] [--changes N]`: a control plane over a Kubernetes API server, by
 * default with 10,000 Services and 100,000 pods behind them in namespaces with a NetworkPolicy, objects as large as real ones. The API server is a stub in this
 * process, the control plane a process of its own with a real gRPC stream. Goals: under 600 MB, and one EndpointSlice that changes is
 * with the sidecar in under 100 ms, which hears of that Service's endpoints alone.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { INBOUND_POLICY } from "../src/discovery/policy.ts";
import type { ApiServer } from "../test/kubernetes/source/api-server.ts";
import { newCluster, PODS, pathOf, pod, SLICES, service, slice } from "../test/kubernetes/source/cluster.ts";
import { kubeconfigOf } from "../test/kubernetes/source/kubeconfig.ts";
import { build } from "./built.ts";
import { type Child, start, stopAll } from "./children.ts";
import { announced } from "./peers/announced.ts";
import { subscribe, summary } from "./subscription.ts";

const SUBSCRIBED = 50;
const PER_NAMESPACE = 100;
const MAIN = build();
const root = mkdtempSync(join(tmpdir(), "weft-kubernetes-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));

interface Size {
  readonly services: number;
  readonly perService: number;
}

async function measure(size: Size, changes: number): Promise<void> {
  const server = newCluster();
  for (let s = 0; s < size.services; s++) fill(server, s, size.perService);
  await server.listen();
  const began = performance.now();
  const env = { KUBECONFIG: kubeconfig(server.url) };
  const command = [process.execPath, MAIN, "control-plane", "--insecure", "--source", "kubernetes"];
  const plane = start([...command, "--discovery-port", "0", "--api-port", "0"], undefined, env);
  const port = await announced(plane, "discoveryPort", 120_000);
  const readyMs = performance.now() - began;
  const atReady = memory(plane);

  const names = Array.from({ length: SUBSCRIBED }, (_, s) => `s${s}.${namespaceOf(s)}:80`);
  const subscription = await subscribe(port, "team-0", {
    ...{ cluster: names, endpoints: names, route: names },
    policy: [INBOUND_POLICY],
  });
  await sleep(2_000);

  const time = async (change: () => void, expected: RegExp): Promise<number> => {
    const sent = await subscription.observe(change);
    if (!expected.test(sent.text)) throw new Error(`sent: ${sent.text}`);
    return sent.tookMs;
  };
  const [slices, pods, routes]: [number[], number[], number[]] = [[], [], []];
  for (let change = 1; change <= changes; change++) {
    const s = change % SUBSCRIBED;
    const put = () => void server.put(SLICES, sliceOf(s, size.perService, change));
    slices.push(await time(put, new RegExp(`^endpoints ${names[s]}$`)));
  }
  // All of its pods are ready again, so that what changes of a pod is seen.
  server.put(SLICES, sliceOf(0, size.perService, 0));
  await sleep(500);
  for (let change = 1; change <= changes / 10; change++) {
    const put = () => void server.put(PODS, podOf(0, 0, size.perService, `v${change + 1}`));
    pods.push(await time(put, /^endpoints s0\.team-0:80$/));
  }
  for (let change = 1; change <= changes / 10; change++) {
    routes.push(await time(() => void server.put(pathOf("HTTPRoute"), routeOf(change)), /^route s0\./));
  }
  const atEnd = memory(plane);
  subscription.close();
  const endpoints = size.services * size.perService;
  process.stdout.write(`${size.services} Services, ${endpoints} pods and endpoints: ready ${(readyMs / 1_000).toFixed(1)} s after the start
memory of the control plane: ${atReady.now} MB when ready, ${atEnd.now} MB after ${changes} changes, never more than ${atEnd.peak} MB
one EndpointSlice that changes, from the API server to the sidecar: ${summary(slices)}; nothing else is sent
one pod whose label changes: ${summary(pods)}
one HTTPRoute that changes: ${summary(routes)}
`);
  await stopAll();
  await server.close();
}

function routeOf(change: number) {
  const parentRefs = [{ group: "", kind: "Service", name: "s0" }];
  const backendRefs = [{ group: "", kind: "Service", name: "s0", port: 80 }];
  const spec = { parentRefs, rules: [{ backendRefs, timeouts: { request: `${change}s` } }] };
  return { metadata: { name: "route", namespace: namespaceOf(0) }, spec };
}

/** One Service, its pods, its EndpointSlice. */
function fill(server: ApiServer, s: number, pods: number): void {
  const namespace = namespaceOf(s);
  server.put(pathOf("Service"), service(`s${s}`, namespace));
  if (s % PER_NAMESPACE === 0) server.put(pathOf("NetworkPolicy"), networkPolicyOf(namespace));
  for (let p = 0; p < pods; p++) {
    server.put(PODS, podOf(s, p, pods, "v1"));
  }
  server.put(SLICES, sliceOf(s, pods, 0));
}

function podOf(s: number, p: number, pods: number, version: string) {
  const namespace = namespaceOf(s);
  const spec = { name: podName(s, p), ip: addressOf(s, p, pods), app: `s${s}`, namespace, injected: true };
  const { metadata, ...rest } = pod(spec);
  return { metadata: { ...metadata, labels: { ...(metadata["labels"] as object), version } }, ...rest };
}

/** Who may call: everybody of the namespace. */
function networkPolicyOf(namespace: string) {
  const spec = { podSelector: {}, ingress: [{ from: [{ podSelector: {} }] }] };
  return { metadata: { name: "own-namespace", namespace }, spec };
}

/** With each change another pod is not ready. */
function sliceOf(s: number, pods: number, change: number) {
  const members = Array.from({ length: pods }, (_, p) => ({
    ip: addressOf(s, p, pods),
    pod: podName(s, p),
    ready: change === 0 || p !== Math.floor(change / SUBSCRIBED) % pods,
    zone: `zone-${p % 3}`,
  }));
  return slice(`s${s}`, members, namespaceOf(s));
}

function podName(s: number, p: number): string {
  return `s${s}-5d4f8c7b9-x${String(p).padStart(4, "0")}`;
}

function addressOf(s: number, p: number, pods: number): string {
  const n = s * pods + p;
  return `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`;
}

function namespaceOf(s: number): string {
  return `team-${Math.floor(s / PER_NAMESPACE)}`;
}

function kubeconfig(server: string): string {
  const path = join(root, "kubeconfig");
  writeFileSync(path, kubeconfigOf(server));
  return path;
}

/** Resident memory in MB, now and at most. */
function memory({ pid }: Child): { readonly now: number; readonly peak: number } {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1]) / 1_000);
  return { now: read("VmRSS"), peak: read("VmHWM") };
}

const { values } = parseArgs({
  options: {
    services: { type: "string", default: "10000" },
    endpoints: { type: "string", default: "100000" },
    changes: { type: "string", default: "200" },
  },
});
const services = Number(values.services);
const perService = Math.round(Number(values.endpoints) / services);
try {
  await measure({ services, perService }, Number(values.changes));
} finally {
  await stopAll();
}
