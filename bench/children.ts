/**
 * Child processes of the benchmark: started in a process group of their own, optionally pinned to one CPU, and ended
 * by id whatever happens. A group, because nginx and Envoy's siblings would outlive a parent that dies first.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { availableParallelism } from "node:os";

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  /** What the child wrote on standard output and error so far; the last 8 KiB. */
  output(): string;
  /** All it wrote on standard output. */
  stdout(): string;
  /** Resolves when it has ended. */
  readonly ended: Promise<number | null>;
  /** TERM to the group, KILL after two seconds. */
  stop(): Promise<void>;
}

const running = new Set<Child>();

/** Where a program is on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  try {
    return execFileSync("/bin/sh", ["-c", 'command -v "$1"', "sh", name], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

const taskset = availableParallelism() > 1 ? findProgram("taskset") : undefined;

/** True when proxy and load run on CPUs of their own; false on one CPU or without `taskset`. */
export const pinned = taskset !== undefined;

/** Proxies run alone on this CPU. */
export const PROXY_CPU = 1;
/** Load and origin share this CPU. */
export const LOAD_CPU = 0;

/** Starts a program; `cpu` pins it, undefined does not (taskset replaces itself with the program: the pid is the program's). */
export function start(
  command: readonly string[],
  cpu: number | undefined,
  env: NodeJS.ProcessEnv = {},
): Child {
  const isPinned = taskset !== undefined && cpu !== undefined;
  const [file = "", ...args] = isPinned ? [taskset, "-c", String(cpu), ...command] : command;
  const child = spawn(file, args, {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  });
  let text = "";
  let answer = "";
  const keep = (chunk: Buffer): void => {
    text = (text + chunk.toString("utf8")).slice(-8192);
  };
  child.stdout.on("data", (chunk: Buffer) => {
    answer += chunk.toString("utf8");
    keep(chunk);
  });
  child.stderr.on("data", keep);
  const ended = new Promise<number | null>((resolve) => {
    child.once("error", (error) => {
      text += error.message;
      resolve(null);
    });
    child.once("close", (code) => resolve(code));
  });
  const handle: Child = {
    pid: child.pid ?? 0,
    process: child,
    output: () => text,
    stdout: () => answer,
    ended,
    stop: async () => {
      signal(handle.pid, "SIGTERM");
      const timer = setTimeout(() => signal(handle.pid, "SIGKILL"), 2000);
      await ended;
      clearTimeout(timer);
      signal(handle.pid, "SIGKILL");
      running.delete(handle);
    },
  };
  running.add(handle);
  return handle;
}

/** Runs a program to its end and returns its standard output; throws with its output when it fails. */
export async function run(command: readonly string[], cpu: number, timeoutMs: number): Promise<string> {
  const child = start(command, cpu);
  const timer = setTimeout(() => signal(child.pid, "SIGKILL"), timeoutMs);
  const code = await child.ended;
  clearTimeout(timer);
  running.delete(child);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}: ${child.output().slice(-500)}`);
  return child.stdout();
}

/** Ends every child still there. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop()));
}

function signal(group: number, name: NodeJS.Signals): void {
  if (group === 0) return;
  try {
    process.kill(-group, name);
  } catch {
    // The group is gone: that is what was wanted.
  }
}

// The last resort when the run itself dies: no asynchronous work is possible any more.
process.on("exit", () => {
  for (const child of running) signal(child.pid, "SIGKILL");
});
