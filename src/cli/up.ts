/**
 * `weft up`: the command line of a local mesh. What it starts and how stands in `local/`; how it looks in `up-*.ts`.
 */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { Mesh, StartError } from "../local/mesh.ts";
import { StatsFolder } from "../local/stats.ts";
import type { ProcessEvent } from "../local/supervised-process.ts";
import { durationSetting, newCommand, runCommand } from "./command.ts";
import { integerOption } from "./duration.ts";
import { CliError } from "./exit.ts";
import { listenForInterrupts } from "./interrupt.ts";
import type { Io } from "./io.ts";
import { loadMeshResources } from "./mesh-resources.ts";
import type { Display } from "./up-display.ts";
import { prepareEnrolment } from "./up-enrolment.ts";
import { JsonDisplay } from "./up-json.ts";
import { LineDisplay } from "./up-lines.ts";
import { ScreenDisplay } from "./up-screen.ts";
import { runSession } from "./up-session.ts";
import { weftProgram } from "./weft-program.ts";

interface Options {
  readonly duration?: number;
  readonly rate: number;
  readonly apiPort: number;
  readonly startTimeout: number;
  readonly trickle: boolean;
  readonly copy?: boolean;
  readonly verbose?: boolean;
  readonly json?: boolean;
}

/** Ended by a second Ctrl-C: what shells report for SIGINT. */
const EXIT_KILLED = 130;

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "up",
      summary:
        "Run the mesh of a directory on this machine: a control plane, and for each Workload with a command the " +
        "program and its sidecar. No root, no cluster. Ctrl-C ends everything; twice, at once.",
      examples: [
        ["weft up config/demo", "until Ctrl-C"],
        ["weft up config/demo --duration 20s", "ends by itself, with a summary"],
        ["weft up config/demo --json | jq 'select(.event==\"stats\")'", "for a program"],
        ["weft up config/demo --copy", "try changes without touching the files"],
        ["weft up mesh/ --no-trickle --verbose", "your own requests only; all that the processes print"],
      ],
      exits: {
        ok: "ended by --duration or by Ctrl-C",
        failed:
          "something is wrong with a resource, did not become ready, or answered no request successfully",
      },
    },
    io,
  )
    .argument("<directory>", "directory of YAML resources")
    .addOption(durationSetting("--duration", "end after this long"))
    .option("--rate <n>", "requests a second of the trickle", integerOption("--rate", 1, 500), 10)
    .option("--no-trickle", "send no requests")
    .option("--copy", "what is applied stays out of the directory and is gone at the end")
    .option(
      "--api-port <port>",
      "port of the control plane's API; 0: any",
      integerOption("--api-port", 0, 65_535),
      0,
    )
    .addOption(durationSetting("--start-timeout", "how long everything may take to become ready", "30s"))
    .option("--verbose", "show everything that the processes print, not only warnings and errors");
  return runCommand(command, argv, io, async () => {
    const [directory = ""] = command.args;
    return up(directory, command.opts<Options>(), io);
  });
}

async function up(directory: string, options: Options, io: Io): Promise<number> {
  const folder = resolve(io.cwd, directory);
  const { workloads, services, trustDomain } = await loadMeshResources(folder);
  const display = makeDisplay(options, io);
  // Nothing that a child did between planning and the end of the process is lost on a display that is closed.
  const report = (event: ProcessEvent) => display.event(event);
  try {
    const mesh = await Mesh.plan({
      directory: folder,
      isCopied: options.copy === true,
      workloads,
      services,
      prepareEnrolment: (state, instances) => prepareEnrolment(state, trustDomain, instances),
      weft: weftProgram(),
      apiPort: options.apiPort,
      startTimeoutMs: options.startTimeout,
      env: io.env,
      report,
    });
    const interrupts = listenForInterrupts(
      () => display.note("ending; Ctrl-C again ends it at once"),
      () => {
        mesh.kill();
        display.close();
        process.exit(EXIT_KILLED);
      },
    );
    const { duration } = options;
    const rate = options.trickle ? options.rate : 0;
    const session = { directory, cwd: io.cwd, isCopied: options.copy === true, weft: calledAs(io.cwd), rate };
    const timed = duration === undefined ? session : { ...session, durationMs: duration };
    const stats = new StatsFolder(services, workloads);
    return await runSession(mesh, stats, timed, display, interrupts.first).finally(interrupts.dispose);
  } catch (error) {
    if (error instanceof StartError) throw new CliError(error.message, { hints: error.details });
    throw error;
  } finally {
    display.close();
  }
}

function makeDisplay({ json, verbose }: Options, io: Io): Display {
  const isVerbose = verbose === true;
  if (json === true) return new JsonDisplay(io, isVerbose);
  const isTerminal = io.stdout.isTTY === true && io.env["TERM"] !== "dumb";
  return isTerminal ? new ScreenDisplay(io, isVerbose) : new LineDisplay(io, isVerbose);
}

/** What to type in a second terminal: a path where this program is below the current directory, as in a checkout. */
function calledAs(cwd: string): string {
  const path = relative(cwd, fileURLToPath(new URL("../../bin/weft", import.meta.url)));
  return path.startsWith("..") ? "weft" : path;
}
