/**
 * `node bench/config-push.ts [--pushes N]`: what a push of 5,000 endpoints costs the requests that pass meanwhile. One client
 * asks without pause for a service that does not change; beside it, all 5,000 endpoints of another service that the
 * sidecar is subscribed to move to another port. The slowest request of each push stands beside the slowest of an equally
 * long stretch without one, and of one in which two processes that have nothing to do with it keep both CPUs busy: what
 * waiting for a CPU costs on this machine. Goal: at most 5 ms more.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { apiClient } from "../src/local/api-client.ts";
import { build } from "./built.ts";
import { type Child, start, stopAll } from "./children.ts";
import { startOrigin } from "./origin.ts";
import { announced } from "./peers/announced.ts";

const ENDPOINTS = 5_000;
const MAIN = build();
const root = mkdtempSync(join(tmpdir(), "weft-push-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));

async function measure(pushes: number): Promise<void> {
  const origin = await startOrigin(root);
  if (typeof origin === "string") throw new Error(origin);
  const config = join(root, "config");
  mkdirSync(config);
  writeFileSync(join(config, "mesh.yaml"), mesh(origin.portA));
  writeFileSync(join(config, "many.yaml"), JSON.stringify(many(999)));
  const plane = weft("control-plane", [
    "--insecure",
    "--config",
    config,
    "--discovery-port",
    "0",
    "--api-port",
    "0",
  ]);
  const discovery = await announced(plane, "discoveryPort");
  const api = apiClient(`http://127.0.0.1:${await announced(plane, "apiPort")}`);
  const flags = ["--insecure", "--control-plane", `127.0.0.1:${discovery}`, "--workload", "default/web"];
  for (const name of ["outbound", "inbound", "admin", "telemetry"]) flags.push(`--${name}-port`, "0");
  const sidecar = weft("sidecar", flags);
  const port = await announced(sidecar, "outboundPort");

  await answer(port, "many"); // subscribes; nobody listens there
  const client = new Client(await open(port));
  for (let i = 0; i < 3_000; i++) await client.ask();
  const during: number[] = [];
  const quiet: number[] = [];
  const busy: number[] = [];
  const took: number[] = [];
  for (let push = 0; push < pushes; push++) {
    const begin = performance.now();
    let isApplied = false;
    const applied = move(1_000 + push).then(() => {
      isApplied = true;
    });
    during.push(await slowest(() => !isApplied));
    await applied;
    const ms = performance.now() - begin;
    took.push(ms);
    await sleep(50);
    const end = performance.now() + ms;
    quiet.push(await slowest(() => performance.now() < end));
    await sleep(50);
    let isBusy = true;
    const burnt = Promise.all([burn(ms), burn(ms)]).then(() => {
      isBusy = false;
    });
    busy.push(await slowest(() => isBusy));
    await burnt;
  }
  client.close();
  api.close();
  const row = (what: string, all: number[]): string => {
    const sorted = all.toSorted((a, b) => a - b);
    const at = (share: number) => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(2);
    return `${what}: median ${at(0.5)} ms, p90 ${at(0.9)}, max ${at(1)}`;
  };
  process.stdout.write(`${pushes} pushes of ${ENDPOINTS} endpoints, from the change to its application
${row("a push", took)}
${row("slowest request during a push", during)}
${row("slowest request in as long without", quiet)}
${row("slowest request while two others compute", busy)}
`);

  async function slowest(goesOn: () => boolean): Promise<number> {
    let most = 0;
    while (goesOn()) most = Math.max(most, await client.ask());
    return most;
  }

  async function move(targetPort: number): Promise<void> {
    const { change } = await api.call<{ change: number }>(
      "PUT",
      "/v1/resources/Service/default/many",
      many(targetPort),
    );
    const { state } = await api.call<{ state: string }>("GET", `/v1/changes/${change}?wait=10s`);
    if (state !== "applied") throw new Error(`the push ended as ${state}`);
  }
}

function weft(command: string, flags: readonly string[]): Child {
  const nice = command === "control-plane" ? ["nice", "-n", "19"] : [];
  return start([...nice, process.execPath, MAIN, command, ...flags], undefined);
}

/** Keeps a CPU busy, in a process of its own. */
function burn(ms: number): Promise<unknown> {
  const loop = `const end = performance.now() + ${ms}; while (performance.now() < end);`;
  return once(spawn(process.execPath, ["-e", loop]), "close");
}

/** Asks again and again on one connection. */
class Client {
  readonly #socket: Socket;
  #answered: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    // One answer is one read: it is small and comes from loopback.
    socket.on("data", () => this.#answered?.());
    socket.on("close", () => process.exit(1));
  }

  /** Milliseconds until the answer. */
  async ask(): Promise<number> {
    const begin = performance.now();
    this.#socket.write("GET /api/small HTTP/1.1\r\nhost: few\r\n\r\n");
    await new Promise<void>((resolve) => {
      this.#answered = resolve;
    });
    return performance.now() - begin;
  }

  close(): void {
    this.#socket.removeAllListeners("close");
    this.#socket.destroy();
  }
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function answer(port: number, host: string): Promise<void> {
  const socket = await open(port);
  socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  for await (const _ of socket);
}

function many(targetPort: number): object {
  const spec = { selector: { app: "many" }, ports: [{ name: "http", port: 80, targetPort }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name: "many" }, spec };
}

function mesh(originPort: number): string {
  const workload = (name: string, app: string, spec: object): object => ({
    apiVersion: "weft.dev/v1alpha1",
    kind: "Workload",
    metadata: { name, labels: { app } },
    spec,
  });
  const few = { selector: { app: "few" }, ports: [{ name: "http", port: 80, targetPort: "http" }] };
  const documents = [
    { apiVersion: "v1", kind: "Service", metadata: { name: "few" }, spec: few },
    workload("web", "web", { ports: { http: 1 } }),
    workload("few", "few", { address: "127.0.0.1", ports: { http: originPort } }),
  ];
  for (let i = 0; i < ENDPOINTS; i++) {
    documents.push(workload(`many-${i}`, "many", { address: `127.${1 + (i >> 8)}.0.${i & 255}`, ports: {} }));
  }
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

const { values } = parseArgs({ options: { pushes: { type: "string", default: "30" } } });
try {
  await measure(Number(values.pushes));
} finally {
  await stopAll();
}
