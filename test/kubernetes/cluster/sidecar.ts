/**
 * A sidecar as it runs in an injected pod, but on this machine: the pod is in the API server and nobody runs it, the sidecar has a token that
 * is bound to it and the trust bundle of its namespace.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { weft } from "../../harness/weft.ts";
import { end, firstLine, type PlaneProcess } from "./control-plane.ts";
import type { Suite } from "./suite.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));

export interface SidecarOfPod {
  readonly outboundPort: number;
  stop(): Promise<void>;
}

/** A pod of the same name as its service account and label `app`, injected, at `address` as far as the API server knows. */
export async function createPod(
  { kubectl }: Suite,
  namespace: string,
  name: string,
  address: string,
): Promise<void> {
  const spec = { serviceAccountName: name, containers: [{ name: "app", image: "app" }] };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, labels: { app: name } }, spec };
  await kubectl("create", "serviceaccount", name, "-n", namespace);
  const { stdout } = await weft(JSON.stringify(pod), "inject", "-f", "-");
  await kubectl.given(stdout, "create", "-f", "-");
  const ready = [{ type: "Ready", status: "True" }];
  const status = { phase: "Running", podIP: address, podIPs: [{ ip: address }], conditions: ready };
  const patch = ["--subresource=status", "--type=merge", "-p", JSON.stringify({ status })];
  await kubectl("patch", "pod", name, "-n", namespace, ...patch);
}

/** Starts the sidecar of a pod; `flags` on top of who it is. Resolves when it has its ports. */
export async function startSidecarOf(
  { cluster, kubectl }: Suite,
  plane: PlaneProcess,
  [namespace, name]: readonly [namespace: string, name: string],
  flags: Readonly<Record<string, string>>,
): Promise<SidecarOfPod> {
  const bound = ["--bound-object-kind", "Pod", "--bound-object-name", name];
  const token = await kubectl("create", "token", name, "-n", namespace, "--audience", "weft", ...bound);
  await kubectl("wait", "--for=create", "--timeout=20s", "-n", namespace, "configmap/weft-trust-bundle");
  const path = "jsonpath={.data.trust-bundle\\.pem}";
  const roots = await kubectl("get", "configmap", "weft-trust-bundle", "-n", namespace, "-o", path);
  const [tokenFile, bundleFile] = [
    join(cluster.folder, `${name}.token`),
    join(cluster.folder, `${name}.pem`),
  ];
  writeFileSync(tokenFile, token.trim(), { mode: 0o600 });
  writeFileSync(bundleFile, roots);
  const all = {
    ...{ "control-plane": `127.0.0.1:${plane.discoveryPort}`, "trust-bundle": bundleFile },
    ...{ "kubernetes-token-file": tokenFile, workload: `${namespace}/${name}`, "service-account": name },
    ...{ "outbound-port": "0", "inbound-port": "0", "admin-port": "0", "telemetry-port": "0" },
    ...flags,
  };
  const args = Object.entries(all).flatMap(([flag, value]) => [`--${flag}`, value]);
  const child = spawn(process.execPath, [MAIN, "sidecar", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const { outboundPort } = (await firstLine(child, () => log)) as { outboundPort: number };
  return { outboundPort, stop: () => end(child, "SIGKILL") };
}
