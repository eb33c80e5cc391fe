/** Programs of the machine that `weft init` runs: `nft`, `iptables-restore`, `ip`. One after the other, each bounded in time. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";

/** Longest that one of them may take; they wait for each other's lock. */
const TIMEOUT_MS = 10_000;

export interface Outcome {
  readonly isDone: boolean;
  readonly stdout: string;
  /** What it said on standard error, or why it could not be started. */
  readonly problem: string;
}

/** Runs a program with `input` on its standard input. */
export type Shell = (program: string, args: readonly string[], input?: string) => Outcome;

/** Debian keeps these programs where not everybody's path leads. */
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/local/sbin`;

export const systemShell: Shell = (program, args, input = "") => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: "utf8",
    timeout: TIMEOUT_MS,
    env: { ...process.env, PATH, ...lockFile() },
    maxBuffer: 64 * 1_024 * 1_024,
  });
  // EPIPE: it has ended before it had read its input, and says itself why.
  if (error !== undefined && (error as NodeJS.ErrnoException).code !== "EPIPE")
    return { isDone: false, stdout: "", problem: startProblem(program, error) };
  const isDone = status === 0 && error === undefined;
  return { isDone, stdout, problem: stderr.trim() || `${program} ended with ${status}` };
};

/** Legacy iptables locks a file below /run, which cannot be written where a container's root is read-only; /dev/shm can. */
function lockFile(): { XTABLES_LOCKFILE?: string } {
  try {
    accessSync("/run", constants.W_OK);
    return {};
  } catch {
    return { XTABLES_LOCKFILE: process.env["XTABLES_LOCKFILE"] ?? "/dev/shm/xtables.lock" };
  }
}

function startProblem(program: string, error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT" ? `there is no ${program} on this machine` : `${program}: ${error.message}`;
}
