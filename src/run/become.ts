/**
 * Becomes the command: execve keeps the process id, the standard streams, the terminal and the process group, so that signals, exit
 * codes and job control are the command's own, and there is nothing to pass on (as `env`, `nice` and `chroot` do). What Node has
 * changed for itself is put back: it ignores SIGPIPE, and ignored signals stay so; pipes that it has opened as streams do not block, and
 * that is a matter of the pipe, not of the process (commander opens all three, by importing `node:process`). It allows itself as many
 * open files as the hard limit lets it; `bin/weft` has noted how many there were.
 */
import { constants } from "node:os";

/** `SIG_DFL`. */
const DEFAULT_ACTION = 0n;
/** What Node ignores. */
const IGNORED = [constants.signals.SIGPIPE, constants.signals.SIGXFSZ] as const;

/** `RLIMIT_NOFILE`, of Linux and of macOS. */
const OPEN_FILES = process.platform === "darwin" ? 8 : 7;
/** `struct rlimit`: the soft limit, then the hard one. */
const LIMIT_BYTES = 16;

interface HandleOwner {
  /** Absent where the stream is a file. */
  readonly _handle?: { readonly setBlocking?: (isBlocking: boolean) => number } | null;
}

/** Whether this system knows how. */
export function canBecome(): boolean {
  return process.execve !== undefined;
}

/**
 * Does not return; throws the system's error, of `syscall` execve, where the kernel can't start the file. `openFiles`: how many there may
 * be; anything but a number leaves it as it is.
 */
export function become(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  openFiles = "",
): never {
  // That these are experimental in Node is nothing to tell whose command can't be started.
  process.removeAllListeners("warning");
  const { dlopen } = process.getBuiltinModule("node:ffi");
  const { signal, getrlimit, setrlimit } = dlopen(null, {
    signal: { arguments: ["int32", "pointer"], return: "pointer" },
    getrlimit: { arguments: ["int32", "buffer"], return: "int32" },
    setrlimit: { arguments: ["int32", "buffer"], return: "int32" },
  }).functions;
  const limit = Buffer.alloc(LIMIT_BYTES);
  if (/^\d{1,15}$/.test(openFiles) && getrlimit(OPEN_FILES, limit) === 0) {
    limit.writeBigUInt64LE(BigInt(openFiles));
    setrlimit(OPEN_FILES, limit);
  }
  for (const stream of [process.stdin, process.stdout, process.stderr])
    (stream as unknown as HandleOwner)._handle?.setBlocking?.(true);
  for (const number of IGNORED) signal(number, DEFAULT_ACTION);
  process.execve?.(file, args, env);
  throw new Error("execve has returned");
}
