/** MurmurHash3 of 32 bits (Appleby, public domain), over the bytes of latin-1 text: quick, and even in every bit. */

const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;

/**
 * Places that a hashed request walks past at most: a table may have a million, and a request that all refuse must not look at each.
 * With half of the endpoints left out, one is found but once in 10^19 times not.
 */
export const MAX_PLACES = 64;

/** A whole number from 0 to 2^32 - 1. */
export function hashOf(text: string, seed = 0): number {
  let hash = seed | 0;
  const whole = text.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    hash ^= mixed(
      byte(text, i) | (byte(text, i + 1) << 8) | (byte(text, i + 2) << 16) | (byte(text, i + 3) << 24),
    );
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  let rest = 0;
  for (let i = text.length - 1; i >= whole; i--) rest = (rest << 8) | byte(text, i);
  if (text.length > whole) hash ^= mixed(rest);
  return finished(hash ^ text.length);
}

function byte(text: string, at: number): number {
  return text.charCodeAt(at) & 0xff;
}

function mixed(block: number): number {
  const once = Math.imul(block, C1);
  return Math.imul((once << 15) | (once >>> 17), C2);
}

function finished(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
