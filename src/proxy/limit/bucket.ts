/**
 * A token bucket that nobody has to fill: what has come in is worked out when it is asked for. Tokens are requests; times are
 * milliseconds of one clock.
 */

/** How fast a bucket fills and how much it holds; buckets of one limit share one. */
export interface Share {
  /** Tokens per millisecond. */
  flow: number;
  /** At least 1. */
  cap: number;
}

export class Bucket {
  share: Share;
  tokens: number;
  /** Requests that came, passed or not, since the last report. */
  arrivals = 0;
  /** Tokens that there was no room for since the last report. */
  spilt = 0;
  /** Digest of its key where others are to know it. */
  readonly digest: string;
  /** `share` is its own, for as long as it is lent. */
  isLent = false;
  #at: number;

  /** Full. */
  constructor(share: Share, now: number, digest = "") {
    this.share = share;
    this.tokens = share.cap;
    this.digest = digest;
    this.#at = now;
  }

  refill(now: number): void {
    const made = (now - this.#at) * this.share.flow;
    if (made <= 0) return;
    this.#at = now;
    const room = this.share.cap - this.tokens;
    if (made <= room) this.tokens += made;
    else {
      // Less room than nothing: more was lent, or a wider share was taken back.
      if (room > 0 || !this.isLent) this.tokens = this.share.cap;
      this.spilt += made - Math.max(0, room);
    }
  }

  /** Another share from now on; what there is stays, and `grant` comes on top. */
  lend(share: Share, grant: number, now: number): void {
    this.refill(now);
    if (!this.isLent) this.spilt = 0;
    this.share = share;
    this.tokens += grant;
    this.isLent = true;
  }

  /** Back to a common share. */
  release(share: Share, now: number): void {
    this.refill(now);
    this.share = share;
    this.tokens = Math.min(this.tokens, share.cap);
    this.spilt = 0;
    this.isLent = false;
  }

  /** What there is no room for, taken out. */
  takeSurplus(): number {
    const over = Math.max(0, this.tokens - this.share.cap);
    const surplus = this.spilt + over;
    this.tokens -= over;
    this.spilt = 0;
    return surplus;
  }
}
