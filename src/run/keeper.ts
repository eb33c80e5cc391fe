/**
 * Keeps the sidecar of a command running. It can't be this process, which becomes the command, and so it is a small shell:
 * in a session of its own, so that the terminal's signals pass it by, and nobody's child, so that the command's `wait` does not meet
 * it. The sidecar itself watches the command and ends with it; then the shell cleans up and ends too.
 */
import { spawnSync } from "node:child_process";

/**
 * `$1`: pid of the command; `$2`: what to run at the end; then the sidecar's command line. Times in tenths of a second.
 * A command that has become another user (sudo) can't be signalled, and is still there.
 */
const SCRIPT = `
command=$1 cleanup=$2
shift 2
trap '' HUP INT QUIT TERM
lives() {
  kill -0 "$command" 2>/dev/null || [ -d "/proc/$command" ] || return 1
  case $(cat "/proc/$command/stat" 2>/dev/null) in *') '[ZX]' '*) return 1 ;; esac
}
pause=1
while lives; do
  began=$(date +%s)
  "$@"
  lives || break
  [ $(($(date +%s) - began)) -ge 10 ] && pause=1
  sleep $((pause / 10)).$((pause % 10))
  pause=$((pause * 2))
  [ $pause -le 50 ] || pause=50
done
eval "$cleanup"
`;

export interface Kept {
  /** Who it ends with. */
  readonly pid: number;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptor that the sidecar's messages go to. */
  readonly stderr: number;
  /** Shell commands for when all is over. */
  readonly cleanup: string;
}

/** Starts the keeper; it outlives this process by as long as the sidecar drains. Throws where there is no shell. */
export function keep({ pid, command, env, stderr, cleanup }: Kept): void {
  const args = [String(pid), cleanup, ...command];
  // The shell in between ends at once: the keeper is init's child from then on.
  const { error, status } = spawnSync(
    "/bin/sh",
    ["-c", '"$@" &', "weft", "/bin/sh", "-c", SCRIPT, "weft run", ...args],
    {
      detached: true,
      env: { ...env },
      stdio: ["ignore", "ignore", stderr],
    } as Parameters<typeof spawnSync>[2],
  );
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`/bin/sh ended with ${status}`);
}

/** `text` as one word of a shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
