/**
 * Weighted choice between the backends of a rule: random per request, in proportion. A weight of 0 takes nothing.
 */
export class Split {
  readonly #cumulative: readonly number[];
  readonly #total: number;

  constructor(weights: readonly number[]) {
    let total = 0;
    this.#cumulative = weights.map((weight) => {
      total += weight;
      return total;
    });
    this.#total = total;
  }

  /** Index of a backend for a random number of `[0, 1)`; -1 when all weights are 0. */
  pick(random: number): number {
    if (this.#total === 0) return -1;
    const point = random * this.#total;
    let index = 0;
    while (this.#cumulative[index]! <= point) index++;
    return index;
  }
}
