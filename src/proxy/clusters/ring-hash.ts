/**
 * Consistent hashing on a ring (Karger et al.; Envoy's RING_HASH): each endpoint stands at many places of the ring, in proportion
 * to its weight, and a key belongs to the first place at or after its own. When an endpoint goes, its keys alone move.
 */
import type { Accepts, Balancer, Hashed, Random } from "./balancer.ts";
import { hashOf, MAX_PLACES } from "./hash.ts";

/** Places on the whole ring, at least (Envoy's minimum_ring_size). */
export const MINIMUM_RING_SIZE = 1_024;
/**
 * Places of the lightest endpoint, by how many of it would make up all weight. To give just as many as the minimum needs (Envoy)
 * is to give each other places whenever one comes or goes; with numbers that seldom change, the others' keys stay.
 */
const PLACES: readonly (readonly [lightest: number, places: number])[] = [
  [1, MINIMUM_RING_SIZE],
  [64, MINIMUM_RING_SIZE / 2],
  [2_048, 16],
];
/** On the whole ring, at most. */
const MAXIMUM_RING_SIZE = 8_388_608;
/** A place is `hash × 2^20 + index`: exact in a double for a million endpoints. */
const INDEX_RANGE = 1_048_576;

/** Where endpoints stand on the ring, in order. The memory may be shared between threads. */
export function ringPlaces(candidates: readonly Hashed[]): Float64Array {
  const weights = candidates.map(({ weight }) => weight);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return new Float64Array(0);
  const least = Math.min(...weights.filter((weight) => weight > 0));
  const [, wanted] = PLACES.find(([lightest]) => total / least <= lightest) ?? [0, 1];
  const perWeight = Math.min(wanted / least, MAXIMUM_RING_SIZE / total);
  const counts = weights.map((weight) => Math.round(weight * perWeight));
  const size = counts.reduce((sum, count) => sum + count, 0);
  const places = new Float64Array(new SharedArrayBuffer(size * Float64Array.BYTES_PER_ELEMENT));
  let at = 0;
  for (const [i, { key }] of candidates.entries()) {
    for (let n = 0; n < counts[i]!; n++) places[at++] = hashOf(`${key}_${n}`) * INDEX_RANGE + i;
  }
  return places.sort();
}

export class RingHash implements Balancer {
  readonly #places: Float64Array;
  readonly #random: Random;

  constructor(places: Float64Array, random: Random) {
    this.#places = places;
    this.#random = random;
  }

  /** `hash`: of the request's key; without one any endpoint is as good. */
  pick(hash = Math.floor(this.#random() * 2 ** 32), accepts?: Accepts): number {
    const places = this.#places;
    if (places.length === 0) return -1;
    const wanted = hash * INDEX_RANGE;
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (places[middle]! >= wanted) high = middle;
      else low = middle + 1;
    }
    for (let step = 0; step < MAX_PLACES; step++) {
      const index = places[(low + step) % places.length]! % INDEX_RANGE;
      if (accepts === undefined || accepts(index)) return index;
    }
    return -1;
  }
}
