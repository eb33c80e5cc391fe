/**
 * `weft up` as a person runs it: the real command in a process of its own, read through its JSON lines, in a folder and
 * with a copy of the demo mesh of its own.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LineSplitter } from "../../src/local/log-line.ts";
import { keepLog } from "../harness/process-logs.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const WEFT = join(ROOT, "bin", "weft");
const START_LIMIT_MS = 40_000;

export type UpEvent = Readonly<Record<string, unknown>> & { readonly event: string };

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder with a copy of the demo mesh, and everything that is started in it. */
export class UpProcess {
  readonly folder = mkdtempSync(join(tmpdir(), "weft-up-test-"));
  readonly mesh = join(this.folder, "mesh");
  readonly events: UpEvent[] = [];
  readonly ended: Promise<Ended>;
  stderr = "";
  readonly #child: ChildProcess;
  #waiters: (() => void)[] = [];
  #hasEnded = false;

  /** Starts `weft up <copy of the demo> --json` with further arguments; `edit` changes the copy before. */
  constructor(args: readonly string[], edit: (mesh: string) => void = () => {}) {
    cpSync(join(ROOT, "config", "demo"), this.mesh, { recursive: true });
    edit(this.mesh);
    const command = ["up", this.mesh, "--json", ...args];
    this.#child = spawn(WEFT, command, {
      cwd: this.folder,
      env: this.#env(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    keepLog("weft up", this.#child);
    const lines = new LineSplitter((line) => {
      this.events.push(JSON.parse(line) as UpEvent);
      this.#wake();
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (chunk: string) => lines.push(chunk));
    this.#child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve) =>
      this.#child.once("close", (code, signal) => {
        this.#hasEnded = true;
        this.#wake();
        resolve({ code, signal });
      }),
    );
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first event that `matches`, now or later. Rejects when the process ends before. */
  async until(matches: (event: UpEvent) => boolean, limitMs = START_LIMIT_MS): Promise<UpEvent> {
    const deadline = performance.now() + limitMs;
    for (;;) {
      const found = this.events.find(matches);
      if (found !== undefined) return found;
      if (this.#hasEnded || performance.now() > deadline) throw new Error(`no such event\n${this.#tail()}`);
      await this.#nextEvent(deadline - performance.now());
    }
  }

  /** Ports of all instances and of the API. */
  async ports(): Promise<readonly number[]> {
    const started = await this.until(({ event }) => event === "started");
    const instances = started["instances"] as {
      ports: Record<string, number>;
      sidecar: Record<string, number>;
    }[];
    const api = Number(new URL(String(started["api"])).port);
    return [api, ...instances.flatMap((i) => [...Object.values(i.ports), ...Object.values(i.sidecar)])];
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Another command in the same folder, as in a second terminal. */
  run(...args: string[]): Promise<Result> {
    return new Promise((resolve) =>
      execFile(WEFT, args, { cwd: this.folder, env: this.#env(), timeout: 30_000 }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
      ),
    );
  }

  /** Ends what is left, and removes the folder. */
  async dispose(): Promise<void> {
    if (!this.#hasEnded) this.#child.kill("SIGTERM");
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  #nextEvent(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, limitMs));
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  /** Temporary files of its own, so that a mesh that somebody runs at the same time is not found instead. */
  #env(): NodeJS.ProcessEnv {
    const { WEFT_API: _api, ...env } = process.env;
    return { ...env, TMPDIR: this.folder, http_proxy: "http://127.0.0.1:9", NO_COLOR: "1" };
  }

  #tail(): string {
    return [...this.events.slice(-10).map((event) => JSON.stringify(event)), this.stderr].join("\n");
  }
}

/** Path of one of the samples. */
export function sample(name: string): string {
  return join(ROOT, "config", "samples", name);
}
