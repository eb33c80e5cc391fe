/** `weft init`: netfilter rules that lead a workload's traffic through its sidecar, without the workload knowing. */
import { Option } from "commander";
import { type Applied, BACKENDS, type BackendName, FAMILIES } from "../intercept/backend.ts";
import { type ProbeResult, probe } from "../intercept/probe.ts";
import { backendOf, chooseBackend, clear, presentFamilies, programBy } from "../intercept/program.ts";
import { type Table, tablesOf } from "../intercept/rules.ts";
import type { Family, Settings } from "../intercept/settings.ts";
import { systemShell } from "../intercept/shell.ts";
import { newCommand, runCommand } from "./command.ts";
import { CliError, EXIT, usageError } from "./exit.ts";
import { addSettings, settingsOf } from "./init-settings.ts";
import type { Io } from "./io.ts";
import { json } from "./output.ts";

type Options = Parameters<typeof settingsOf>[0] & {
  readonly backend: BackendName | "auto";
  readonly ipv6: "auto" | "on" | "off";
  readonly dryRun?: boolean;
  readonly clean?: boolean;
  readonly validate: boolean;
  readonly json?: boolean;
};

const NEEDS_ROOT = "it needs root, or CAP_NET_ADMIN and CAP_NET_RAW, in the workload's network namespace";

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const command = newCommand(
    {
      name: "init",
      summary: "Lead this network namespace's traffic through its sidecar (weft sidecar --transparent).",
      examples: [
        ["weft init --dry-run", "what would be programmed"],
        ["weft init --exclude-outbound-ports 3306 --exclude-inbound-ports 9090", "all but these"],
        ["weft init --clean", "as it was before"],
      ],
      exits: {
        ok: "programmed, and a probe was redirected",
        failed: "not programmed, or the probe was not redirected",
      },
    },
    io,
  )
    .addOption(new Option("--backend <name>", "how").choices([...BACKENDS, "auto"]).default("auto"))
    .addOption(
      new Option("--ipv6 <when>", "auto: where an interface has it")
        .choices(["auto", "on", "off"])
        .default("auto"),
    )
    .option("--dry-run", "print the rules and change nothing")
    .option("--clean", "take away what was added, and nothing else")
    .option("--no-validate", "make no probe connections afterwards");
  addSettings(command, io);
  return runCommand(command, argv, io, async () => {
    const options = command.opts<Options>();
    if (options.clean === true) return clean(options, io);
    const settings = settingsOf(options);
    const tables = tablesOf(settings, familiesOf(options.ipv6));
    if (options.dryRun === true) return dryRun(options.backend, tables, options.json === true, io);
    return apply(options, settings, tables, io);
  });
}

function clean({ dryRun: isDry, json: asJson }: Options, io: Io): number {
  if (isDry === true) throw usageError("--clean has no rules to print: it takes away those that are there");
  const choice = chooseBackend("auto", systemShell);
  if (choice.kind === "none") throw unusable(choice.problems);
  check(clear(systemShell));
  if (asJson === true) io.stdout.write(json({ cleaned: true }));
  else io.stderr.write("interception is off\n");
  return EXIT.ok;
}

/** Works without root, and where netfilter does not. */
function dryRun(wish: Options["backend"], tables: readonly Table[], asJson: boolean, io: Io): number {
  const choice = chooseBackend(wish, systemShell);
  const backend =
    choice.kind === "backend" ? choice.backend : backendOf(wish === "auto" ? "nft" : wish, systemShell);
  const rules = backend.text(tables);
  io.stdout.write(asJson ? json({ backend: backend.name, rules }) : rules);
  return EXIT.ok;
}

async function apply(
  options: Options,
  settings: Settings,
  tables: readonly Table[],
  io: Io,
): Promise<number> {
  const programmed = programBy(options.backend, tables, systemShell);
  if (programmed.kind === "none") throw unusable(programmed.problems);
  const { backend } = programmed;
  const families = [...new Set(tables.map(({ family }) => family))];
  const probes = options.validate ? await probe(settings, families) : [];
  if (options.json === true) io.stdout.write(json({ backend: backend.name, families, probes }));
  else for (const line of reportLines(backend.name, families, probes)) io.stderr.write(`${line}\n`);
  const wrong = probes.filter(({ verdict }) => verdict === "not redirected");
  if (wrong.length === 0) return EXIT.ok;
  throw new CliError("the rules are there, but do not hold", {
    hints: wrong.map(({ family, direction, reason }) => `${family} ${direction}: ${reason}`),
  });
}

function reportLines(
  backend: BackendName,
  families: readonly Family[],
  probes: readonly ProbeResult[],
): readonly string[] {
  const tried = probes.map(
    ({ family, direction, verdict, reason }) =>
      `  ${family} ${direction}: ${verdict}${reason === "" ? "" : ` (${reason})`}`,
  );
  return [`interception is on, by ${backend}, for ${families.join(" and ")}`, ...tried];
}

function unusable(problems: readonly string[]): CliError {
  return new CliError("netfilter cannot be programmed", { hints: [...problems, NEEDS_ROOT] });
}

function check(applied: Applied): void {
  if (applied.kind === "done") return;
  throw new CliError(`${applied.program}: ${applied.problem}`, { hints: [NEEDS_ROOT] });
}

function familiesOf(ipv6: Options["ipv6"]): readonly Family[] {
  if (ipv6 === "auto") return presentFamilies();
  return ipv6 === "on" ? FAMILIES : ["ipv4"];
}
