/**
 * `weft load`: sends a constant rate (or as much as comes back) to one URL, says what came of it, and fails when it was
 * not what `--expect` asked for. This process is the generator; keep it off the cores of what it measures.
 */
import type { Command } from "commander";
import { type Expectation, judge, parseExpectations } from "../load/expectation.ts";
import { LoadError } from "../load/load-error.ts";
import type { LoadOptions } from "../load/options.ts";
import { PROGRESS_MS, progressLine } from "../load/progress-line.ts";
import { htmlReport } from "../load/report-html.ts";
import { textReport } from "../load/report-text.ts";
import { type LoadProgress, runLoad } from "../load/run.ts";
import { newCommand, runCommand } from "./command.ts";
import { collect } from "./documents.ts";
import { durationOption, integerOption } from "./duration.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import { type Io, processIo } from "./io.ts";
import { bodyOf, checkWritable, headerOption, rateOption, sizeOption, writeReport } from "./load-input.ts";
import { json } from "./output.ts";

interface Options {
  readonly rate?: number;
  readonly closed?: boolean;
  readonly connections?: number;
  readonly maxInFlight?: number;
  readonly duration?: number;
  readonly requests?: number;
  readonly warmup?: number;
  readonly timeout?: number;
  readonly arrival?: string;
  readonly seed?: number;
  readonly method?: string;
  readonly header?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly bodyFile?: string;
  readonly bodySize?: number;
  readonly host?: string;
  readonly proxy?: string;
  readonly expect?: readonly string[];
  readonly html?: string;
  readonly output?: string;
  readonly json?: boolean;
}

/** The command with its options, not yet run. */
export function loadCommand(io: Io = processIo()): Command {
  return newCommand(
    {
      name: "load",
      summary:
        "Send load to a URL and report latency from when each request was due (no coordinated omission).",
      examples: [
        ["weft load http://127.0.0.1:8080/ --rate 1000", "1,000 requests a second for 10 s"],
        ["weft load http://web/ --proxy http://127.0.0.1:15001", "through a sidecar"],
        ["weft load URL --closed --connections 64 --requests 100000", "as fast as answers come"],
        ["weft load URL --rate 500 --expect 'p99<20ms,success>99.9%'", "as a test: exit code 1 when missed"],
        ["weft load URL --duration 1m --html report.html", "with pictures"],
      ],
      exits: {
        ok: "the load ran (also when requests failed), and every --expect was met",
        failed: "an --expect was not met, or nothing answers at the URL",
      },
    },
    io,
  )
    .argument("<url>", "where the load goes: http://host[:port]/path")
    .option("--rate <n>", "requests per second, whatever comes back (default: 100)", rateOption)
    .option("--closed", "closed loop: every connection sends again when its answer came")
    .option(
      "--connections <n>",
      "connections opened and kept (default: 32)",
      integerOption("--connections", 1, 20_000),
    )
    .option(
      "--max-in-flight <n>",
      "requests on the wire at once; above --connections more are opened when all are busy (default: --connections)",
      integerOption("--max-in-flight", 1, 20_000),
    )
    .option("--duration <duration>", "how long to measure (default: 10s)", durationOption("--duration"))
    .option(
      "--requests <n>",
      "how many requests to measure, instead of --duration",
      integerOption("--requests", 1, 1e12),
    )
    .option(
      "--warmup <duration>",
      "load before measuring (default: 2s, with --requests 0s)",
      durationOption("--warmup"),
    )
    .option(
      "--timeout <duration>",
      "for one request, from its send (default: 10s)",
      durationOption("--timeout"),
    )
    .option("--arrival <pattern>", "uniform or poisson (default: uniform)")
    .option("--seed <n>", "seed of the Poisson gaps (default: 1)", integerOption("--seed", 0, 0xffffffff))
    .option("--method <method>", "default: GET, or POST with a body")
    .option("-H, --header <name: value>", "header to add; may be repeated", headerOption)
    .option("--body <text>", "body of every request")
    .option("--body-file <file>", "the same from a file")
    .option("--body-size <size>", "a body of so many bytes, such as 64KiB", sizeOption)
    .option("--host <host>", "Host header, instead of the URL's")
    .option("--proxy <url>", "explicit HTTP proxy, such as a sidecar's outbound port")
    .option("--expect <list>", "thresholds: p99<20ms,success>99.9%; may be repeated", collect)
    .option("--html <file>", "write an HTML report")
    .option("--output <file>", "write the result as JSON");
}

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = loadCommand(io);
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    const expectations = expectationsOf(options.expect ?? []);
    const load = await loadOptions(command.args[0] ?? "", options);
    for (const file of [options.html, options.output]) if (file !== undefined) checkWritable(file, io.cwd);

    const result = await runShown(load, io);
    const expected = judge(expectations, result);
    const document = json({ ...result, expectations: expected });
    io.stdout.write(options.json === true ? document : textReport(result, expected));
    if (options.output !== undefined) writeReport(options.output, io.cwd, document);
    if (options.html !== undefined) writeReport(options.html, io.cwd, htmlReport(result, expected));
    return expected.every((verdict) => verdict.met) ? EXIT.ok : EXIT.failed;
  });
}

