/**
 * Maglev hashing (Eisenbud et al., NSDI 2016): endpoints fill a table in turns, each by a permutation of its own, so that shares
 * are even and a pick is one look-up. When endpoints change, few more keys move than must.
 */
import type { Accepts, Balancer, Hashed, Random } from "./balancer.ts";
import { hashOf, MAX_PLACES } from "./hash.ts";

/** A prime (Envoy's default). */
export const TABLE_SIZE = 65_537;

export class Maglev implements Balancer {
  readonly #table: Int32Array;
  readonly #random: Random;

  constructor(table: Int32Array, random: Random) {
    this.#table = table;
    this.#random = random;
  }

  /** `hash`: of the request's key; without one any endpoint is as good. */
  pick(hash = Math.floor(this.#random() * 2 ** 32), accepts?: Accepts): number {
    const table = this.#table;
    for (let step = 0; step < MAX_PLACES && table.length > 0; step++) {
      const index = table[(hash + step) % TABLE_SIZE]!;
      if (accepts === undefined || accepts(index)) return index;
    }
    return -1;
  }
}

interface Filler {
  readonly index: number;
  /** Of the heaviest. */
  readonly share: number;
  readonly skip: number;
  /** The next place of its permutation. */
  at: number;
  /** Turns that it has had, by its share. */
  credit: number;
}

/** Whom each hash belongs to. The memory may be shared between threads. */
export function maglevTable(candidates: readonly Hashed[]): Int32Array {
  const heaviest = candidates.reduce((max, { weight }) => Math.max(max, weight), 0);
  const fillers = candidates.flatMap(({ key, weight }, index): Filler[] =>
    weight === 0
      ? []
      : [
          {
            index,
            share: weight / heaviest,
            skip: (hashOf(key, 1) % (TABLE_SIZE - 1)) + 1,
            at: hashOf(key) % TABLE_SIZE,
            credit: 0,
          },
        ],
  );
  if (fillers.length === 0) return new Int32Array(0);
  const table = new Int32Array(new SharedArrayBuffer(TABLE_SIZE * Int32Array.BYTES_PER_ELEMENT)).fill(-1);
  for (let filled = 0; filled < TABLE_SIZE; ) {
    for (const filler of fillers) {
      filler.credit += filler.share;
      if (filler.credit < 1) continue;
      filler.credit -= 1;
      while (table[filler.at] !== -1) filler.at = (filler.at + filler.skip) % TABLE_SIZE;
      table[filler.at] = filler.index;
      if (++filled === TABLE_SIZE) break;
    }
  }
  return table;
}
