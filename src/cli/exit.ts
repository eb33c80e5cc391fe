/**
 * How a command ends: its exit code, and an error that carries what a person needs to get further. Anything else
 * that is thrown is a defect of ours and keeps its stack.
 */

/**
 * `ok` it worked; `failed` it did not, or what was checked is wrong; `usage` the command line was not understood. Of `weft run`, whose
 * others are its command's: `notStarted` Weft itself failed, `notExecutable` and `notFound` the command, as with env(1) and timeout(1).
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notStarted: 125,
  notExecutable: 126,
  notFound: 127,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** An expected failure: printed as `error: <message>` with its hints, without a stack. */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  /** What to do about it, one line each. */
  readonly hints: readonly string[];

  constructor(message: string, options: { exitCode?: ExitCode; hints?: readonly string[] } = {}) {
    super(message);
    this.name = "CliError";
    this.exitCode = options.exitCode ?? EXIT.failed;
    this.hints = options.hints ?? [];
  }
}

/** A command line that makes no sense; exits with 2. */
export function usageError(message: string, ...hints: string[]): CliError {
  return new CliError(message, { exitCode: EXIT.usage, hints });
}
