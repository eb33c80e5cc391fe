/** A token bucket for each key. Bounded: beyond `maxKeys`, the one that was used longest ago is forgotten. */

export interface RateLimit {
  /** Tokens that a key starts with and never exceeds. */
  readonly burst: number;
  readonly perSecond: number;
  readonly maxKeys: number;
}

interface Bucket {
  tokens: number;
  /** Clock's reading at which `tokens` was right. */
  at: number;
}

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new Map<string, Bucket>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /** Takes a token of `key` at `now` (ms of a clock that never goes back). 0, or how many ms until there is one. */
  take(key: string, now: number): number {
    const { burst, perSecond, maxKeys } = this.#limit;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    // The order of a Map is that of insertion, so the first key is the one used longest ago.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > maxKeys) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) * perSecond) / 1000);
    bucket.at = now;
    if (bucket.tokens < 1) return Math.ceil(((1 - bucket.tokens) * 1000) / perSecond);
    bucket.tokens--;
    return 0;
  }
}
