/**
 * What all commands share: commander set up once, help with examples and exit codes, and expected failures printed as
 * one line with hints instead of a stack.
 */
import { Command, CommanderError, Option } from "commander";
import { durationOption } from "./duration.ts";
import { CliError, EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { painter } from "./output.ts";

export interface CommandText {
  readonly name: string;
  readonly summary: string;
  /** Command lines with what they do. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** What 0 and 1 mean for this command; 2 is always a command line that was not understood. */
  readonly exits: { readonly ok: string; readonly failed: string; readonly others?: readonly string[] };
}

/** A commander command with our help, `--json`, and its output going to `io`. */
export function newCommand(text: CommandText, io: Io): Command {
  const widest = Math.max(...text.examples.map(([line]) => line.length));
  const examples = text.examples.map(([line, does]) => `  ${line.padEnd(widest)}  ${does}`);
  return new Command(`weft ${text.name}`)
    .description(text.summary)
    .option("--json", "print JSON")
    .helpOption("-h, --help", "show this help")
    .showHelpAfterError(`\nweft ${text.name} --help shows options and examples`)
    .addHelpText("after", `\nExamples:\n${examples.join("\n")}`)
    .addHelpText(
      "after",
      [
        "\nExit codes:",
        `  0  ${text.exits.ok}`,
        `  1  ${text.exits.failed}`,
        "  2  the command line was not understood",
        ...(text.exits.others ?? []),
      ].join("\n"),
    )
    .exitOverride()
    .configureOutput({
      writeOut: (chunk) => io.stdout.write(chunk),
      writeErr: (chunk) => io.stderr.write(chunk),
    });
}

/** An option that is a duration; its value is in milliseconds, its default is shown as it is written here. */
export function durationSetting(flag: `--${string}`, about: string, fallback?: string): Option {
  const parse = durationOption(flag);
  const option = new Option(`${flag} <duration>`, about).argParser(parse);
  return fallback === undefined ? option : option.default(parse(fallback), fallback);
}

/** Parses `argv`, runs `action`, and turns what it throws into an exit code. */
export async function runCommand(
  command: Command,
  argv: readonly string[],
  io: Io,
  action: () => Promise<number>,
): Promise<number> {
  let result: number = EXIT.ok;
  command.action(async () => {
    result = await action();
  });
  try {
    await command.parseAsync([...argv], { from: "user" });
    return result;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CliError)) throw error;
    printError(error, io, argv.includes("--json"));
    return error.exitCode;
  }
}

function printError(error: CliError, io: Io, asJson: boolean): void {
  if (asJson) {
    // On one line: for `weft up` it is one of a stream of JSON lines.
    io.stdout.write(`${JSON.stringify({ error: { message: error.message, hints: error.hints } })}\n`);
    return;
  }
  const paint = painter(io.stderr, io.env);
  io.stderr.write(`${paint("red", "error:")} ${error.message}\n`);
  for (const hint of error.hints) io.stderr.write(`  ${hint}\n`);
}
