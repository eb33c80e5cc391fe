/**
 * Whether a list that came after a break may be believed. An API server over a restored etcd, or one that has just started,
 * answers with little or nothing and is wrong; to believe it would be to take the mesh down. So a list in which fewer than half
 * of what was there is left is held back until a second one, some seconds later, says the same.
 */

/** What a list would do to what is there. */
export interface Shrinkage {
  readonly before: number;
  /** Of those, how many the list still has. */
  readonly left: number;
}

/** How many may come back between two lists that still say the same. */
const STILL = 0.01;

/** Whether the list must be confirmed. */
export function isSuspicious({ before, left }: Shrinkage): boolean {
  return before > 0 && left < before / 2;
}

/** Whether the later of two suspicious lists says what the earlier did: it is not filling up again. */
export function confirms(earlier: Shrinkage, later: Shrinkage): boolean {
  return later.left <= earlier.left + Math.floor(later.before * STILL);
}
