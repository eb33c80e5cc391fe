/**
 * The three pictures of a report: latency by percentile on an axis that gives every further nine the same room (as
 * HdrHistogram's plots do), answers per second over time, and latency over time.
 */
import { type Chart, drawChart, linearScale, logScale, PLOT, type Scale } from "./chart.ts";
import { formatCount, formatLatency, formatRate } from "./format.ts";
import type { Latencies, LoadResult, TimelinePoint } from "./result.ts";

/** Latency (`s1`) and service time (`s2`) by percentile. */
export function percentileChart({ client }: LoadResult): string {
  const { latencies, service } = client;
  const nines = Math.max(2, Math.log10(Math.max(10, latencies.count)));
  const labels = ["0 %", "90 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "99.9999 %", "99.99999 %"];
  const place = (percentile: number) => Math.min(nines, -Math.log10(Math.max(1e-12, 1 - percentile / 100)));
  const x: Scale = {
    at: (percentile) => PLOT.left + ((PLOT.right - PLOT.left) * place(percentile)) / nines,
    ticks: [...labels.slice(0, Math.floor(nines) + 1), "50 %"].map((label) => ({
      value: Number.parseFloat(label),
      label,
    })),
  };
  const series = (name: string, style: string, { curve }: Latencies) => ({
    name,
    style,
    points: curve,
    title: (percentile: number, ms: number) => `${name} p${percentile}: ${formatLatency(ms)}`,
  });
  return drawChart({
    x,
    y: latencyScale([latencies.p50, service.p50, latencies.max, service.max]),
    series: [series("service time", "s2", service), series("latency", "s1", latencies)],
    label: "Latency by percentile",
  });
}

/** Answers (`s1`) and errors (`bad`) per second. */
export function rateChart(result: LoadResult): string {
  const perSecond = (count: number, point: TimelinePoint) => (count * 1_000) / point.lengthMs;
  const rates = result.timeline.map((point) => [middle(point), perSecond(point.answered, point)] as const);
  const errors = result.timeline.map((point) => [middle(point), perSecond(point.errors, point)] as const);
  const hasErrors = result.requests.errors > 0;
  const most = Math.max(
    result.plan.rate ?? 0,
    ...rates.map(([, rate]) => rate),
    ...errors.map(([, rate]) => rate),
  );
  return drawChart({
    x: timeScale(result),
    y: linearScale(most, PLOT.bottom, PLOT.top, formatCount),
    series: [
      {
        name: "answers",
        style: "s1",
        area: true,
        points: rates,
        title: (s, rate) => `${s.toFixed(1)} s: ${formatRate(rate)}/s`,
      },
      ...(hasErrors
        ? [
            {
              name: "errors",
              style: "bad",
              points: errors,
              title: (s: number, rate: number) => `${s.toFixed(1)} s: ${formatRate(rate)} errors/s`,
            },
          ]
        : []),
    ],
    label: "Answers per second over time",
  } satisfies Chart);
}

/** p50 (`s1`), p99 (`s2`) and maximum (`s3`) over time. */
export function latencyChart(result: LoadResult): string {
  const series = (name: "p50" | "p99" | "max", style: string) => ({
    name,
    style,
    points: result.timeline.map(
      (point) => [middle(point), point.answered === 0 ? undefined : point[name]] as const,
    ),
    title: (s: number, ms: number) => `${s.toFixed(1)} s: ${name} ${formatLatency(ms)}`,
  });
  const answered = result.timeline.filter((point) => point.answered > 0);
  return drawChart({
    x: timeScale(result),
    y: latencyScale([...answered.map((point) => point.p50), ...answered.map((point) => point.max)]),
    series: [series("max", "s3"), series("p99", "s2"), series("p50", "s1")],
    label: "Latency over time",
  });
}

/** Linear, unless the slowest is so far from the rest that nothing else could be seen. */
function latencyScale(values: readonly number[]): Scale {
  const seen = values.filter((ms) => ms > 0);
  const min = Math.max(0.001, Math.min(...seen, 1e9));
  const max = Math.max(0.001, ...seen);
  return max / min > 25
    ? logScale(min, max, PLOT.bottom, PLOT.top, formatLatencyTick)
    : linearScale(max, PLOT.bottom, PLOT.top, formatLatencyTick);
}

function timeScale(result: LoadResult): Scale {
  const seconds = Math.max(...result.timeline.map((point) => (point.atMs + point.lengthMs) / 1_000), 0.1);
  const scale = linearScale(seconds, PLOT.left, PLOT.right, (s) => `${Number(s.toFixed(3))} s`);
  // The axis ends with the run, not at the next round number.
  return {
    at: (s) => PLOT.left + ((PLOT.right - PLOT.left) * s) / seconds,
    ticks: scale.ticks.filter(({ value }) => value <= seconds),
  };
}

function middle(point: TimelinePoint): number {
  return (point.atMs + point.lengthMs / 2) / 1_000;
}

/** Ticks are round numbers: no decimals that say nothing. */
function formatLatencyTick(ms: number): string {
  if (ms === 0) return "0";
  if (ms < 1) return `${Number((ms * 1_000).toPrecision(3))} µs`;
  return ms < 1_000 ? `${Number(ms.toPrecision(3))} ms` : `${Number((ms / 1_000).toPrecision(3))} s`;
}
