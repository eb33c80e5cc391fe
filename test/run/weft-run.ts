/**
 * `weft run` as a person uses it: a control plane in a process of its own, tokens by `weft token create`, and commands whose output is
 * read. Everything ends with `close`; pids that were not started here are never signalled but those of our own sidecars.
 */
import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE } from "../harness/compile-cache.ts";
import { freePorts } from "../harness/free-ports.ts";
import { keepLog } from "../harness/process-logs.ts";

export const MAIN = beside("../../src/cli/main.ts");
const START_MS = 30_000;
const POLL_MS = 25;

export function beside(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Program and first arguments: `program("server", "catalog")`. */
export function program(
  name: "server" | "caller" | "signals",
  ...args: readonly string[]
): readonly string[] {
  return [process.execPath, beside(`${name}.ts`), ...args];
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** A command under `weft run` that goes on. */
export class Running {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly ended: Promise<Ended>;
  readonly workload: string;
  readonly #lines: Interface;
  readonly #unread: string[] = [];
  readonly #out: Buffer[] = [];
  stderr = "";

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, workload: string) {
    this.child = child;
    this.workload = workload;
    child.stdin.on("error", () => {});
    child.stdout.on("data", (chunk: Buffer) => this.#out.push(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.stderr += chunk;
    });
    this.#lines = createInterface(child.stdout);
    this.#lines.on("line", (line) => this.#unread.push(line));
    this.ended = once(child, "close").then(([code, signal]) => ({
      ...{ code, signal, stderr: this.stderr },
      stdout: Buffer.concat(this.#out),
    }));
  }

  /** Its next line. */
  async line(): Promise<string> {
    await until(() => this.#unread.length > 0 || this.child.exitCode !== null, `a line of ${this.workload}`);
    const line = this.#unread.shift();
    if (line === undefined) throw new Error(`${this.workload} has ended: ${this.stderr}`);
    return line;
  }

  /** Of a `caller`. */
  async get(url: string): Promise<Answer> {
    this.child.stdin.write(`${url}\n`);
    return JSON.parse(await this.line()) as Answer;
  }

  /** Pids of what Weft runs beside it: keeper and sidecar. */
  get companions(): readonly number[] {
    return processes(`default/${this.workload}`).filter((pid) => pid !== this.child.pid);
  }

  /** Of those, what is not the shell that keeps it, or one that the shell has just forked: none, while it is started anew. */
  get sidecars(): readonly number[] {
    return this.companions.filter((pid) => !/^(?:\/bin\/sh |$)/.test(commandLine(pid)));
  }

  /** Its folder for temporary files. */
  get folder(): string {
    return join(tmpdir(), `weft-run-${this.child.pid}`);
  }

  /** Resolves when nothing of it is left. */
  async gone(): Promise<void> {
    await until(
      () => this.companions.length === 0 && !existsSync(this.folder),
      `the end of ${this.workload}`,
    );
  }
}

export class TestMesh {
  readonly folder = mkdtempSync(join(tmpdir(), "weft-test-run-"));
  readonly #started: Running[] = [];
  readonly #env: Readonly<Record<string, string>>;
  #plane: ChildProcess | undefined;
  readonly #ports: readonly string[];
  #number = 0;

  private constructor(documents: readonly object[], ports: readonly number[]) {
    this.#ports = ports.map(String);
    mkdirSync(join(this.folder, "config"));
    this.write(documents);
    this.#env = { PATH: process.env["PATH"] ?? "", HOME: this.folder, ...COMPILE_CACHE };
  }

  static async start(documents: readonly object[]): Promise<TestMesh> {
    const mesh = new TestMesh(documents, await freePorts(2));
    await mesh.startPlane();
    return mesh;
  }

  write(documents: readonly object[]): void {
    const text = documents.map((each) => JSON.stringify(each)).join("\n---\n");
    writeFileSync(join(this.folder, "config", "mesh.yaml"), text);
  }

  /** Again on the same ports. */
  async startPlane(): Promise<void> {
    const [discovery = "", api = ""] = this.#ports;
    const ports = ["--discovery-port", discovery, "--api-port", api];
    const flags = ["--config", join(this.folder, "config"), "--state-dir", join(this.folder, "state")];
    const plane = spawn(process.execPath, [MAIN, "control-plane", ...flags, ...ports], {
      stdio: ["ignore", "pipe", "pipe"],
      env: this.#env,
    });
    keepLog("control plane", plane);
    this.#plane = plane;
    await Promise.race([
      once(createInterface(plane.stdout), "line"),
      once(plane, "close").then(() => Promise.reject(new Error("the control plane ended"))),
    ]);
  }

  async killPlane(): Promise<void> {
    const plane = this.#plane;
    if (plane === undefined) return;
    this.#plane = undefined;
    const closed = once(plane, "close");
    plane.kill("SIGKILL");
    await closed;
  }

  /** A file with a token for a service account. */
  async token(account: string): Promise<string> {
    const file = join(this.folder, `${account}.token`);
    if (existsSync(file)) return file;
    const args = [MAIN, "token", "create", "--service-account", account, "--uses", "1000"];
    const token = await new Promise<string>((resolve, reject) => {
      const env = { ...this.#env, WEFT_API: `http://127.0.0.1:${this.#ports[1]}` };
      execFile(process.execPath, args, { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    });
    writeFileSync(file, token);
    return file;
  }

  /** The command line of `weft run` for a Service, with what it needs to enrol. */
  async command(workload: string, service: string, flags: readonly string[]): Promise<readonly string[]> {
    return [
      ...[process.execPath, MAIN, "run", "--control-plane", `127.0.0.1:${this.#ports[0]}`],
      ...["--trust-bundle", join(this.folder, "state", "trust-bundle.pem")],
      ...[
        "--join-token-file",
        await this.token(service),
        "--service",
        service,
        "--workload",
        workload,
        ...flags,
      ],
    ];
  }

  async start(
    service: string,
    flags: readonly string[],
    command: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Running> {
    const workload = `${service}-t${process.pid}-${++this.#number}`;
    const [file = "", ...args] = [...(await this.command(workload, service, flags)), "--", ...command];
    const child = spawn(file, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...this.#env, ...env },
      cwd: this.folder,
    });
    keepLog(workload, child);
    const running = new Running(child, workload);
    this.#started.push(running);
    return running;
  }

  /** Runs one to its end. */
  async run(
    service: string,
    flags: readonly string[],
    command: readonly string[],
    input: Buffer = Buffer.alloc(0),
  ): Promise<Ended> {
    const running = await this.start(service, flags, command);
    running.child.stdin.end(input);
    return running.ended;
  }

  /** A server that is ready. */
  async serve(service: string, name: string, port: number, flags: readonly string[] = []): Promise<Running> {
    const command = program("server", name);
    const running = await this.start(service, ["--port", String(port), ...flags], command);
    await running.line();
    return running;
  }

  async close(): Promise<void> {
    for (const { child } of this.#started) child.kill("SIGKILL");
    await Promise.all(this.#started.map((each) => each.ended));
    await Promise.all(this.#started.map((each) => each.gone()));
    await this.killPlane();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits for something that comes to be so. */
export async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + START_MS;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await sleep(POLL_MS);
  }
}

/** Pids of processes on whose command line stands `word`. */
export function processes(word: string): readonly number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => commandLine(pid).split(" ").includes(word));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

export function service(
  name: string,
  port: number,
  annotations: Readonly<Record<string, string>> = {},
): object {
  const spec = { ports: [{ name: "http", port }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name, annotations }, spec };
}
