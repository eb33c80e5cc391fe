/**
 * When a certificate is renewed: at half of its life, spread by jitter so that sidecars that started together do not come
 * back together. Pure functions of the clock's reading; whatever a clock does, two attempts are never closer than a
 * minute after a success, and never further apart than half a life.
 */

/** Half-life ± this part of the lifetime. */
export const RENEWAL_JITTER = 0.1;
/** Least time between a certificate and the attempt to get the next. */
export const MIN_RENEWAL_DELAY_MS = 60_000;
/** First and longest wait after failures. */
export const RETRY_BASE_MS = 1_000;
export const RETRY_MAX_MS = 60_000;

/** Milliseconds since 1970. */
export interface Validity {
  readonly notBefore: number;
  readonly notAfter: number;
}

/** The moment of renewal, by the wall clock. `random` is in [0, 1). */
export function renewAt({ notBefore, notAfter }: Validity, random: number): number {
  const life = notAfter - notBefore;
  return notBefore + life * (0.5 + RENEWAL_JITTER * (2 * random - 1));
}

/**
 * How long to wait from `now` for the renewal of a certificate received a moment ago. To be slept by a monotonic timer,
 * and asked again, with the same `random`, whenever the wall clock may have jumped.
 */
export function renewalDelayMs(validity: Validity, now: number, random: number): number {
  const longest = (validity.notAfter - validity.notBefore) * (0.5 + RENEWAL_JITTER);
  const wait = Math.min(renewAt(validity, random) - now, longest);
  return Math.max(MIN_RENEWAL_DELAY_MS, wait);
}

/** How long to wait after the `failures`-th attempt in a row has failed (1 or more): doubling, with full jitter above a half. */
export function retryDelayMs(failures: number, random: number): number {
  const ceiling = Math.min(RETRY_MAX_MS, RETRY_BASE_MS * 2 ** Math.min(failures - 1, 16));
  return ceiling * (0.5 + random / 2);
}
