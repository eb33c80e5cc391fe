/**
 * `--expect 'p99<20ms,success>99.9%'`: thresholds that turn a run into a test. Parsed before the run starts, with all
 * mistakes at once and what would be right; judged from the result alone.
 */
import type { LoadResult } from "./result.ts";

export type Comparison = "<" | "<=" | ">" | ">=" | "=";

/** One threshold. `limit` is in milliseconds, per cent, per second or a plain count, as `unit` says. */
export interface Expectation {
  readonly text: string;
  readonly metric: string;
  readonly comparison: Comparison;
  readonly limit: number;
  readonly unit: "ms" | "%" | "/s" | "";
}

export type ParsedExpectations =
  | { readonly kind: "expectations"; readonly expectations: readonly Expectation[] }
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** An expectation and what the run really had. */
export interface Verdict {
  readonly expectation: string;
  readonly actual: string;
  readonly met: boolean;
}

const METRICS =
  "p50 to p99.99, min, mean, max (each also as service.p99 and so on), success, rate, errors, missed";
const FORM = /^([a-z][a-z0-9._]*)\s*(<=|>=|<|>|=|)\s*([0-9.]*)\s*([^0-9.]*)$/i;
const LATENCY = /^(?:service\.)?(?:p(\d+(?:\.\d+)?)|min|mean|max)$/;
const MS: Readonly<Record<string, number>> = { us: 0.001, µs: 0.001, ms: 1, s: 1_000 };

/** Parses a comma-separated list. */
export function parseExpectations(text: string): ParsedExpectations {
  const expectations: Expectation[] = [];
  const problems: string[] = [];
  for (const part of text.split(",").map((piece) => piece.trim())) {
    const parsed = parseOne(part);
    if (typeof parsed === "string") problems.push(parsed);
    else expectations.push(parsed);
  }
  return problems.length > 0 ? { kind: "invalid", problems } : { kind: "expectations", expectations };
}

/** Whether a run met each expectation. A run that measured nothing meets none. */
export function judge(expectations: readonly Expectation[], result: LoadResult): readonly Verdict[] {
  return expectations.map((expectation) => {
    const actual = actualOf(expectation, result);
    if (actual === undefined)
      return { expectation: expectation.text, actual: "nothing measured", met: false };
    return {
      expectation: expectation.text,
      actual: `${Number(actual.toFixed(3))}${expectation.unit === "" ? "" : ` ${expectation.unit}`}`,
      met: compare(actual, expectation.comparison, expectation.limit),
    };
  });
}

function parseOne(text: string): Expectation | string {
  if (text === "") return "an expectation is empty; write them as p99<20ms,success>99.9%";
  const [, name, comparison, digits, unit] = FORM.exec(text) ?? [];
  if (name === undefined || comparison === undefined || digits === undefined || unit === undefined) {
    return `"${text}" is no expectation; write it as p99<20ms`;
  }
  const metric = name.toLowerCase();
  const percentile = LATENCY.exec(metric);
  const wanted = unitsOf(metric, percentile !== null);
  if (wanted === undefined) return `"${text}": there is no metric "${name}"; there are ${METRICS}`;
  if (percentile?.[1] !== undefined && !(Number(percentile[1]) > 0 && Number(percentile[1]) < 100)) {
    return `"${text}": a percentile lies between p0 and p100, such as p99.9`;
  }
  if (comparison === "") return `"${text}": a comparison is missing, one of < <= > >= =`;
  if (digits === "" || !Number.isFinite(Number(digits)))
    return `"${text}": a number is missing, as in ${name}${comparison}20`;
  const factor = wanted[unit.trim().toLowerCase()];
  if (factor === undefined) {
    const allowed = Object.keys(wanted).map((key) => (key === "" ? "none" : key));
    return `"${text}": ${unit.trim() === "" ? "a unit is missing" : `"${unit.trim()}" is no unit of ${metric}`}, one of ${allowed.join(", ")}`;
  }
  const shown =
    percentile !== null
      ? "ms"
      : metric === "rate"
        ? "/s"
        : metric === "success" || unit.includes("%")
          ? "%"
          : "";
  return { text, metric, comparison: comparison as Comparison, limit: Number(digits) * factor, unit: shown };
}

/** Units that a metric may have, with what they are multiplied by; undefined when there is no such metric. */
function unitsOf(metric: string, latency: boolean): Readonly<Record<string, number>> | undefined {
  if (latency) return MS;
  if (metric === "success") return { "%": 1 };
  if (metric === "rate") return { "": 1, "/s": 1 };
  if (metric === "errors" || metric === "missed") return { "": 1, "%": 1 };
  return undefined;
}

function actualOf({ metric, unit }: Expectation, result: LoadResult): number | undefined {
  const { requests, client } = result;
  if (requests.scheduled === 0) return undefined;
  if (metric === "success") return 100 * requests.successRate;
  if (metric === "rate") return client.rps;
  if (metric === "errors" || metric === "missed") {
    const count = requests[metric];
    return unit === "%" ? (100 * count) / requests.scheduled : count;
  }
  const service = metric.startsWith("service.");
  const latencies = service ? client.service : client.latencies;
  if (latencies.count === 0) return undefined;
  const name = service ? metric.slice("service.".length) : metric;
  if (name === "min" || name === "max") return latencies[name];
  if (name === "mean") return latencies.average;
  return percentileOf(latencies.curve, Number(name.slice(1)));
}

/** The first point of a curve at or beyond a percentile: the usual ones exactly, others never too low. */
function percentileOf(curve: readonly (readonly [number, number])[], percentile: number): number | undefined {
  return curve.find(([at]) => at >= percentile)?.[1];
}

function compare(actual: number, comparison: Comparison, limit: number): boolean {
  if (comparison === "<") return actual < limit;
  if (comparison === "<=") return actual <= limit;
  if (comparison === ">") return actual > limit;
  if (comparison === ">=") return actual >= limit;
  return actual === limit;
}
