/**
 * Weighted choice between the backends of a rule: random per request, in proportion, or by a hash that keeps its backend. A weight
 * of 0 takes nothing.
 */
import type { WeightedBackend } from "../../discovery/route.ts";

const HASH_RANGE = 2 ** 32;

export class Split {
  readonly #cumulative: readonly number[];
  readonly #total: number;
  readonly #weights: readonly number[];
  readonly #seeds: readonly number[];

  constructor(backends: readonly Pick<WeightedBackend, "weight" | "cluster">[]) {
    let total = 0;
    this.#cumulative = backends.map(({ weight }) => {
      total += weight;
      return total;
    });
    this.#total = total;
    this.#weights = backends.map(({ weight }) => weight);
    this.#seeds = backends.map(({ cluster }, i) => seedOf(cluster ?? String(i)));
  }

  /** Index of a backend for a random number of `[0, 1)`; -1 when all weights are 0. */
  pick(random: number): number {
    if (this.#total === 0) return -1;
    const point = random * this.#total;
    let index = 0;
    while (this.#cumulative[index]! <= point) index++;
    return index;
  }

  /**
   * The same, for a hash from 0 to 2^32 - 1: rendezvous hashing by weight (Schindelhauer and Schomaker), so that a weight that
   * grows takes keys from the others and moves none between them.
   */
  pickSticky(hash: number): number {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#weights.length; i++) {
      const weight = this.#weights[i]!;
      if (weight === 0) continue;
      const point = (mixed(hash ^ this.#seeds[i]!) + 0.5) / HASH_RANGE;
      const score = -Math.log(point) / weight;
      if (score < least) {
        least = score;
        best = i;
      }
    }
    return best;
  }
}

/** FNV-1a: a backend's own number, wherever it stands in the rule. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** The finish of MurmurHash3: each bit of the result depends on all. */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
