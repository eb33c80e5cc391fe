/** `weft sidecar --config` as a process of its own: what it holds and uses is what the system says of it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { keepLog } from "./process-logs.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

export interface SidecarProcess {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly adminPort: number;
  readonly telemetryPort: number;
  /** What it has written on standard error. */
  readonly stderr: () => string;
  /** Resolves with the exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  stop(): Promise<void>;
}

export interface SidecarProcessOptions {
  /** Most open files; the system's own limit without. */
  readonly descriptors?: number;
  readonly flags?: readonly string[];
}

/** Service `web` with one instance at `appPort` of this machine, and a sidecar that calls it; `documents` come on top. */
export async function startSidecarProcess(
  appPort: number,
  documents: readonly object[] = [],
  options: SidecarProcessOptions = {},
): Promise<SidecarProcess> {
  const directory = mkdtempSync(join(tmpdir(), "weft-faults-"));
  const text = [...mesh(appPort), ...documents].map((document) => JSON.stringify(document)).join("\n---\n");
  writeFileSync(join(directory, "mesh.yaml"), text);
  const ports = ["outbound", "inbound", "admin", "telemetry"].flatMap((name) => [`--${name}-port`, "0"]);
  const weft = [MAIN, "sidecar", "--config", directory, "--service", "client", "--app-port", String(appPort)];
  const limit = options.descriptors === undefined ? "" : `ulimit -n ${options.descriptors}; `;
  const command = ["-c", `${limit}exec "$0" "$@"`, process.execPath, ...weft, ...ports];
  const child = spawn("/bin/sh", [...command, ...(options.flags ?? [])], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  keepLog("sidecar", child);
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, "close").then(([code]) => {
    rmSync(directory, { recursive: true });
    return code as number | null;
  });
  for await (const line of createInterface(child.stdout)) {
    const { outboundPort, inboundPort, adminPort, telemetryPort } = JSON.parse(line) as SidecarProcess;
    const stop = async () => {
      child.kill("SIGKILL");
      await ended;
    };
    const announced = { outboundPort, inboundPort, adminPort, telemetryPort };
    return { pid: child.pid ?? 0, child, ...announced, stderr: () => stderr, ended, stop };
  }
  throw new Error(`the sidecar ended with ${await ended}: ${stderr}`);
}

function mesh(appPort: number): object[] {
  const service = (app: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: app },
    spec: { selector: { app }, ports: [{ name: "http", port: 80, targetPort: "http" }] },
  });
  const workload = (app: string) => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name: app, labels: { app } },
    spec: { address: "127.0.0.1", ports: { http: appPort } },
  });
  return ["client", "web"].flatMap((app) => [service(app), workload(app)]);
}

/** Anonymous memory of a process, in MB. */
export function anonymousMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^RssAnon:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** CPU time that a process has used, in milliseconds. */
export function cpuMs(pid: number): number {
  const [user = 0, system = 0] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return (user + system) * 10;
}

/** Sum of a metric's samples that have these labels, as the telemetry listener gives it now. */
export async function metric(
  { telemetryPort }: SidecarProcess,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${telemetryPort}/metrics`);
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`);
  let sum = 0;
  for (const line of (await response.text()).split("\n")) {
    const isMeant = line.startsWith(`${name}{`) || line.startsWith(`${name} `);
    if (isMeant && wanted.every((label) => line.includes(label))) sum += Number(line.split(" ").at(-1));
  }
  return sum;
}
