/**
 * The words and numbers that the forms of `weft up`'s display share.
 */
import { processTitle } from "../local/mesh.ts";
import type { StatsRow } from "../local/stats.ts";
import type { ProcessEvent } from "../local/supervised-process.ts";
import type { TrickleCounts } from "../local/trickle.ts";
import { formatMs } from "./duration.ts";
import { type Column, count, type Paint, tableLines } from "./output.ts";
import type { Started, Summary } from "./up-display.ts";

const BAR_CELLS = 10;

const COLUMNS: readonly Column[] = [
  { title: "SERVICE" },
  { title: "VERSION" },
  { title: "REQ/S", align: "right" },
  { title: "SUCCESS", align: "right" },
  { title: "P50", align: "right" },
  { title: "P95", align: "right" },
  { title: "P99", align: "right" },
  { title: "SPLIT" },
  { title: "BREAKER" },
];

/** The live table. */
export function statsTable(rows: readonly StatsRow[], paint: Paint): string[] {
  return tableLines(
    COLUMNS,
    rows.map((row, i) => [
      rows[i - 1]?.service === row.service ? "" : paint("bold", row.service),
      row.version,
      row.requestsPerSecond.toFixed(1),
      success(row, paint),
      ...latencies(row),
      split(row, rows),
      breaker(row, paint),
    ]),
    paint,
  );
}

/** Whether callers send it requests. */
function breaker({ leftOutBy }: StatsRow, paint: Paint): string {
  return leftOutBy === 0 ? "closed" : paint("red", `open (${count(leftOutBy, "caller")})`);
}

/** The table at the end: totals instead of rates. */
export function summaryTable(rows: readonly StatsRow[], paint: Paint): string[] {
  return tableLines(
    COLUMNS.slice(0, 8).map((column) =>
      column.title === "REQ/S" ? { ...column, title: "REQUESTS" } : column,
    ),
    rows.map((row, i) => [
      rows[i - 1]?.service === row.service ? "" : row.service,
      row.version,
      String(row.requests),
      success(row, paint),
      ...latencies(row),
      split(row, rows),
    ]),
    paint,
  );
}

/** `web 10.0/s 100.0 % p99 21 ms | catalog v1 9.1/s (91 %) …`. */
export function statsLine(rows: readonly StatsRow[]): string {
  if (rows.length === 0) return "no requests yet";
  return rows
    .map((row) => {
      const title = isSplit(row, rows) ? `${row.service} ${row.version}` : row.service;
      const share = isSplit(row, rows) ? ` (${percent(row.share, 0)})` : "";
      const rate = `${row.requestsPerSecond.toFixed(1)}/s${share}`;
      return `${title} ${rate} ${percent(row.successRate, 1)} p99 ${ms(row.p99Ms)}`;
    })
    .join(" | ");
}

/** What to try, above the table. */
export function welcome(mesh: Started, paint: Paint): string[] {
  const { entry } = mesh;
  const sidecars = mesh.instances.length;
  const lines = [
    `${paint("bold", "weft")} ${mesh.directory}${mesh.isCopied ? " (a copy)" : ""}: ${count(sidecars, "workload")}, ${count(sidecars, "sidecar")}, 1 control plane; up in ${formatMs(mesh.startMs)}`,
    `  API      ${mesh.api}`,
  ];
  if (entry !== undefined) {
    const note = mesh.rate === 0 ? "" : paint("dim", `  (gets ${mesh.rate} requests a second from here)`);
    lines.push(`  try      curl -H 'Host: ${entry.host}' ${entry.url}${note}`);
  }
  const { weft, sample } = mesh;
  if (sample !== undefined) {
    lines.push(`  and      ${weft} apply -f ${sample} --wait${paint("dim", "   then watch the split")}`);
  }
  lines.push(`${sample === undefined ? "  and" : "     "}      ${weft} status`);
  return lines;
}

/** Ports of each instance, for those who want to look inside. */
export function portLines(mesh: Started, paint: Paint): string[] {
  const columns: Column[] = ["WORKLOAD", "APP", "INBOUND", "OUTBOUND", "ADMIN", "TELEMETRY"].map((title) => ({
    title,
  }));
  return tableLines(
    columns,
    mesh.instances.map(({ id, ports, sidecar }) => [
      id,
      Object.values(ports).join(" "),
      ...[sidecar.inbound, sidecar.outbound, sidecar.admin, sidecar.telemetry].map(String),
    ]),
    paint,
  ).map((line) => `  ${line}`);
}

/** One line about a child process, or undefined where it is not worth one. */
export function eventLine(event: ProcessEvent, paint: Paint): string | undefined {
  const title = processTitle(event.spec);
  switch (event.kind) {
    case "ready":
      return event.restarts === 0 ? undefined : `${paint("green", title)} is back`;
    case "log": {
      const format =
        event.line.severity === "error" ? "red" : event.line.severity === "warn" ? "yellow" : "dim";
      return `${paint(format, title)} ${event.line.text}`;
    }
    case "ended":
      return `${paint("red", title)} ${event.how}; starting it again in ${event.restartInMs} ms`;
  }
}

/** The lines at the end of a run. */
export function summaryLines(summary: Summary, paint: Paint): string[] {
  const lines = [
    "",
    `${paint("bold", "summary")} of ${formatMs(summary.elapsedMs)}`,
    ...summaryTable(summary.rows, paint),
  ];
  if (summary.trickle !== undefined) lines.push(trickleLine(summary.trickle));
  for (const service of summary.silent) lines.push(paint("red", `${service} had no successful request`));
  return lines;
}

/** What the client outside saw. */
export function trickleLine({ sent, succeeded, failed, lastFailure }: TrickleCounts): string {
  const rate = percent(succeeded / Math.max(1, succeeded + failed), 1);
  const reason = lastFailure === undefined ? "" : `; the latest failure: ${lastFailure}`;
  return `sent from here: ${sent} requests, ${rate} succeeded${reason}`;
}

export function percent(share: number, digits: number): string {
  // Rounding must not turn one failure in ten thousand into perfection.
  const shown = (share * 100).toFixed(digits);
  return `${share < 1 && Number(shown) === 100 ? `>${(100 - 10 ** -digits).toFixed(digits)}` : shown} %`;
}

function success(row: StatsRow, paint: Paint): string {
  const text = percent(row.successRate, 1);
  if (row.requests === 0) return paint("dim", "-");
  return paint(row.successRate === 1 ? "green" : row.successRate > 0.99 ? "yellow" : "red", text);
}

function latencies(row: StatsRow): string[] {
  return [row.p50Ms, row.p95Ms, row.p99Ms].map((value) => (row.requests === 0 ? "-" : ms(value)));
}

function ms(value: number): string {
  return formatMs(value);
}

function split(row: StatsRow, rows: readonly StatsRow[]): string {
  if (!isSplit(row, rows)) return "";
  const cells = Math.round(row.share * BAR_CELLS);
  return `${"█".repeat(cells)}${"░".repeat(BAR_CELLS - cells)} ${percent(row.share, 0)}`;
}

function isSplit(row: StatsRow, rows: readonly StatsRow[]): boolean {
  return rows.some((other) => other.service === row.service && other.version !== row.version);
}
