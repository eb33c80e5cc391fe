/**
 * What a command may touch of the process: handed in, so that tests run a command and read what it printed without
 * replacing globals.
 */
import type { Readable, Writable } from "node:stream";

export interface Io {
  readonly stdin: Readable;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** A stream for output; the extra fields are those of a terminal. */
export type Sink = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number };

/** A command's entry: gets what follows its name, resolves with the exit code. */
export type Run = (argv: readonly string[], io: Io) => Promise<number>;

/** The process itself. */
export function processIo(): Io {
  return {
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
  };
}
