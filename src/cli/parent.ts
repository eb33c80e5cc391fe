/**
 * Ends this process when its parent ends, however it ended. The parent holds the other end of our stdin and never
 * writes to it, so end of file means that it is gone, even by kill -9. (prctl's PDEATHSIG would do the same, but
 * follows the thread that forked and can't be set from JavaScript.)
 */

/** How long a drain may take once the parent is gone, in milliseconds. */
const LAST_GRACE_MS = 3_000;

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
