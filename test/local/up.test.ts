/**
 * The whole mesh from one command, with real processes: it runs, it ends by itself, and nothing of it is left.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { descendants, isListening, isRunning } from "./processes.ts";
import { sample, type UpEvent, UpProcess } from "./up-process.ts";

interface Row {
  readonly service: string;
  readonly version: string;
  readonly requests: number;
  readonly failures: number;
  readonly share: number;
}

const rowsOf = (event: UpEvent) => event["rows"] as readonly Row[];

describe("weft up", { timeout: 90_000 }, () => {
  let up: UpProcess | undefined;
  afterEach(() => up?.dispose());

  it("runs for --duration, sends real requests through every service, and leaves nothing behind", async () => {
    up = new UpProcess(["--duration", "3s", "--rate", "20"]);
    const ports = await up.ports();
    const processes = descendants(up.pid).map(({ pid }) => pid);
    expect(processes.length).toBeGreaterThanOrEqual(11);
    const summary = await up.until(({ event }) => event === "summary");
    expect(await up.ended).toEqual({ code: 0, signal: null });
    const rows = rowsOf(summary);
    expect(new Set(rows.map(({ service }) => service))).toEqual(
      new Set(["web", "catalog", "stock", "reviews"]),
    );
    expect(rows.filter(({ failures }) => failures > 0)).toEqual([]);
    expect(summary).toMatchObject({ silent: [], trickle: { failed: 0 } });
    expect(processes.filter(isRunning)).toEqual([]);
    expect((await Promise.all(ports.map(isListening))).filter((listens) => listens)).toEqual([]);
    expect(up.stderr).toBe("");
  });

  it("ends in order on Ctrl-C, and twice the signal at once means one Ctrl-C", async () => {
    up = new UpProcess(["--no-trickle"]);
    const ports = await up.ports();
    const processes = descendants(up.pid).map(({ pid }) => pid);
    up.signal("SIGINT");
    up.signal("SIGINT");
    expect(await up.ended).toEqual({ code: 0, signal: null });
    expect(processes.filter(isRunning)).toEqual([]);
    expect((await Promise.all(ports.map(isListening))).filter((listens) => listens)).toEqual([]);
  });

  it("killed by kill -9 takes everything with it", async () => {
    up = new UpProcess([]);
    const ports = await up.ports();
    const processes = descendants(up.pid).map(({ pid }) => pid);
    up.signal("SIGKILL");
    await vi.waitFor(() => expect(processes.filter(isRunning)).toEqual([]), {
      timeout: 8_000,
      interval: 100,
    });
    expect((await Promise.all(ports.map(isListening))).filter((listens) => listens)).toEqual([]);
  });

  it("says what never became ready, and why", async () => {
    up = new UpProcess(["--start-timeout", "8s"], (mesh) => {
      const file = join(mesh, "workloads.yaml");
      writeFileSync(file, readFileSync(file, "utf8").replace("app/stock.ts", "app/nowhere.ts"));
    });
    expect(await up.ended).toMatchObject({ code: 1 });
    const { hints, message } = (up.events.at(-1)?.["error"] ?? {}) as { hints?: string[]; message?: string };
    expect(message).toContain("not ready after 8 s: default/stock");
    expect(hints?.join("\n")).toContain("nowhere.ts");
  });
});

const DB = `apiVersion: v1
kind: Service
metadata: { name: db }
spec: { selector: { app: db }, ports: [{ name: redis, port: 6379, targetPort: redis }] }
---
apiVersion: weft.dev/v1alpha1
kind: Workload
metadata: { name: db, labels: { app: db } }
spec: { ports: { redis: 0 }, command: [node, app/db.mjs] }
`;
const DB_PROGRAM = `import { createServer } from "node:net";
createServer((socket) => { socket.write("+HELLO\\r\\n"); socket.pipe(socket); }).listen(process.env.PORT, process.env.HOST);
`;

describe("a mesh that runs", { timeout: 90_000 }, () => {
  let up: UpProcess;
  let started: UpEvent;

  beforeAll(async () => {
    up = new UpProcess(["--rate", "50", "--copy"], (mesh) => {
      writeFileSync(join(mesh, "db.yaml"), DB);
      writeFileSync(join(mesh, "app", "db.mjs"), DB_PROGRAM);
    });
    started = await up.until(({ event }) => event === "started");
  });
  afterAll(() => up.dispose());

  it("has ports that do not speak HTTP, reached by CONNECT, also where the server speaks first", async () => {
    const [first] = started["instances"] as { sidecar: { outbound: number } }[];
    const socket = connect(first?.sidecar.outbound ?? 0, "127.0.0.1");
    let got = "";
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      got += chunk;
      if (got.endsWith("+HELLO\r\n")) socket.write("PING\r\n");
    });
    socket.write("CONNECT db:6379 HTTP/1.1\r\nhost: db:6379\r\n\r\n");
    await expect.poll(() => got).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n\+HELLO\r\nPING\r\n$/s);
    socket.destroy();
  });

  it("is changed by weft apply --wait, which moves the weights, without a lost request", async () => {
    const route = join(up.mesh, "catalog-route.yaml");
    const before = readFileSync(route, "utf8");
    const status = await up.run("status");
    expect(status.stdout).toContain("6 of 6 sidecars synced");
    const dryRun = await up.run("apply", "-f", sample("canary-100.yaml"), "--dry-run");
    expect(dryRun.stdout).toBe("HTTPRoute default/catalog configured (dry run)\n");
    const applied = await up.run("apply", "-f", sample("canary-100.yaml"), "--wait");
    expect(applied.stdout).toMatch(
      /^HTTPRoute default\/catalog configured\napplied by \d of \d sidecars? in \d+/,
    );
    const shown = await up.run("get", "route", "catalog");
    expect(shown.stdout).toContain("catalog-v1=0,catalog-v2=100");
    const { length: since } = up.events;
    await up.until((event) => {
      if (event.event !== "stats" || up.events.indexOf(event) < since) return false;
      const catalog = rowsOf(event).filter(({ service, requests }) => service === "catalog" && requests > 0);
      return catalog.length === 1 && catalog[0]?.version === "v2";
    });
    expect(readFileSync(route, "utf8")).toBe(before);
    writeFileSync(route, before.replace("weight: 90", "weight: 70"));
    const weights = async () => (await up.run("get", "route", "catalog")).stdout;
    await vi.waitFor(async () => expect(await weights()).toContain("catalog-v1=70,catalog-v2=10"), {
      timeout: 10_000,
    });
    expect(lastStats()).toMatchObject({ trickle: { failed: 0 } });
  });

  it("loses no request by a control plane that is killed, which comes back where it was", async () => {
    const ready = await up.until(({ event, role }) => event === "ready" && role === "control-plane");
    process.kill(Number(ready["pid"]), "SIGKILL");
    await up.until(
      (event) => event.event === "ready" && event["role"] === "control-plane" && event["restarts"] === 1,
    );
    const status = async () => (await up.run("status")).stdout;
    await vi.waitFor(async () => expect(await status()).toContain("6 of 6 sidecars synced"), {
      timeout: 30_000,
      interval: 500,
    });
    const { length: after } = up.events;
    await up.until((event) => event.event === "stats" && up.events.indexOf(event) >= after);
    expect(lastStats()).toMatchObject({ trickle: { failed: 0 } });
  });

  it("starts a crashed application again and says so", async () => {
    const isStock = ({ role, id }: UpEvent) => role === "app" && id === "default/stock";
    const ready = await up.until((event) => event.event === "ready" && isStock(event));
    process.kill(Number(ready["pid"]), "SIGKILL");
    expect(await up.until((event) => event.event === "ended" && isStock(event))).toMatchObject({
      id: "default/stock",
      how: "was killed by SIGKILL",
      restartInMs: 100,
    });
    await up.until((event) => event.event === "ready" && isStock(event) && event["restarts"] === 1);
  });

  const lastStats = () => up.events.findLast(({ event }) => event === "stats");
});
