/**
 * Ends this process when its parent ends, however it ended. The parent holds the other end of our stdin and never
 * writes to it, so end of file means that it is gone, even by kill -9. (prctl's PDEATHSIG would do the same, but
 * follows the thread that forked and can't be set from JavaScript.)
 */

import { readFileSync } from "node:fs";
import { isAlive } from "../local/run-file.ts";

/** How long a drain may take once the parent is gone, in milliseconds. */
const LAST_GRACE_MS = 3_000;

/** How often it is asked whether a process is still there, in milliseconds. */
const LOOK_MS = 100;

/**
 * Ends this process when another ends that knows nothing of it. One that nobody has waited for yet (a zombie) has ended; its number
 * is not given to another so soon.
 */
export function exitWithProcess(pid: number): void {
  const timer = setInterval(() => {
    if (isRunning(pid)) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, LOOK_MS).unref();
}

function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

/** Ends as SIGTERM would, and by force if that takes too long. Never keeps the process alive by itself. */
export function exitWithParent(): void {
  const leave = () => {
    process.kill(process.pid, "SIGTERM");
    setTimeout(() => process.kill(process.pid, "SIGKILL"), LAST_GRACE_MS).unref();
  };
  process.stdin.once("close", leave);
  process.stdin.on("error", () => {});
  process.stdin.resume();
  // A pipe's handle can be unreferenced; what @types/node knows of stdin is only the terminal.
  if ("unref" in process.stdin) process.stdin.unref();
}
