/** Each request goes to an endpoint at random, in proportion to weights. */
import type { Balancer, Candidate, Random } from "./balancer.ts";
import { WeightedIndex } from "./weighted-index.ts";

export class RandomChoice implements Balancer {
  readonly #index: WeightedIndex;
  readonly #random: Random;

  constructor(candidates: readonly Candidate[], random: Random) {
    this.#index = new WeightedIndex(candidates.map((candidate) => candidate.weight));
    this.#random = random;
  }

  pick(): number {
    return this.#index.total === 0 ? -1 : this.#index.at(this.#random() * this.#index.total);
  }
}
