/**
 * The report for a terminal: what was asked, what came back, how long it took, and whether to believe it.
 */
import type { Verdict } from "./expectation.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatLatency,
  formatRate,
  formatShare,
} from "./format.ts";
import type { Latencies, LoadResult } from "./result.ts";

/** One line on what the run was asked to do. */
export function describePlan({ target, plan }: LoadResult): string {
  const pace =
    plan.mode === "closed"
      ? "closed loop"
      : `open loop, ${formatRate(plan.rate ?? 0)}/s ${plan.arrival}${plan.arrival === "poisson" ? ` (seed ${plan.seed})` : ""}`;
  const length =
    plan.requests === undefined
      ? formatDuration(plan.durationMs ?? 0)
      : `${formatCount(plan.requests)} requests`;
  const warmup = plan.warmupMs > 0 ? ` after ${formatDuration(plan.warmupMs)} of warm-up` : "";
  const proxy = target.proxy === undefined ? "" : ` through ${target.proxy}`;
  return `${target.method} ${target.url}${proxy}: ${pace}, ${formatCount(plan.connections)} connections, ${length}${warmup}`;
}

/** The whole report, without colours, ending in a newline. */
export function textReport(result: LoadResult, verdicts: readonly Verdict[]): string {
  const { requests, client, generator } = result;
  const rows: [string, string][] = [];
  const of = result.plan.rate === undefined ? "" : ` of ${formatRate(result.plan.rate)}/s asked for`;
  rows.push(["rate", `${formatRate(client.rps)}/s${of}`]);
  rows.push([
    "success",
    `${formatShare(requests.successRate)} (${formatCount(requests.succeeded)} of ${formatCount(requests.scheduled)} requests)`,
  ]);
  rows.push([
    "statuses",
    list(Object.entries(result.statuses).map(([status, count]) => `${status}: ${formatCount(count)}`)),
  ]);
  const errors = Object.entries(result.errors).map(
    ([kind, error]) => `${kind}: ${formatCount(error.count)} (${error.example})`,
  );
  rows.push(["errors", list(errors)]);
  if (requests.missed > 0) rows.push(["missed", `${formatCount(requests.missed)} due, but never sent`]);
  if (requests.delayed > 0)
    rows.push(["delayed", `${formatCount(requests.delayed)} sent late, as all connections were busy`]);
  rows.push([
    "bytes",
    `${formatBytes(result.bytes.sent)} sent, ${formatBytes(result.bytes.received)} received`,
  ]);
  rows.push([
    "generator",
    `${Math.round(generator.cpuShare * 100)} % of a core, ${generator.cpuMicrosPerRequest} µs a request; ` +
      `pacing error p50 ${formatLatency(generator.pacing.p50)}, p99 ${formatLatency(generator.pacing.p99)}`,
  ]);

  let text = `${describePlan(result)}${result.interrupted ? " (ended early)" : ""}\n\n`;
  for (const [name, value] of rows) text += `  ${name.padEnd(11)}${value}\n`;
  text += `\n${latencyTable([
    ["latency", client.latencies],
    ["service time", client.service],
  ])}`;
  text += "  latency: from the intended start, waiting included; service time: from the send\n";
  for (const warning of result.warnings) text += `\n  warning: ${warning}\n`;
  if (verdicts.length > 0) text += "\n";
  for (const verdict of verdicts) {
    text += `  ${verdict.met ? "met    " : "NOT MET"}  ${verdict.expectation}   (${verdict.actual})\n`;
  }
  return text;
}

function latencyTable(rows: readonly (readonly [string, Latencies])[]): string {
  const heads = ["min", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"];
  const cells = rows.map(([, l]) =>
    [l.min, l.average, l.p50, l.p90, l.p99, l.p99_9, l.p99_99, l.max].map((ms) =>
      l.count === 0 ? "-" : formatLatency(ms),
    ),
  );
  const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
  const line = (name: string, row: readonly string[]) =>
    `  ${name.padEnd(14)}${row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join("  ")}\n`;
  return line("", heads) + rows.map(([name], i) => line(name, cells[i] ?? [])).join("");
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.join(", ");
}
