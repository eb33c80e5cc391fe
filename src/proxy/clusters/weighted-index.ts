/**
 * Proportional choice: cumulative weights and a binary search. Built when endpoints or weights change.
 */
export class WeightedIndex {
  readonly total: number;
  readonly isUniform: boolean;
  readonly #cumulative: Float64Array;

  constructor(weights: readonly number[]) {
    this.#cumulative = new Float64Array(weights.length);
    let total = 0;
    for (const [i, weight] of weights.entries()) {
      total += weight;
      this.#cumulative[i] = total;
    }
    this.total = total;
    this.isUniform = weights.every((weight) => weight === weights[0]);
  }

  get size(): number {
    return this.#cumulative.length;
  }

  /** The index whose share holds `point` of `[0, total)`. Weights of 0 have none. */
  at(point: number): number {
    let low = 0;
    let high = this.#cumulative.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cumulative[middle]! > point) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
