/**
 * Supervision with real processes: readiness, restarts, ends, and groups.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { HeldPorts } from "../../src/local/ports.ts";
import { Reaper } from "../../src/local/reaper.ts";
import {
  type ProcessEvent,
  type ProcessSpec,
  SupervisedProcess,
} from "../../src/local/supervised-process.ts";
import { isRunning } from "./processes.ts";

const PATIENCE = { timeout: 10_000 };
const reaper = new Reaper();
const started: SupervisedProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill();
});

function supervise(script: string, more: Partial<ProcessSpec> = {}) {
  const events: ProcessEvent[] = [];
  const spec: ProcessSpec = {
    role: "app",
    id: "default/test",
    command: "/bin/sh",
    args: ["-c", script],
    env: { PATH: "/usr/bin:/bin" },
    cwd: "/",
    ready: { kind: "announcement" },
    ports: { address: "127.0.0.1", numbers: [] },
    ...more,
  };
  const child = new SupervisedProcess(spec, reaper, (event) => events.push(event));
  started.push(child);
  return { child, events };
}

const READY = `echo '{"event":"ready"}'`;

describe("a supervised process", () => {
  it("is ready when it says so, and its lines are passed on", async () => {
    const { child, events } = supervise(`echo hello; ${READY}; echo oops >&2; sleep 60`);
    await child.start();
    expect(child.isReady).toBe(true);
    await vi.waitFor(() => {
      const lines = events.flatMap((event) => (event.kind === "log" ? [event.line] : []));
      expect(lines).toContainEqual({ severity: "info", text: "hello" });
      expect(lines).toContainEqual({ severity: "warn", text: "oops" });
    }, PATIENCE);
    await child.stop(1_000);
    expect(child.pid).toBeUndefined();
  });

  it("that listens is asked in order: one that speaks first and dies of a reset lives", async () => {
    const program = `const { createServer } = require("node:net");
const server = createServer({ allowHalfOpen: true }, (socket) => {
  for (const ms of [20, 40]) setTimeout(() => socket.write("hello"), ms);
  setTimeout(() => socket.end(), 60);
  socket.on("close", () => console.log("closed in order"));
});
server.listen(Number(process.argv[1]), "127.0.0.1");`;
    const held = new HeldPorts();
    const port = await held.hold("127.0.0.1");
    const { child, events } = supervise("", {
      command: process.execPath,
      args: ["-e", program, String(port)],
      ready: { kind: "listening", host: "127.0.0.1", port },
      beforeStart: () => held.release("127.0.0.1", [port]),
    });
    await child.start();
    await vi.waitFor(() => {
      const lines = events.flatMap((event) => (event.kind === "log" ? [event.line.text] : []));
      expect(lines).toEqual(["closed in order"]);
    }, PATIENCE);
    expect(events.filter(({ kind }) => kind === "ended")).toEqual([]);
    await child.stop(1_000);
  });

  it("is started again when it ends by itself, and that is said", async () => {
    const { child, events } = supervise(`${READY}; exit 3`);
    await child.start();
    await expect.poll(() => events.filter(({ kind }) => kind === "ready").length).toBeGreaterThan(1);
    expect(events).toContainEqual(
      expect.objectContaining({ kind: "ended", how: "exited with code 3", restartInMs: 100 }),
    );
    await child.stop(1_000);
    const count = events.length;
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(events.length).toBe(count);
  });

  it("whose command does not exist is reported as such", async () => {
    const { child, events } = supervise("", { command: "/no/such/program" });
    void child.start();
    const absent = expect.objectContaining({ how: expect.stringContaining("ENOENT") });
    await expect.poll(() => events).toContainEqual(absent);
    await child.stop(100);
  });

  it("that ignores SIGTERM is killed after its grace", async () => {
    const { child } = supervise(`trap '' TERM; ${READY}; while :; do sleep 0.1; done`);
    await child.start();
    const { pid } = child;
    const before = performance.now();
    await child.stop(300);
    expect(performance.now() - before).toBeGreaterThan(250);
    expect(isRunning(pid)).toBe(false);
  });

  it("takes what it started with it", async () => {
    const { child, events } = supervise(`sleep 61 & echo $!; ${READY}; wait`);
    await child.start();
    const log = events.find((event) => event.kind === "log");
    const grandchild = Number(log?.kind === "log" ? log.line.text : Number.NaN);
    expect(isRunning(grandchild)).toBe(true);
    await child.stop(1_000);
    await expect.poll(() => isRunning(grandchild)).toBe(false);
  });
});
