/**
 * Power of two choices: of two endpoints at random, the one with fewer requests in flight for its weight (Mitzenmacher, "The
 * power of two choices in randomized load balancing"; Envoy's LEAST_REQUEST with choice_count 2, Istio's default).
 */
import type { Balancer, Candidate, Random } from "./balancer.ts";
import { WeightedIndex } from "./weighted-index.ts";

export class LeastRequest implements Balancer {
  readonly #candidates: readonly Candidate[];
  readonly #index: WeightedIndex;
  readonly #random: Random;

  constructor(candidates: readonly Candidate[], random: Random) {
    this.#candidates = candidates;
    this.#index = new WeightedIndex(candidates.map((candidate) => candidate.weight));
    this.#random = random;
  }

  pick(): number {
    const { total, isUniform, size } = this.#index;
    if (total === 0) return -1;
    if (size === 1) return 0;
    const random = this.#random;
    if (!isUniform) return this.#lighter(this.#index.at(random() * total), this.#index.at(random() * total));
    const first = Math.floor(random() * size);
    const other = Math.floor(random() * (size - 1));
    return this.#lighter(first, other < first ? other : other + 1);
  }

  #lighter(a: number, b: number): number {
    const first = this.#candidates[a]!;
    const second = this.#candidates[b]!;
    return first.active * second.weight <= second.active * first.weight ? a : b;
  }
}
