/** `weft run`: a command with a sidecar beside it. What is started, and how it becomes the command, stands in `run/`. */
import { writeSync } from "node:fs";
import { become, canBecome } from "../run/become.ts";
import { startBeside } from "../run/beside.ts";
import { programEnvironment } from "../run/environment.ts";
import { type Found, findProgram } from "../run/program.ts";
import { RunError, type RunSettings } from "../run/settings.ts";
import { newCommand, runCommand } from "./command.ts";
import { formatMs } from "./duration.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import type { Io } from "./io.ts";
import { addRunOptions, type RunFlags } from "./run-options.ts";
import { runSettings } from "./run-settings.ts";
import { weftProgram } from "./weft-program.ts";

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = addRunOptions(
    newCommand(
      {
        name: "run",
        summary:
          "Run a program with a sidecar beside it: others of the mesh reach it as an instance of the Service, and it " +
          "reaches them through HTTP_PROXY. The sidecar starts first and ends after it.",
        examples: [
          ["weft run --service catalog --port 8080 -- node app.js", "on the control plane's machine"],
          [
            "weft run --control-plane mesh:15012 --trust-bundle bundle.pem --join-token-file token --service catalog --port 8080 -- ./server",
            "on any other",
          ],
          ["weft run --service report -- ./job.sh", "a job: it calls others and nobody calls it"],
        ],
        exits: {
          ok: "and any other: the command's own; ended by a signal, it is ended by that signal",
          failed: "the command's own",
          others: [
            "  125  the sidecar could not be started, or was not ready in time; the command was not started",
            "  126  the command is no program that can be run",
            "  127  there is no such command",
          ],
        },
      },
      io,
    ),
  )
    .argument("<command...>", "the program and its arguments, after --")
    .passThroughOptions();
  return runCommand(command, argv, io, () => runBeside(command.args, command.opts<RunFlags>(), io));
}

async function runBeside(words: readonly string[], flags: RunFlags, io: Io): Promise<number> {
  const startedAt = performance.now();
  const settings = await runSettings(flags, io).catch(notStarted);
  if (!canBecome()) throw usageError("weft run needs Linux or macOS");
  const [name = "", ...args] = words;
  const program = found(name, findProgram(name, io.env["PATH"] ?? DEFAULT_PATH, io.cwd));
  try {
    const started = await start(settings, io);
    const { workload, namespace, port } = settings;
    const env = programEnvironment(io.env, {
      workload: `${namespace}/${workload}`,
      ...(port === undefined ? {} : { port }),
      ...(started.proxy === undefined ? {} : { proxy: started.proxy }),
    });
    if (!settings.isQuiet) say(settings, started.reachedAt, performance.now() - startedAt);
    const [file = "", ...rest] = [...started.wrapper, program.file, ...program.args, ...args];
    // A program may look at the name that it was called by.
    const calledAs = file === program.file && program.args.length === 0 ? name : file;
    become(file, [calledAs, ...rest], { ...env, ...started.env }, io.env["WEFT_OPEN_FILES"]);
  } catch (error) {
    const { syscall, code } = error as NodeJS.ErrnoException;
    if (syscall === "execve") throw notRun(program.file, code);
    if (!(error instanceof RunError)) throw error;
    throw new CliError(error.message, { exitCode: EXIT.notStarted, hints: error.hints });
  }
}

/** What fails before the command is no failure of the command. */
function notStarted(error: unknown): never {
  if (!(error instanceof CliError) || error.exitCode !== EXIT.failed) throw error;
  throw new CliError(error.message, { exitCode: EXIT.notStarted, hints: error.hints });
}

interface Started {
  /** What to put before the command. */
  readonly wrapper: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly proxy?: string;
  readonly reachedAt: string;
}

async function start(settings: RunSettings, { env }: Io): Promise<Started> {
  const { transparent } = settings;
  if (transparent !== undefined) {
    const { startTransparent } = await import("../run/transparent.ts");
    return startTransparent(settings, transparent, weftProgram(), env);
  }
  const { outboundPort, reachedAt } = await startBeside(settings, weftProgram(), env);
  return { wrapper: [], env: {}, proxy: `http://127.0.0.1:${outboundPort}`, reachedAt };
}

function found(name: string, program: Found): Extract<Found, { kind: "found" }> {
  if (program.kind === "found") return program;
  if (program.kind === "missing")
    throw new CliError(`there is no command "${name}"`, { exitCode: EXIT.notFound });
  throw new CliError(`${program.file} cannot be run: no file with the right to be executed`, {
    exitCode: EXIT.notExecutable,
  });
}

/** What the kernel alone could know. */
function notRun(file: string, code = "execve"): CliError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "the interpreter or the loader that it names is not there",
    ENOEXEC: "it is no program of this machine's kind",
    E2BIG: "its arguments and environment are too long",
  };
  return new CliError(`${file} cannot be run: ${reasons[code] ?? code}`, { exitCode: EXIT.notExecutable });
}

/** Written past Node's streams: standard error is the command's from now on. */
function say({ namespace, workload, port, service }: RunSettings, reachedAt: string, afterMs: number): void {
  const at = port === undefined ? "" : `, instance of ${service}, reached at ${reachedAt}`;
  writeSync(2, `weft: sidecar ${namespace}/${workload}${at}, ready after ${formatMs(afterMs)}\n`);
}
