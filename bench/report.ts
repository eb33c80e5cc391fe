/** A result as text, Markdown and files: `latest.json`, `latest.md`, `latest.svg`, and the tables of the top README. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plot } from "./plot.ts";
import { type Figure, measured, type Result, type ScenarioResult } from "./result.ts";
import { writeReadme } from "./summary.ts";

/** Columns, in order: field of a sample, heading, digits after the point. */
const COLUMNS: readonly (readonly [string, string, number])[] = [
  ["cpuUsPerRequest", "CPU µs/request", 1],
  ["outboundUsPerRequest", "outbound hop, CPU µs/request", 1],
  ["inboundUsPerRequest", "inbound hop, CPU µs/request", 1],
  ["requestsPerSecond", "requests/s", 0],
  ["coreUsedPercent", "% of its CPU", 0],
  ["p50Ms", "p50 ms", 2],
  ["p99Ms", "p99 ms", 2],
  ["p999Ms", "p99.9 ms", 2],
  ["fullPerCpuSecond", "full handshakes a CPU-second", 0],
  ["resumedPerCpuSecond", "resumed", 0],
  ["addedP50Ms", "p50 added, ms", 2],
  ["addedP99Ms", "p99 added, ms", 2],
  ["loadedAnonymousMb", "anonymous MB, loaded", 1],
  ["idleAnonymousMb", "anonymous MB, idle", 1],
  ["idleResidentMb", "resident MB, idle", 1],
  ["connectedAnonymousMb", "anonymous MB, 1,000 connections", 1],
  ["connectedResidentMb", "resident MB, 1,000 connections", 1],
  ["perThousandConnectionsMb", "1,000 connections add MB", 1],
  ["stalledUploadMb", "stalled upload adds MB", 1],
  ["successPercent", "success %", 2],
  ["lost", "lost", 0],
  ["p99GoodMs", "p99 ms of successes", 1],
  ["p99AllMs", "p99 ms of all", 1],
  ["extraLoadPercent", "extra load %", 1],
  ["recoverySeconds", "recovery s", 1],
  ["madeAgain", "runs made again", 0],
];

/** Fields whose ratio to Weft is shown; the other ratios are in the JSON. */
const RATIO = new Set([
  "cpuUsPerRequest",
  "outboundUsPerRequest",
  "inboundUsPerRequest",
  "fullPerCpuSecond",
  "resumedPerCpuSecond",
  "requestsPerSecond",
  "p99Ms",
  "idleAnonymousMb",
]);

function cell(figure: Figure | undefined, field: string, digits: number): string {
  if (figure === undefined) return "–";
  const show = (value: number): string =>
    value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const ratio = RATIO.has(field) && figure.ratio !== undefined ? ` ×${figure.ratio.toFixed(2)}` : "";
  const spread = figure.rounds === 1 ? "" : ` (${show(figure.min)}–${show(figure.max)})`;
  return `${show(figure.median)}${spread}${ratio}`;
}

/** Rows of one scenario, the heading first. */
function rows(scenario: ScenarioResult): string[][] {
  const peers = Object.entries(scenario.peers);
  const columns = COLUMNS.filter(([field]) => peers.some(([, each]) => measured(each) && field in each));
  const body = peers.map(([name, each]) => {
    if (!measured(each)) return [name, `failed: ${each.missing}`.replaceAll("|", "/").slice(0, 100)];
    return [name, ...columns.map(([field, , digits]) => cell(each[field], field, digits))];
  });
  return [["", ...columns.map(([, heading]) => heading)], ...body];
}

/** The result for a terminal. */
export function table(result: Result): string {
  const parts = result.scenarios.map((scenario) => {
    const lines = rows(scenario);
    const widths = (lines[0] ?? []).map((_, i) =>
      Math.max(...lines.map((row) => (row.length === 2 && i > 0 ? 0 : (row[i] ?? "").length))),
    );
    const text = lines.map((row) =>
      row
        .map((each, i) => each.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    );
    return `${scenario.title}\n${text.map((line) => `  ${line}`).join("\n")}`;
  });
  return [...parts, ...missingLines(result)].join("\n\n");
}

/** The result for a page: what was run, then one table for each scenario. */
export function markdown(result: Result): string {
  const { machine, rounds, seconds, at } = result;
  const where = Object.entries(machine).map(([name, value]) => `${name}: ${value}`);
  const intro = `Medians (min–max) of ${rounds} interleaved rounds of ${seconds} s, × is the peer's median over Weft's. ${at}; ${where.join("; ")}.`;
  const tables = result.scenarios.map((scenario) => {
    const [heading = [], ...body] = rows(scenario);
    const line = (row: readonly string[]): string => `| ${row.join(" | ")} |`;
    const full = body.map((row) => [...row, ...heading.slice(row.length).map(() => "")]);
    const rule = heading.map((_, i) => (i === 0 ? "---" : "---:"));
    return `**${scenario.title}**\n\n${[heading, rule, ...full].map(line).join("\n")}`;
  });
  return `${[intro, ...tables, ...missingLines(result)].join("\n\n")}\n`;
}

function missingLines(result: Result): string[] {
  return Object.entries(result.missing).map(
    ([name, reason]) => `Not measured: ${name} (${reason.split("\n")[0]}).`,
  );
}

/** Writes `NAME.json` and `NAME.md` into `dir`; `lead` comes before the tables. */
export function writeResult(name: string, result: Result, dir: string, title: string, lead: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, `${name}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
  writeFileSync(join(dir, `${name}.md`), `# ${title}\n\n${lead}${markdown(result)}`);
}

/** Writes the three files into `dir` and, if asked, the tables of the top README. */
export function writeReports(result: Result, dir: string, readme: boolean): void {
  writeResult("latest", result, dir, "Benchmark", "![CPU per request](latest.svg)\n\n");
  writeFileSync(join(dir, "latest.svg"), plot(result));
  if (readme) writeReadme();
}
