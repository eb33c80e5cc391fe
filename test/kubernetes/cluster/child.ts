/** A program of a cluster as a child process: what it wrote last, for when it fails, and its end. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type Program, programPath } from "./programs.ts";

/** After SIGTERM; an API server waits for its watches. */
const GRACE_MS = 5_000;
/** Bytes of its log that are kept. */
const KEPT = 16_384;
/** What its garbage collector aims at: three of them have to be small together. */
const MEMORY = "512MiB";

export interface Child {
  readonly name: Program;
  /** The end of its log. */
  log(): string;
  hasEnded(): boolean;
  /** Ends it at once, as a machine that fails. */
  kill(): Promise<void>;
  /** Asks it to end, and ends it if it does not. */
  stop(): Promise<void>;
}

export function startProgram(name: Program, flags: Readonly<Record<string, string>>): Child {
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  const process = spawn(programPath(name), args, {
    // The program ends when its input does, so it does not outlive this process, however that ends.
    stdio: ["pipe", "pipe", "pipe"],
    env: { GOMEMLIMIT: MEMORY, GOMAXPROCS: "2", END_WITH_STDIN: "1" },
  });
  let log = "";
  for (const stream of [process.stdout, process.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-KEPT);
    });
  }
  process.once("error", (error) => {
    log += error.message;
  });
  return {
    name,
    log: () => log,
    hasEnded: () => hasEnded(process),
    kill: () => end(process, "SIGKILL"),
    stop: async () => {
      const timer = setTimeout(() => process.kill("SIGKILL"), GRACE_MS);
      await end(process, "SIGTERM");
      clearTimeout(timer);
    },
  };
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}

async function end(process: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(process)) return;
  const ended = once(process, "exit");
  process.kill(signal);
  await ended;
}
