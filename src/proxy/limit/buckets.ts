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

/** A bucket in the order of use. */
interface Entry {
  readonly key: string;
  readonly bucket: Bucket;
  older: Entry | null;
  newer: Entry | null;
}

export class Buckets {
  /** Of keys without a lease of their own. */
  readonly common: Share;
  readonly #isShared: boolean;
  readonly #max: number;
  readonly #byKey = new Map<string, Entry>();
  readonly #byDigest = new Map<string, Bucket>();
  readonly #lent = new Map<string, Bucket>();
  #oldest: Entry | null = null;
  #newest: Entry | null = null;

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
      if (found !== this.#newest) {
        this.#unlink(found);
        this.#append(found);
      }
      return found.bucket;
    }
    if (this.#byKey.size >= this.#max) this.#makeRoom(now);
    const digest = this.#isShared ? digestOf(key) : "";
    const bucket = this.#lent.get(digest) ?? new Bucket(this.common, now, digest);
    const entry = { key, bucket, older: null, newer: null };
    this.#byKey.set(key, entry);
    this.#append(entry);
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
    let fullest = this.#oldest;
    let entry = fullest;
    for (let seen = 0; seen < CANDIDATES && entry !== null; seen++, entry = entry.newer) {
      entry.bucket.refill(now);
      if (fullest === null || entry.bucket.tokens > fullest.bucket.tokens) fullest = entry;
    }
    if (fullest === null) return;
    this.#unlink(fullest);
    this.#byKey.delete(fullest.key);
    this.#byDigest.delete(fullest.bucket.digest);
  }

  #append(entry: Entry): void {
    entry.older = this.#newest;
    entry.newer = null;
    if (this.#newest === null) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  #unlink({ older, newer }: Entry): void {
    if (older === null) this.#oldest = newer;
    else older.newer = newer;
    if (newer === null) this.#newest = older;
    else newer.older = older;
  }
}

/** What others get to see of a key, which may be a secret of the client's. */
function digestOf(key: string): string {
  return hash("sha256", key, "base64url").slice(0, 22);
}
