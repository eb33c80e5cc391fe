/**
 * Endpoints in turn. With unequal weights the turn advances through the cumulative weights by the golden ratio, which spreads each
 * endpoint's share evenly over any stretch of picks without keeping state per endpoint.
 */
import type { Balancer, Candidate, Random } from "./balancer.ts";
import { WeightedIndex } from "./weighted-index.ts";

const GOLDEN_RATIO = 0.618_033_988_749_894_9;

export class RoundRobin implements Balancer {
  readonly #index: WeightedIndex;
  #turn: number;

  /** Starts at a random place, so that many sidecars do not march in step. */
  constructor(candidates: readonly Candidate[], random: Random) {
    this.#index = new WeightedIndex(candidates.map((candidate) => candidate.weight));
    this.#turn = this.#index.isUniform ? Math.floor(random() * Math.max(1, this.#index.size)) : random();
  }

  pick(): number {
    const { total, isUniform, size } = this.#index;
    if (total === 0) return -1;
    if (isUniform) {
      this.#turn = this.#turn + 1 >= size ? 0 : this.#turn + 1;
      return this.#turn;
    }
    this.#turn += GOLDEN_RATIO;
    if (this.#turn >= 1) this.#turn -= 1;
    return this.#index.at(this.#turn * total);
  }
}
