/**
 * What comparing has shown since the sidecar's start, for each rule and mirror. Everything is bounded, because what differs is up
 * to applications: the rules told of, the places in bodies, and the texts.
 */
import { type Comparison, compare, RESULTS, type Result } from "./compare.ts";
import type { MirrorSample } from "./sample.ts";
import { Tally, type TallyRow } from "./tally.ts";

/** Rules with their mirrors that are told of; of more, those that were compared last. */
export const MAX_PAIRS = 32;
/** Different places in bodies, of one rule and mirror. */
export const MAX_PATHS = 1_000;
const MAX_HEADERS = 100;
const MAX_STATUSES = 100;
/** Clusters that are counted by name. */
const MAX_CLUSTERS = 1_000;

export interface PairReport {
  readonly route: string;
  readonly cluster: string;
  /** ISO 8601. */
  readonly since: string;
  /** Both responses came, whole. */
  readonly compared: number;
  readonly same: number;
  /** Bodies that were not compared. */
  readonly tooLarge: number;
  /** The mirror gave no whole response. */
  readonly failed: number;
  /** The real exchange was cut off. */
  readonly incomplete: number;
  readonly statuses: readonly { readonly real: number; readonly mirror: number; readonly count: number }[];
  readonly headers: readonly (TallyRow & { readonly name: string })[];
  /** By JSON pointer. */
  readonly paths: readonly (TallyRow & { readonly path: string })[];
  /** Differences of bodies at places beyond the first 1,000. */
  readonly pathsLeftOut: number;
}

export class MirrorReport {
  readonly #now: () => Date;
  readonly #pairs = new Map<string, Pair>();
  readonly #counts = new Map<string, Map<Result, number>>();

  constructor(now: () => Date = () => new Date()) {
    this.#now = now;
  }

  take(sample: MirrorSample): void {
    const comparison = compare(sample);
    this.#count(sample.cluster, comparison.result);
    this.#pair(sample).add(sample, comparison);
  }

  pairs(): PairReport[] {
    return [...this.#pairs.values()].map((pair) => pair.describe());
  }

  /** Since the start, of each mirror. */
  *counts(): Generator<readonly [cluster: string, result: Result, count: number]> {
    for (const [cluster, counts] of this.#counts)
      for (const [result, count] of counts) yield [cluster, result, count];
  }

  #count(cluster: string, result: Result): void {
    const name = this.#counts.has(cluster) || this.#counts.size < MAX_CLUSTERS ? cluster : "other";
    const counts = this.#counts.get(name) ?? new Map<Result, number>(RESULTS.map((of) => [of, 0]));
    this.#counts.set(name, counts.set(result, (counts.get(result) ?? 0) + 1));
  }

  /** The latest stands last. */
  #pair({ route, cluster }: MirrorSample): Pair {
    const key = `${route}\0${cluster}`;
    const pair = this.#pairs.get(key) ?? new Pair(route, cluster, this.#now().toISOString());
    this.#pairs.delete(key);
    const oldest = this.#pairs.size >= MAX_PAIRS ? this.#pairs.keys().next().value : undefined;
    if (oldest !== undefined) this.#pairs.delete(oldest);
    this.#pairs.set(key, pair);
    return pair;
  }
}

class Pair {
  readonly #head: Pick<PairReport, "route" | "cluster" | "since">;
  readonly #sums = { compared: 0, same: 0, tooLarge: 0, failed: 0, incomplete: 0 };
  /** By the real status × 1,000 plus the mirror's. */
  readonly #statuses = new Map<number, number>();
  readonly #headers = new Tally(MAX_HEADERS);
  readonly #paths = new Tally(MAX_PATHS);

  constructor(route: string, cluster: string, since: string) {
    this.#head = { route, cluster, since };
  }

  add(sample: MirrorSample, { result, headers, paths, isTooLarge }: Comparison): void {
    const sums = this.#sums;
    if (sample.kind !== "both") {
      sums[sample.kind]++;
      return;
    }
    sums.compared++;
    if (result === "same") sums.same++;
    if (isTooLarge) sums.tooLarge++;
    if (result === "status") this.#addStatus(sample.real.status * 1_000 + sample.mirror.status);
    const { showValues = false } = sample.settings;
    this.#headers.add(headers, showValues);
    this.#paths.add(paths, showValues);
  }

  #addStatus(both: number): void {
    const count = this.#statuses.get(both) ?? 0;
    if (count > 0 || this.#statuses.size < MAX_STATUSES) this.#statuses.set(both, count + 1);
  }

  describe(): PairReport {
    return {
      ...this.#head,
      ...this.#sums,
      statuses: [...this.#statuses]
        .map(([both, count]) => ({ real: Math.floor(both / 1_000), mirror: both % 1_000, count }))
        .sort((a, b) => b.count - a.count),
      headers: this.#headers.rows(),
      paths: this.#paths.rows().map(({ name, ...row }) => ({ path: name, ...row })),
      pathsLeftOut: this.#paths.leftOut,
    };
  }
}
