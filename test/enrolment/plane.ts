/** A control plane over real sockets, here or in a process of its own that a test can kill, with a CA of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { openGrpcDiscovery } from "../../src/cli/control-plane.ts";
import type { Log } from "../../src/control-plane/log.ts";
import { startControlPlane } from "../../src/control-plane/server.ts";
import { type ApiClient, apiClient } from "../../src/local/api-client.ts";
import type { TokenAnswer } from "../../src/local/api-types.ts";
import { freePorts } from "../harness/free-ports.ts";
import { keepLog } from "../harness/process-logs.ts";

const nothing = () => {};
const SILENT: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };
/** For sidecars to come back after a start in the midst of a rotation. */
const RECONNECT_MS = 6_000;

const DOCUMENTS = ["web", "stock", "reviews", "catalog"].flatMap((name) => [
  {
    ...{ apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata: { name, labels: { app: name } } },
    spec: { address: "127.0.0.1", serviceAccount: name, ports: { http: 8_080 } },
  },
]);

export interface TestPlane {
  readonly directory: string;
  /** `HOST:PORT` for sidecars. */
  readonly target: string;
  readonly bundleFile: string;
  readonly api: ApiClient;
  /** A token for a service account of namespace `default`: 5 uses, an hour. */
  token(serviceAccount: string, wish?: { uses?: number; ttlMs?: number }): Promise<string>;
  close(): Promise<void>;
}

/** A directory with resources and room for the plane's state. */
export function planeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "weft-enrolment-"));
  mkdirSync(join(directory, "config"));
  const text = DOCUMENTS.map((document) => JSON.stringify(document)).join("\n---\n");
  writeFileSync(join(directory, "config", "mesh.yaml"), text);
  return directory;
}

/** Starts one in this process. */
export async function startPlane(directory = planeDirectory(), host = "127.0.0.1"): Promise<TestPlane> {
  const plane = await start(directory, 0, 0, host);
  const tested = planeAt(directory, plane.discoveryPort, plane.apiPort);
  return {
    ...tested,
    close: async () => {
      tested.api.close();
      await plane.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function start(directory: string, discoveryPort: number, apiPort: number, host = "127.0.0.1") {
  const ca = join(directory, "ca");
  const bundleFile = join(directory, "trust-bundle.pem");
  return startControlPlane({
    ...{ configDir: join(directory, "config"), host, discoveryPort, apiPort, log: SILENT },
    identity: { caDirectory: ca, tokenDirectory: ca, bundleFile, reconnectMs: RECONNECT_MS },
    openDiscovery: openGrpcDiscovery,
  });
}

function planeAt(directory: string, discoveryPort: number, apiPort: number) {
  const api = apiClient(`http://127.0.0.1:${apiPort}`);
  return {
    directory,
    target: `127.0.0.1:${discoveryPort}`,
    bundleFile: join(directory, "trust-bundle.pem"),
    api,
    token: async (serviceAccount: string, { uses = 5, ttlMs = 3_600_000 } = {}) => {
      const wish = { namespace: "default", serviceAccount, uses, ttlMs };
      return (await api.call<TokenAnswer>("POST", "/v1/tokens", wish)).token;
    },
  };
}

export interface PlaneProcess extends TestPlane {
  /** kill -9, and a new process on the same ports and files; resolves when it is ready. */
  killAndRestart(): Promise<void>;
}

/** Starts one in a process of its own. */
export async function startPlaneProcess(): Promise<PlaneProcess> {
  const directory = planeDirectory();
  const [discoveryPort = 0, apiPort = 0] = await freePorts(2);
  let child = await launch(directory, discoveryPort, apiPort);
  const end = async () => {
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
  };
  const tested = planeAt(directory, discoveryPort, apiPort);
  return {
    ...tested,
    killAndRestart: async () => {
      await end();
      child = await launch(directory, discoveryPort, apiPort);
    },
    close: async () => {
      tested.api.close();
      await end();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launch(directory: string, discoveryPort: number, apiPort: number): Promise<ChildProcess> {
  const args = [fileURLToPath(import.meta.url), directory, String(discoveryPort), String(apiPort)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  keepLog("control plane", child);
  for await (const line of createInterface({ input: child.stdout })) if (line === "ready") return child;
  throw new Error("the control plane ended before it was ready");
}

/** The roots that a plane's bundle file holds, as PEM. */
export function bundleOf({ bundleFile }: TestPlane): string {
  return readFileSync(bundleFile, "utf8");
}

if (import.meta.main) {
  const [directory = ".", discoveryPort, apiPort] = process.argv.slice(2);
  await start(directory, Number(discoveryPort), Number(apiPort));
  process.stdout.write("ready\n");
}
