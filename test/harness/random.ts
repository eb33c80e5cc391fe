/** Random numbers that come again: a test that fails prints its seed, and the seed gives the same run. */

/** Numbers in `[0, 1)` from a 32-bit seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number in `[0, below)`. */
export function below(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

/** One of a list that is not empty. */
export function oneOf<T>(random: () => number, list: readonly T[]): T {
  const item = list[below(random, list.length)];
  if (item === undefined) throw new RangeError("an empty list");
  return item;
}
