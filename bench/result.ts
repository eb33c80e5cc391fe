/** The result of a run as it is written to `latest.json`: medians with their spread, and ratios to Weft. */
import type { Sample } from "./scenarios.ts";

/** Median, least and greatest of the rounds; `ratio` is the median over Weft's, where Weft was measured. */
export interface Figure {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly rounds: number;
  readonly ratio?: number;
}

export type Figures = Readonly<Record<string, Figure>>;

export interface ScenarioResult {
  readonly name: string;
  readonly title: string;
  /** By peer; a peer without samples says why. */
  readonly peers: Readonly<Record<string, Figures | { readonly missing: string }>>;
}

export interface Result {
  readonly schema: "weft.dev/bench/v1";
  readonly at: string;
  readonly rounds: number;
  readonly seconds: number;
  readonly machine: Readonly<Record<string, string>>;
  /** Peers that did not run, and why. */
  readonly missing: Readonly<Record<string, string>>;
  readonly scenarios: readonly ScenarioResult[];
}

/** Samples of one scenario by peer, in the order of the rounds. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

/** Figures of all peers in one scenario. `failures` says why a peer has none. */
export function summarize(samples: Samples, failures: ReadonlyMap<string, string>): ScenarioResult["peers"] {
  const peers: Record<string, Figures | { missing: string }> = {};
  const base = figures(samples.get("weft") ?? [], {});
  for (const [name, list] of samples) peers[name] = figures(list, base);
  for (const [name, reason] of failures) peers[name] = { missing: reason };
  return peers;
}

function figures(list: readonly Sample[], base: Figures): Figures {
  const result: Record<string, Figure> = {};
  for (const key of Object.keys(list[0] ?? {})) {
    const sorted = list.map((sample) => sample[key] ?? Number.NaN).sort((a, b) => a - b);
    const middle = median(sorted);
    const weft = base[key]?.median;
    result[key] = {
      median: middle,
      min: sorted[0] ?? Number.NaN,
      max: sorted.at(-1) ?? Number.NaN,
      rounds: sorted.length,
      ...(weft === undefined || weft === 0 ? {} : { ratio: middle / weft }),
    };
  }
  return result;
}

function median(sorted: readonly number[]): number {
  const half = sorted.length >> 1;
  const high = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[half - 1] ?? Number.NaN) + high) / 2;
}

/** True for a peer that was measured. */
export function measured(value: Figures | { readonly missing: string } | undefined): value is Figures {
  return value !== undefined && typeof Reflect.get(value, "missing") !== "string";
}
