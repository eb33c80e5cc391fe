/**
 * Power of two choices by expected time: of two endpoints at random the one with less latency times requests in flight for its
 * weight (Finagle, Linkerd). A slow endpoint gets little, and is soon tried again.
 */
import type { Balancer, Candidate, Random } from "./balancer.ts";
import { WeightedIndex } from "./weighted-index.ts";

export class PeakEwma implements Balancer {
  readonly #candidates: readonly Candidate[];
  readonly #index: WeightedIndex;
  readonly #random: Random;
  readonly #now: () => number;
  /** What a request counts on an endpoint of the mean weight: idle ones of all weights are then alike. */
  readonly #one: number;

  /** `now`: milliseconds of the clock by which latencies are observed. */
  constructor(candidates: readonly Candidate[], random: Random, now: () => number) {
    this.#candidates = candidates;
    this.#index = new WeightedIndex(candidates.map(({ weight }) => weight));
    this.#random = random;
    this.#now = now;
    this.#one = this.#index.size / this.#index.total;
  }

  pick(): number {
    const { total, size } = this.#index;
    if (total === 0) return -1;
    if (size === 1) return 0;
    const random = this.#random;
    const a = this.#index.at(random() * total);
    let b = this.#index.at(random() * total);
    // The same twice would be no choice; its neighbour is as random.
    if (b === a) b = (a + 1 + Math.floor(random() * (size - 1))) % size;
    if (this.#candidates[b]!.weight === 0) return a;
    const now = this.#now();
    return this.#cost(a, now) <= this.#cost(b, now) ? a : b;
  }

  #cost(index: number, now: number): number {
    const { latency, active, weight } = this.#candidates[index]!;
    return latency.at(now) * (active / weight + this.#one);
  }
}
