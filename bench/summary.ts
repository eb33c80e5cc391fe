/** The benchmark tables of the top README: medians of `results/*.json`, one row a scenario. `node bench/summary.ts` writes them anew. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Figures, measured, type Result } from "./result.ts";

export interface Results {
  readonly latest?: Result;
  readonly twoHop?: Result;
  readonly resilience?: Result;
}

interface Row {
  readonly title: string;
  readonly scenario: string;
  readonly value: (figures: Figures) => number | undefined;
  readonly digits: number;
}

const median = (field: string) => (figures: Figures) => figures[field]?.median;

const ONE_HOP: readonly Row[] = [
  {
    title: "GET, CPU µs a request",
    scenario: "get-small",
    value: median("cpuUsPerRequest"),
    digits: 1,
  },
  { title: "GET of 64 KiB", scenario: "get-64k", value: median("cpuUsPerRequest"), digits: 1 },
  { title: "POST of 64 KiB", scenario: "post-64k", value: median("cpuUsPerRequest"), digits: 1 },
  { title: "p99 at 1,000 requests/s, ms", scenario: "latency", value: median("p99Ms"), digits: 2 },
  { title: "idle, anonymous MB", scenario: "memory", value: median("idleAnonymousMb"), digits: 1 },
];

/** Both halves together. */
const TWO_HOPS: readonly Row[] = ["8", "32", "128"].map((connections) => ({
  title: `${connections} connections, CPU µs a request`,
  scenario: `two-hop-${connections}`,
  value: (figures) => {
    const [out, into] = [median("outboundUsPerRequest")(figures), median("inboundUsPerRequest")(figures)];
    return out === undefined || into === undefined ? undefined : out + into;
  },
  digits: 1,
}));

const RESULTS = join(import.meta.dirname, "results");
const README = join(import.meta.dirname, "..", "README.md");
const MARKS = /(<!-- bench:start -->\n)[\s\S]*?(<!-- bench:end -->)/;

/** All tables, as Markdown. */
export function summary({ latest, twoHop, resilience }: Results): string {
  const parts: string[] = [];
  if (latest !== undefined) {
    parts.push(
      "One proxy, 32 connections, × Weft's:",
      ratios(latest, ONE_HOP),
      `[All figures](bench/results/latest.md), ${origin(latest)}.`,
    );
  }
  if (twoHop !== undefined) {
    parts.push(
      "Two sidecars with mutual TLS between them, and the same pair built of others; both together, × Weft's:",
      ratios(twoHop, TWO_HOPS),
      `[All figures](bench/results/two-hop.md), ${origin(twoHop)}.`,
    );
  }
  if (resilience !== undefined) {
    parts.push(
      "Five faults of five backends behind one proxy, settings that mean the same; successes % / extra requests to the backends % / p99 ms:",
      faults(resilience),
      `[All figures](bench/results/resilience.md), ${origin(resilience)}. By default Weft's retries add a fifth to the load at most, also where a Service fails as a whole: [why](docs/decisions/0009-retry-budget.md).`,
    );
  }
  return parts.join("\n\n");
}

function ratios(result: Result, rows: readonly Row[]): string {
  const names = peersOf(result);
  const body = rows.flatMap(({ title, scenario, value, digits }) => {
    const peers = result.scenarios.find(({ name }) => name === scenario)?.peers;
    if (peers === undefined) return [];
    const of = (name: string) => {
      const each = peers[name];
      return measured(each) ? value(each) : undefined;
    };
    const own = of("weft");
    const cells = names.map((name) => {
      const found = of(name);
      if (found === undefined) return "–";
      const ratio = own === undefined || name === "weft" ? "" : ` ×${(found / own).toFixed(2)}`;
      return `${found.toFixed(digits)}${ratio}`;
    });
    return [[title, ...cells]];
  });
  return markdownTable(["", ...names], body);
}

function faults(result: Result): string {
  const names = peersOf(result);
  const body = result.scenarios.map(({ title, peers }) => [
    title,
    ...names.map((name) => {
      const each = peers[name];
      if (!measured(each)) return "–";
      const show = (field: string, digits: number) => (median(field)(each) ?? Number.NaN).toFixed(digits);
      return [show("successPercent", 1), show("extraLoadPercent", 1), show("p99AllMs", 0)].join(" / ");
    }),
  ]);
  return markdownTable(["", ...names], body);
}

/** In the order of the first scenario. */
const peersOf = ({ scenarios }: Result): string[] => Object.keys(scenarios[0]?.peers ?? {});

const origin = ({ at, rounds }: Result): string =>
  `${rounds === 1 ? "one round" : `medians of ${rounds} interleaved rounds`}, ${at.slice(0, 10)}`;

function markdownTable(heading: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [heading, heading.map((_, i) => (i === 0 ? "---" : "---:")), ...body].map(line).join("\n");
}

/** What has been measured so far. */
export function readResults(): Results {
  const read = (name: string) => {
    const path = join(RESULTS, `${name}.json`);
    return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as Result) : undefined;
  };
  const [latest, twoHop, resilience] = ["latest", "two-hop", "resilience"].map(read);
  return {
    ...(latest === undefined ? {} : { latest }),
    ...(twoHop === undefined ? {} : { twoHop }),
    ...(resilience === undefined ? {} : { resilience }),
  };
}

/** What stands between the marks in the top README. */
export function readmeBlock(): string {
  return MARKS.exec(readFileSync(README, "utf8"))?.[0] ?? "";
}

/** Puts the tables between `<!-- bench:start -->` and `<!-- bench:end -->`. */
export function writeReadme(): void {
  const text = readFileSync(README, "utf8");
  if (!MARKS.test(text)) throw new Error("README.md has no <!-- bench:start --> and <!-- bench:end -->");
  const block = summary(readResults());
  writeFileSync(
    README,
    text.replace(MARKS, (_, head: string, end: string) => `${head}\n${block}\n\n${end}`),
  );
}

if (import.meta.main) writeReadme();