function expectationsOf(texts: readonly string[]): readonly Expectation[] {
  const parsed = texts.map(parseExpectations);
  const problems = parsed.flatMap((one) => (one.kind === "invalid" ? one.problems : []));
  if (problems.length > 0) throw usageError("--expect was not understood", ...problems);
  return parsed.flatMap((one) => (one.kind === "invalid" ? [] : one.expectations));
}

async function loadOptions(url: string, options: Options): Promise<LoadOptions> {
  const { arrival } = options;
  if (arrival !== undefined && arrival !== "uniform" && arrival !== "poisson") {
    throw usageError(`--arrival: "${arrival}" is neither uniform nor poisson`);
  }
  const body = bodyOf(options);
  return {
    url,
    ...(options.closed === true && { mode: "closed" }),
    ...(options.rate !== undefined && { rate: options.rate }),
    ...(arrival !== undefined && { arrival }),
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.connections !== undefined && { connections: options.connections }),
    ...(options.maxInFlight !== undefined && { maxInFlight: options.maxInFlight }),
    ...(options.duration !== undefined && { durationMs: options.duration }),
    ...(options.requests !== undefined && { requests: options.requests }),
    ...(options.warmup !== undefined && { warmupMs: options.warmup }),
    ...(options.timeout !== undefined && { timeoutMs: options.timeout }),
    ...(options.method !== undefined && { method: options.method }),
    ...(options.header !== undefined && { headers: options.header }),
    ...(body !== undefined && { body }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.proxy !== undefined && { proxy: options.proxy }),
  };
}

/** Runs with a progress line; the first Ctrl-C ends the run with its report, the second the process. */
async function runShown(load: LoadOptions, io: Io) {
  const terminal = io.stderr.isTTY === true;
  const stop = new AbortController();
  const onSignal = () => (stop.signal.aborted ? process.exit(130) : stop.abort());
  const show = (progress: LoadProgress) => {
    const line = progressLine(progress, terminal ? io.stderr.columns : undefined);
    io.stderr.write(terminal ? `\r\x1b[K${line}` : `${line}\n`);
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  try {
    return await runLoad(load, {
      signal: stop.signal,
      onProgress: show,
      progressMs: terminal ? PROGRESS_MS.terminal : PROGRESS_MS.plain,
    });
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    const [first = "the load cannot run", ...rest] = error.problems;
    throw new CliError(first, { exitCode: error.code === "invalid" ? EXIT.usage : EXIT.failed, hints: rest });
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
    if (terminal) io.stderr.write("\r\x1b[K");
  }
}
