/** What the mesh hop must reach, read off the scenarios: each of Weft's halves against the same half of the others. */
import { measured, type ScenarioResult } from "../result.ts";

const HALVES = [
  ["outbound", "outboundUsPerRequest"],
  ["inbound", "inboundUsPerRequest"],
] as const;

/** At most this share of a peer's CPU for a request. */
const NGINX = 0.8;
const HAPROXY_H2 = 1.3;
const CHEAPEST = 1.2;
/** At most so much more than without proxies, in milliseconds. */
const ADDED_P50_MS = 0.3;
const ADDED_P99_MS = 1;

/** At least this share of nginx's handshakes for a CPU-second. */
const HANDSHAKES = 0.8;

export interface Target {
  readonly what: string;
  readonly found: number;
  readonly limit: number;
  /** The limit is the least, not the most. */
  readonly isLeast?: true;
}

/** Medians' ratios for one number of connections. */
export function cpuTargets(scenario: ScenarioResult, connections: number): Target[] {
  const targets: Target[] = [];
  const median = (pair: string, field: string): number => {
    const figures = scenario.peers[pair];
    return (measured(figures) ? figures[field]?.median : undefined) ?? Number.NaN;
  };
  for (const [half, field] of HALVES) {
    const own = median("weft", field);
    const add = (pair: string, other: number, limit: number): void => {
      if (Number.isNaN(own / other)) return;
      targets.push({ what: `${half} hop at ${connections}: × ${pair}'s`, found: own / other, limit });
    };
    if (connections > 8) {
      add("nginx", median("nginx", field), NGINX);
      add("haproxy-h2", median("haproxy-h2", field), HAPROXY_H2);
      continue;
    }
    const others = Object.keys(scenario.peers).filter((name) => name !== "weft");
    const [cheapest] = others
      .map((name) => ({ name, us: median(name, field) }))
      .filter(({ us }) => !Number.isNaN(us))
      .toSorted((a, b) => a.us - b.us);
    if (cheapest !== undefined) add(`the cheapest (${cheapest.name})`, cheapest.us, CHEAPEST);
  }
  return targets;
}

export function latencyTargets(scenario: ScenarioResult): Target[] {
  const weft = scenario.peers["weft"];
  if (!measured(weft)) return [];
  const rows = [
    ["p50 added by two hops, ms", "addedP50Ms", ADDED_P50_MS],
    ["p99 added by two hops, ms", "addedP99Ms", ADDED_P99_MS],
  ] as const;
  return rows.map(([what, field, limit]) => ({ what, found: weft[field]?.median ?? Number.NaN, limit }));
}

export function handshakeTargets(scenario: ScenarioResult): Target[] {
  const [weft, nginx] = [scenario.peers["weft"], scenario.peers["nginx"]];
  if (!measured(weft) || !measured(nginx)) return [];
  const median = (figures: typeof weft): number => figures["fullPerCpuSecond"]?.median ?? Number.NaN;
  const what = "full handshakes for a CPU-second: × nginx's";
  return [{ what, found: median(weft) / median(nginx), limit: HANDSHAKES, isLeast: true }];
}

/** The targets as a table for a page. */
export function targetTable(targets: readonly Target[]): string {
  const rows = targets.map(({ what, found, limit, isLeast }) => {
    const isReached = isLeast === true ? found >= limit : found <= limit;
    const bound = `${isLeast === true ? "≥" : "≤"} ${limit}`;
    return `| ${what} | ${found.toFixed(2)} | ${bound} | ${isReached ? "yes" : "no"} |`;
  });
  return ["| target | found | limit | reached |", "| --- | ---: | ---: | --- |", ...rows].join("\n");
}
