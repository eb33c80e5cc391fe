/** The process around a sidecar: announcement, signals, exit codes. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

const FIXTURE = fileURLToPath(new URL("./process-fixture.ts", import.meta.url));
const FREE = ["outbound", "inbound", "admin", "telemetry"].flatMap((name) => [`--${name}-port`, "0"]);
const OWNER = ["--control-plane", "127.0.0.1:1", "--workload", "default/web"];

let cache: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  cache = await mkdtemp(join(tmpdir(), "weft-process-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rm(cache, { recursive: true }));

interface Started {
  readonly child: ChildProcess;
  readonly exit: Promise<{ code: number | null; stderr: string }>;
}
function start(...args: string[]): Started {
  const child = spawn(process.execPath, [FIXTURE, ...args], {
    env: { NODE_COMPILE_CACHE: cache },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let stderr = "";
  child.stderr?.on("data", (chunk) => {
    stderr += String(chunk);
  });
  return { child, exit: once(child, "close").then(([code]) => ({ code, stderr })) };
}

interface Announcement {
  readonly event: string;
  readonly id: string;
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly adminPort: number;
  readonly telemetryPort: number;
}
async function announcement({ child }: Started): Promise<Announcement> {
  if (child.stdout === null) throw new Error("no stdout");
  for await (const line of createInterface(child.stdout)) return JSON.parse(line);
  throw new Error("no announcement");
}

async function readiness(telemetryPort: number): Promise<string> {
  return (await fetch(`http://127.0.0.1:${telemetryPort}/healthz/ready`)).text();
}

it("announces its ports on stdout, and exits with 0 when drained", async () => {
  const started = start(...OWNER, ...FREE, "--drain-grace", "0s");
  const said = await announcement(started);
  expect(said).toMatchObject({ event: "ready", id: "default/web" });
  for (const port of [said.outboundPort, said.inboundPort, said.adminPort, said.telemetryPort]) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
  }
  started.child.kill("SIGTERM");
  expect(await started.exit).toEqual({ code: 0, stderr: "" });
});

it("exits at once on a second SIGTERM", async () => {
  const started = start(...OWNER, ...FREE, "--drain-grace", "30s");
  const { telemetryPort } = await announcement(started);
  started.child.kill("SIGTERM");
  // Two signals sent at once are one to the process: wait until the first has been taken.
  await expect.poll(() => readiness(telemetryPort)).toBe("not ready: draining\n");
  started.child.kill("SIGTERM");
  expect((await started.exit).code).toBe(0);
});

it("drains on POST /drain; one SIGTERM meanwhile does not cut it short", async () => {
  const started = start(...OWNER, ...FREE, "--drain-grace", "300ms");
  const { adminPort } = await announcement(started);
  const socket = connect(adminPort, "127.0.0.1");
  socket.end("POST /drain HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n");
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1.1 202/);
  started.child.kill("SIGTERM");
  expect((await started.exit).code).toBe(0);
});

it("keeps its state on disk when it ends", async () => {
  const stateDir = join(cache, "state");
  const started = start(...OWNER, ...FREE, "--state-dir", stateDir, "--drain-grace", "500ms");
  const { telemetryPort } = await announcement(started);
  await expect.poll(() => readiness(telemetryPort)).toBe("ready\n");
  started.child.kill("SIGTERM");
  expect((await started.exit).code).toBe(0);
  expect(await readFile(join(stateDir, "snapshot-default%2Fweb.json"), "utf8")).toContain('"outbound"');
});

it("exits with 1 when a port is taken, naming it", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const { code, stderr } = await start(...OWNER, ...FREE, "--admin-port", `${port}`).exit;
  taken.close();
  expect([code, stderr]).toEqual([1, expect.stringContaining(`${port}`)]);
});

it.each([
  [["--nothing"], "--nothing"],
  [["--control-plane", "127.0.0.1:1"], "--workload"],
  [["--workload", "default/web"], "--control-plane"],
  [[...OWNER, "--config", "."], "either"],
])("exits with 2 for %j", async (args, said) => {
  const { code, stderr } = await start(...args).exit;
  expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
});
