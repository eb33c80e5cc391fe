/**
 * Ends process groups when this process dies without ending them itself (kill -9, out of memory). Our own programs watch
 * their stdin for that, but an application is anybody's: so a shell of one megabyte holds the list of groups, in a
 * session of its own so that Ctrl-C in the terminal passes it by, and reads from a pipe whose other end only we have.
 * End of file means that we are gone.
 */
import { type ChildProcess, spawn } from "node:child_process";

/** Lines `+ <group>` and `- <group>` keep the list; then SIGTERM, at most three seconds, SIGKILL. */
const SCRIPT = `
groups=
while read -r verb group; do
  case $verb in
    +) groups="$groups $group" ;;
    -) rest=
       for g in $groups; do [ "$g" = "$group" ] || rest="$rest $g"; done
       groups=$rest ;;
  esac
done
for g in $groups; do kill -TERM -"$g" 2>/dev/null; done
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  alive=
  for g in $groups; do kill -0 -"$g" 2>/dev/null && alive=yes; done
  [ -z "$alive" ] && exit 0
  sleep 0.2
done
for g in $groups; do kill -KILL -"$g" 2>/dev/null; done
`;

export class Reaper {
  readonly #shell: ChildProcess;

  constructor() {
    this.#shell = spawn("/bin/sh", ["-c", SCRIPT], {
      detached: true,
      cwd: "/",
      stdio: ["pipe", "ignore", "ignore"],
      env: { PATH: "/usr/bin:/bin" },
    });
    // Without it everything works but the last resort: no reason to end a mesh.
    this.#shell.on("error", () => {});
    this.#shell.stdin?.on("error", () => {});
    this.#shell.unref();
  }

  /** From now on the group is ended with us. */
  add(group: number): void {
    this.#shell.stdin?.write(`+ ${group}\n`);
  }

  /** The group has ended; its number may come to mean others. */
  remove(group: number): void {
    this.#shell.stdin?.write(`- ${group}\n`);
  }

  /** Ends the reaper itself; groups still on its list end with it. */
  close(): Promise<void> {
    const shell = this.#shell;
    if (shell.exitCode !== null || shell.signalCode !== null || shell.pid === undefined)
      return Promise.resolve();
    return new Promise((resolve) => {
      shell.once("exit", () => resolve());
      shell.ref();
      shell.stdin?.end();
    });
  }
}
