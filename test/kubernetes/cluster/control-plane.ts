/**
 * `weft control-plane` as its Deployment runs it, but on this machine: the arguments of the manifests, the rights of its service account,
 * and the Service of its webhook as a name of this machine, since a cluster without nodes has no network.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { enrol } from "../../../src/discovery/enrol-client.ts";
import type { EnrolRequest } from "../../../src/discovery/enrolment.ts";
import { makeCsr } from "../../../src/identity/csr.ts";
import { makeKey } from "../../../src/identity/key.ts";
import { planeArguments } from "../../../src/install/pod.ts";
import { DEFAULT_INSTALL, NAME, WEBHOOK } from "../../../src/install/settings.ts";
import { planeTls } from "../../../src/proxy/enrolment/plane-tls.ts";
import { TrustFile } from "../../../src/proxy/enrolment/trust-file.ts";
import { COMPILE_CACHE } from "../../harness/compile-cache.ts";
import { keepLog } from "../../harness/process-logs.ts";
import { weft } from "../../harness/weft.ts";
import { gatewayDefinitions } from "./gateway-api.ts";
import type { Suite } from "./suite.ts";

const ENROL_MS = 10_000;
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

/** What `weft install` prints is applied, and the Gateway API's routes are defined; resolves when its kinds are served. */
export async function install({ kubectl }: Suite): Promise<void> {
  await kubectl.given((await weft("", "install")).stdout, "apply", "-f", "-");
  await kubectl("apply", "--server-side", ...gatewayDefinitions().flatMap((path) => ["-f", path]));
  await kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd", "--all");
}

/** Starts a replica named `name`; resolves when it is ready. */
export async function startPlane(suite: Suite, name: string): Promise<PlaneProcess> {
  const { cluster, kubectl } = suite;
  const token = (await kubectl("create", "token", NAME, "-n", NAMESPACE, "--duration", "1h")).trim();
  const stateDir = join(cluster.folder, `plane-${name}`);
  mkdirSync(stateDir, { recursive: true });
  const here = ["--host=127.0.0.1", `--state-dir=${stateDir}`];
  const ports = ["discovery", "api", "webhook"].map((port) => `--${port}-port=0`);
  const args = [MAIN, ...planeArguments(DEFAULT_INSTALL), ...here, ...ports];
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...{ PATH: process.env["PATH"], KUBECONFIG: cluster.kubeconfigOf(`plane-${name}`, token) },
      ...COMPILE_CACHE,
    },
  });
  keepLog(`control plane ${name}`, child);
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

/** The API server asks this control plane about pods from now on, whose CA it knows. */
export async function leadWebhookTo({ webhookPort }: PlaneProcess, { kubectl }: Suite): Promise<void> {
  const service = {
    spec: { type: "ExternalName", externalName: "127.0.0.1", clusterIP: null, clusterIPs: null },
  };
  await kubectl("patch", "service", NAME, "-n", NAMESPACE, "--type=merge", "-p", JSON.stringify(service));
  const port = [{ op: "replace", path: "/webhooks/0/clientConfig/service/port", value: webhookPort }];
  const configuration = ["patch", "mutatingwebhookconfiguration", WEBHOOK];
  await kubectl(...configuration, "--type=json", "-p", JSON.stringify(port));
  const known = "--for=jsonpath={.webhooks[0].clientConfig.caBundle}";
  await kubectl("wait", "mutatingwebhookconfiguration", WEBHOOK, known, "--timeout=20s");
}

/** What comes of an enrolment with a service account's token: `issued`, or why not. */
export function enrolWith(plane: PlaneProcess, kubernetesToken: string): Promise<string> {
  return enrolBy(plane, { kubernetesToken });
}

/** The same with evidence of any kind. */
export async function enrolBy(
  { trustBundle, discoveryPort }: PlaneProcess,
  evidence: Pick<EnrolRequest, "token" | "kubernetesToken">,
): Promise<string> {
  const trust = TrustFile.open(trustBundle);
  if (typeof trust === "string") throw new Error(trust);
  const request = { csr: makeCsr(makeKey()).toString("base64"), ...evidence };
  const tls = planeTls(trust.bundle, "cluster.local", undefined);
  const result = await enrol(`127.0.0.1:${discoveryPort}`, request, tls, ENROL_MS);
  return result.kind === "issued" ? "issued" : `${result.refusal.reason} ${result.refusal.isRetriable}`;
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
