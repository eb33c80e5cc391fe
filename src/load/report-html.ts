/**
 * The report as one HTML file: no script, no font, no picture from anywhere else, so that it can be kept with a build
 * and opened years later. Charts are inline SVG.
 */
import { escapeHtml } from "./chart.ts";
import type { Verdict } from "./expectation.ts";
import { formatBytes, formatCount, formatLatency, formatRate, formatShare } from "./format.ts";
import { latencyChart, percentileChart, rateChart } from "./report-charts.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { describePlan } from "./report-text.ts";
import type { LoadResult } from "./result.ts";

/** The whole document. */
export function htmlReport(result: LoadResult, verdicts: readonly Verdict[]): string {
  const { client, requests } = result;
  const tiles = [
    [
      `${formatRate(client.rps)}/s`,
      result.plan.rate === undefined ? "answers" : `of ${formatRate(result.plan.rate)}/s`,
    ],
    [formatShare(requests.successRate), "success"],
    [formatLatency(client.latencies.p50), "p50"],
    [formatLatency(client.latencies.p99), "p99"],
    [formatLatency(client.latencies.p99_9), "p99.9"],
    [formatLatency(client.latencies.max), "max"],
  ] as const;
  const title = `${result.target.method} ${result.target.url}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Load: ${escapeHtml(title)}</title><style>${REPORT_STYLE}</style></head><body><main>
<h1>${escapeHtml(title)}</h1>
<p class="sub">${escapeHtml(describePlan(result).slice(title.length).replace(/^: /, ""))}${result.interrupted ? " (ended early)" : ""}</p>
${result.warnings.map((warning) => `<p class="note">${escapeHtml(warning)}</p>`).join("\n")}
<div class="tiles">${tiles.map(([value, name]) => `<div class="tile"><b>${escapeHtml(value)}</b><span>${escapeHtml(name)}</span></div>`).join("")}</div>
${verdicts.length === 0 ? "" : `<section>${head("Expectations", "")}${table([["expected", "found", ""], ...verdicts.map((v) => [v.expectation, v.actual, v.met ? "met" : "not met"])])}</section>`}
<section>${head("Latency by percentile", "every further nine has the same room", [
    ["s1", "latency, from intended start"],
    ["s2", "service time, from the send"],
  ])}${percentileChart(result)}</section>
<section>${head(
    "Answers per second",
    "",
    requests.errors > 0
      ? [
          ["s1", "answers"],
          ["bad", "errors"],
        ]
      : [],
  )}${rateChart(result)}</section>
<section>${head("Latency over time", "by when the answer came", [
    ["s1", "p50"],
    ["s2", "p99"],
    ["s3", "max"],
  ])}${latencyChart(result)}</section>
<div class="two"><section>${head("Latency", "")}${latencyTable(result)}</section><section>${head("Requests", "")}${requestTable(result)}</section></div>
<footer>${escapeHtml(`${result.start} to ${result.end}, weft ${result.versions.weft}, node ${result.versions.node}, ${result.versions.os}`)}</footer>
</main></body></html>
`;
}

function head(title: string, text: string, keys: readonly (readonly [string, string])[] = []): string {
  const legend = keys
    .map(([style, name]) => `<span class="key ${style}">${escapeHtml(name)}</span>`)
    .join("");
  return `<div class="head"><h2>${escapeHtml(title)}</h2><p>${escapeHtml(text)}</p>${legend}</div>`;
}

function latencyTable({ client, generator }: LoadResult): string {
  const names = ["min", "average", "p50", "p75", "p90", "p95", "p99", "p99_9", "p99_99", "max"] as const;
  return table([
    ["", "latency", "service time", "pacing error"],
    ...names.map((name) => [
      name.replace("_", "."),
      ...[client.latencies, client.service, generator.pacing].map((l) =>
        l.count === 0 ? "-" : formatLatency(l[name]),
      ),
    ]),
  ]);
}

function requestTable({ requests, statuses, errors, bytes, client, generator }: LoadResult): string {
  return table([
    ["scheduled", formatCount(requests.scheduled)],
    ["answered", formatCount(requests.answered)],
    ...Object.entries(statuses).map(([status, count]) => [`status ${status}`, formatCount(count)]),
    ...Object.entries(errors).map(([kind, error]) => [
      `${kind} (${error.example})`,
      formatCount(error.count),
    ]),
    ["missed", formatCount(requests.missed)],
    ["delayed by busy connections", formatCount(requests.delayed)],
    [
      "connections (opened in all)",
      `${formatCount(client.connections)} (${formatCount(client.connectionsOpened)})`,
    ],
    ["bytes sent, received", `${formatBytes(bytes.sent)}, ${formatBytes(bytes.received)}`],
    [
      "generator's CPU",
      `${Math.round(generator.cpuShare * 100)} % of a core, ${generator.cpuMicrosPerRequest} µs a request`,
    ],
    ["generator's lag p99, max", `${formatLatency(generator.lag.p99)}, ${formatLatency(generator.lag.max)}`],
  ]);
}

/** Rows of cells; the last cell of a verdict carries its colour. */
function table(rows: readonly (readonly string[])[]): string {
  const cell = (text: string, tag: string) => {
    const style = text === "met" || text === "not met" ? ` class="${text.replace(" ", "")}"` : "";
    return `<${tag}${style}>${escapeHtml(text)}</${tag}>`;
  };
  const hasHead = (rows[0]?.length ?? 0) > 2;
  return `<table>${rows.map((row, i) => `<tr>${row.map((text) => cell(text, i === 0 && hasHead ? "th" : "td")).join("")}</tr>`).join("")}</table>`;
}
