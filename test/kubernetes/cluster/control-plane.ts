/**
 * `weft control-plane` as its Deployment runs it, but on this machine: the arguments of the manifests, the rights of its service account,
 * and the Service of its webhook as a name of this machine, since a cluster without nodes has no network.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { DEFAULT_INSTALL, NAME, WEBHOOK } from "../../../src/install/settings.ts";
import { planeArguments } from "../../../src/install/workload.ts";
import type { Suite } from "./suite.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const NAMESPACE = DEFAULT_INSTALL.namespace;
/** As the API server calls its account. */
export const ACCOUNT = `system:serviceaccount:${NAMESPACE}:${NAME}`;

export interface PlaneProcess {
  readonly discoveryPort: number;
  readonly apiPort: number;
  readonly webhookPort: number;
  /** File with the roots to trust. */
  readonly trustBundle: string;
  /** What it has logged. */
  log(): string;
  /** Asks it to end. */
  stop(): Promise<void>;
  /** As a machine that fails. */
  kill(): Promise<void>;
}

/** Resolves when it is ready. `name`: of its state's folder; two of one name have the same CA. */
export async function startPlane({ cluster, kubectl }: Suite, name: string): Promise<PlaneProcess> {
  const token = (await kubectl("create", "token", NAME, "-n", NAMESPACE, "--duration", "1h")).trim();
  const stateDir = join(cluster.folder, `plane-${name}`);
  mkdirSync(stateDir, { recursive: true });
  const here = ["--host=127.0.0.1", `--state-dir=${stateDir}`, `--ca-dir=${join(cluster.folder, "mesh-ca")}`];
  const ports = ["discovery", "api", "webhook"].map((port) => `--${port}-port=0`);
  const child = spawn(process.execPath, [MAIN, ...planeArguments(DEFAULT_INSTALL), ...here, ...ports], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], KUBECONFIG: cluster.kubeconfigOf(`plane-${name}`, token) },
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ready = await firstLine(child, () => log);
  return {
    ...(ready as { discoveryPort: number; apiPort: number; webhookPort: number }),
    trustBundle: join(stateDir, "trust-bundle.pem"),
    log: () => log,
    stop: () => end(child, "SIGTERM"),
    kill: () => end(child, "SIGKILL"),
  };
}

/** The API server asks this control plane about pods from now on. */
export async function leadWebhookTo({ webhookPort }: PlaneProcess, { kubectl }: Suite): Promise<void> {
  const service = {
    spec: { type: "ExternalName", externalName: "127.0.0.1", clusterIP: null, clusterIPs: null },
  };
  await kubectl("patch", "service", NAME, "-n", NAMESPACE, "--type=merge", "-p", JSON.stringify(service));
  const port = [{ op: "replace", path: "/webhooks/0/clientConfig/service/port", value: webhookPort }];
  const configuration = ["patch", "mutatingwebhookconfiguration", WEBHOOK];
  await kubectl(...configuration, "--type=json", "-p", JSON.stringify(port));
}

export function rootsOf({ trustBundle }: PlaneProcess): string {
  return readFileSync(trustBundle, "utf8");
}

/** The first line that a process prints, parsed. Rejects with `log` where there is none. */
export async function firstLine(child: ChildProcess, log: () => string): Promise<unknown> {
  if (child.stdout === null) throw new Error("no stdout");
  for await (const line of createInterface(child.stdout)) return JSON.parse(line);
  throw new Error(log());
}

export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.kill(signal);
  await ended;
}
