/**
 * One child process that is kept running: started, watched until it is ready, started again with a growing delay when it
 * ends by itself, and ended for good when asked to. Each is the leader of a process group of its own, so that a
 * terminal's Ctrl-C reaches the supervisor alone, and so that ending a child ends what it started.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { Backoff } from "./backoff.ts";
import { LineSplitter, type LogLine, parseJsonLine, readLogLine } from "./log-line.ts";
import type { Reaper } from "./reaper.ts";

export type Role = "control-plane" | "sidecar" | "app";

export interface ProcessSpec {
  readonly role: Role;
  /** Workload id, or `control-plane`. */
  readonly id: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Ready when it prints a line `{"event":"ready",…}`, when it listens, or at once. */
  readonly ready:
    | { readonly kind: "announcement" }
    | { readonly kind: "listening"; readonly host: string; readonly port: number }
    | { readonly kind: "started" };
  /** Where it will listen. */
  readonly ports: { readonly address: string; readonly numbers: readonly number[] };
  /** Called before each start. */
  readonly beforeStart?: () => Promise<void>;
}

export type ProcessEvent =
  | {
      readonly kind: "ready";
      readonly spec: ProcessSpec;
      readonly pid: number;
      /** Since this start. */
      readonly afterMs: number;
      readonly restarts: number;
    }
  | { readonly kind: "log"; readonly spec: ProcessSpec; readonly line: LogLine }
  | {
      readonly kind: "ended";
      readonly spec: ProcessSpec;
      /** `exited with code 1`, `was killed by SIGKILL`, `could not be started: …`. */
      readonly how: string;
      readonly restartInMs: number;
    };

const POLL_MS = 40;
const PROBE_GOODBYE_MS = 1_000;
const REMEMBERED_LINES = 24;

export class SupervisedProcess {
  readonly spec: ProcessSpec;
  readonly #reaper: Reaper;
  readonly #report: (event: ProcessEvent) => void;
  readonly #backoff = new Backoff();
  readonly #lastLines: string[] = [];
  readonly #firstReady = Promise.withResolvers<void>();
  #child: ChildProcess | undefined;
  #restart: NodeJS.Timeout | undefined;
  #stopping = false;
  #isReady = false;
  #restarts = 0;

  constructor(spec: ProcessSpec, reaper: Reaper, report: (event: ProcessEvent) => void) {
    this.spec = spec;
    this.#reaper = reaper;
    this.#report = report;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Process id while it runs. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last lines it printed: what to show when it never became ready. */
  get lastLines(): readonly string[] {
    return this.#lastLines;
  }

  /** Starts it; resolves when it is ready for the first time, also if that takes several starts. */
  start(): Promise<void> {
    void this.#launch();
    return this.#firstReady.promise;
  }

  /** SIGTERM to the group, SIGKILL after `graceMs`; resolves when it has ended. Never starts again. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    const child = this.#child;
    if (child?.pid === undefined) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    this.#signal("SIGTERM");
    const deadline = setTimeout(() => this.#signal("SIGKILL"), graceMs);
    await ended;
    clearTimeout(deadline);
  }

  /** SIGKILL to the group, now. Never starts again. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#signal("SIGKILL");
  }

  async #launch(): Promise<void> {
    await this.spec.beforeStart?.();
    if (this.#stopping) return;
    const { spec } = this;
    const startedAt = performance.now();
    const child = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.env },
      detached: true,
      stdio: [spec.role === "app" ? "ignore" : "pipe", "pipe", "pipe"],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#reaper.add(child.pid);
    child.stdin?.on("error", () => {});
    this.#readLines(child, "stdout", startedAt);
    this.#readLines(child, "stderr", startedAt);
    child.once("error", (error) => this.#ended(child, startedAt, `could not be started: ${error.message}`));
    child.once("exit", (code, signal) =>
      this.#ended(child, startedAt, signal === null ? `exited with code ${code}` : `was killed by ${signal}`),
    );
    if (spec.ready.kind === "listening") this.#pollPort(child, spec.ready.host, spec.ready.port, startedAt);
    if (spec.ready.kind === "started") child.once("spawn", () => this.#becomeReady(child, startedAt));
  }

  #readLines(child: ChildProcess, stream: "stdout" | "stderr", startedAt: number): void {
    const lines = new LineSplitter((line) => {
      if (stream === "stdout" && this.spec.ready.kind === "announcement") {
        if (parseJsonLine(line)?.["event"] === "ready") {
          this.#becomeReady(child, startedAt);
          return;
        }
      }
      this.#lastLines.push(line);
      if (this.#lastLines.length > REMEMBERED_LINES) this.#lastLines.shift();
      this.#report({ kind: "log", spec: this.spec, line: readLogLine(line, stream) });
    });
    const source = child[stream];
    source?.setEncoding("utf8");
    source?.on("data", (chunk: string) => lines.push(chunk));
    source?.on("end", () => lines.end());
    source?.on("error", () => {});
  }

  #pollPort(child: ChildProcess, host: string, port: number, startedAt: number): void {
    const attempt = () => {
      if (this.#child !== child || this.#stopping) return;
      const socket = connect({ host, port });
      let isAccepted = false;
      socket.once("connect", () => {
        isAccepted = true;
        // Goodbye in order: a program that speaks first, and writes into a reset, may well die of it.
        socket.resume().end();
        socket.setTimeout(PROBE_GOODBYE_MS, () => socket.destroy());
        this.#becomeReady(child, startedAt);
      });
      socket.once("error", () => {
        socket.destroy();
        if (!isAccepted) setTimeout(attempt, POLL_MS);
      });
    };
    attempt();
  }

  #becomeReady(child: ChildProcess, startedAt: number): void {
    if (this.#child !== child || this.#stopping) return;
    this.#isReady = true;
    const afterMs = performance.now() - startedAt;
    this.#report({ kind: "ready", spec: this.spec, pid: child.pid ?? 0, afterMs, restarts: this.#restarts });
    this.#firstReady.resolve();
  }

  #ended(child: ChildProcess, startedAt: number, how: string): void {
    if (this.#child !== child) return;
    if (child.pid !== undefined) {
      // What the program started goes with it: it would hold the port that the next one needs.
      this.#signal("SIGKILL");
      this.#reaper.remove(child.pid);
    }
    this.#child = undefined;
    this.#isReady = false;
    if (this.#stopping) return;
    const restartInMs = this.#backoff.next(performance.now() - startedAt);
    this.#restarts += 1;
    this.#report({ kind: "ended", spec: this.spec, how, restartInMs });
    this.#restart = setTimeout(() => void this.#launch(), restartInMs);
  }

  #signal(signal: NodeJS.Signals): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // The group has ended already.
    }
  }
}
