/** The five backends of a run, and what can be done to them: each a process of its own that keeps its port. */
import { closeSync, mkdirSync, openSync, statSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Child, LOAD_CPU, start } from "../children.ts";
import { announced } from "../peers/announced.ts";

/** How a backend answers. */
export interface Behaviour {
  /** Milliseconds until it answers. */
  readonly delay: number;
  /** Share of 503s, 0 to 1. */
  readonly errors: number;
}

export const COUNT = 5;
export const HEALTHY: Behaviour = { delay: 5, errors: 0 };

/** Below the ports that Linux gives to clients: a dead backend's port cannot be taken, nor connect to itself. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

const PROGRAM = join(import.meta.dirname, "backend.ts");

export class Backends {
  readonly ports: readonly number[];
  readonly #dir: string;
  readonly #children: Child[] = [];

  private constructor(dir: string, ports: readonly number[]) {
    this.#dir = dir;
    this.ports = ports;
  }

  /** All five, listening. `dir` is for their counters. */
  static async start(dir: string): Promise<Backends> {
    mkdirSync(dir, { recursive: true });
    const ports = new Set<number>();
    while (ports.size < COUNT) ports.add(await lowPort());
    const backends = new Backends(dir, [...ports]);
    await Promise.all(backends.ports.map((_, index) => backends.start(index)));
    return backends;
  }

  /** Starts the one with this number; resolves when it listens. */
  async start(index: number): Promise<void> {
    const counter = this.#counter(index);
    closeSync(openSync(counter, "a"));
    const child = start([process.execPath, PROGRAM, String(this.ports[index]), counter], LOAD_CPU);
    this.#children[index] = child;
    await announced(child, "port");
  }

  /** Ends one with SIGTERM or SIGKILL; resolves when it has ended. */
  async end(index: number, how: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.#children[index];
    if (how === "SIGKILL") child?.process.kill(how);
    await child?.stop();
  }

  /** Stops one in its tracks (its kernel still accepts), or lets it go on. */
  pause(index: number, isPaused: boolean): void {
    this.#children[index]?.process.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  }

  async behave(index: number, { delay, errors }: Behaviour): Promise<void> {
    const port = this.ports[index];
    const path = `/control?delay=${delay}&errors=${errors}`;
    await new Promise<void>((resolve, reject) => {
      const options = { host: "127.0.0.1", port, path, method: "POST", agent: false, timeout: 5_000 };
      const sent = request(options, (response) => response.resume().once("end", resolve));
      sent.on("timeout", () => sent.destroy(new Error("a backend does not answer its control")));
      sent.on("error", reject);
      sent.end();
    });
  }

  /** Requests that all have received so far, before and after restarts. */
  received(): number {
    return this.receivedEach().reduce((sum, count) => sum + count, 0);
  }

  receivedEach(): readonly number[] {
    return this.ports.map((_, index) => statSync(this.#counter(index)).size);
  }

  async stop(): Promise<void> {
    await Promise.all(this.ports.map((_, index) => this.end(index, "SIGKILL")));
  }

  #counter(index: number): string {
    return join(this.#dir, `received-${index}`);
  }
}

async function lowPort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
