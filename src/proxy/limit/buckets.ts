/**
 * Buckets by key, of which there is a bounded number. Who comes with ever new keys must neither fill the memory nor get rid of
 * a bucket that he has emptied: of the least recently used the fullest goes, because a full one is what a new one would be.
 */
import { hash } from "node:crypto";
import { Bucket, type Share } from "./bucket.ts";

/** Buckets of one limit in one traffic loop. */
export const MAX_KEYS = 10_000;
/** How many of the least recently used are compared. */
const CANDIDATES = 8;

export class Buckets {
  /** Of keys without a lease of their own. */
  readonly common: Share;
  readonly #isShared: boolean;
  readonly #max: number;
  /** In order of use, the least recent first. */
  readonly #byKey = new Map<string, Bucket>();
  readonly #byDigest = new Map<string, Bucket>();
  readonly #lent = new Map<string, Bucket>();

  /** `isShared`: others keep the limit too, and know keys by their digests. */
  constructor(common: Share, isShared: boolean, max = MAX_KEYS) {
    this.common = common;
    this.#isShared = isShared;
    this.#max = max;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Those with a lease of their own. */
  get lent(): Iterable<Bucket> {
    return this.#lent.values();
  }

  get(key: string, now: number): Bucket {
    const found = this.#byKey.get(key);
    if (found !== undefined) {
      this.#byKey.delete(key);
      this.#byKey.set(key, found);
      return found;
    }
    if (this.#byKey.size >= this.#max) this.#makeRoom(now);
    const digest = this.#isShared ? digestOf(key) : "";
    const bucket = this.#lent.get(digest) ?? new Bucket(this.common, now, digest);
    this.#byKey.set(key, bucket);
    if (this.#isShared) this.#byDigest.set(digest, bucket);
    return bucket;
  }

  /** The bucket of a key that gets a lease, which need not have been asked for here. */
  lend(digest: string, share: Share, grant: number, now: number): Bucket {
    const bucket =
      this.#lent.get(digest) ?? this.#byDigest.get(digest) ?? new Bucket(this.common, now, digest);
    this.#lent.set(digest, bucket);
    bucket.lend(share, grant, now);
    return bucket;
  }

  release(digest: string, now: number): void {
    this.#lent.get(digest)?.release(this.common, now);
    this.#lent.delete(digest);
  }

  #makeRoom(now: number): void {
    let fullest: Bucket | undefined;
    let its = "";
    let seen = 0;
    for (const [key, bucket] of this.#byKey) {
      bucket.refill(now);
      if (fullest === undefined || bucket.tokens > fullest.tokens) {
        fullest = bucket;
        its = key;
      }
      if (++seen >= CANDIDATES) break;
    }
    this.#byKey.delete(its);
    if (fullest !== undefined) this.#byDigest.delete(fullest.digest);
  }
}

/** What others get to see of a key, which may be a secret of the client's. */
function digestOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, 22);
}
