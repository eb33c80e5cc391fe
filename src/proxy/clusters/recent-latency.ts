/** How long the latest requests to a cluster took, for a hedge that waits as long as most of them do. */

const KEPT = 128;
/** Fewer say nothing. */
export const ENOUGH = 20;
/** Answers after which the percentile is looked for anew. */
const REFRESH = 64;

export class RecentLatency {
  readonly #ms = new Float64Array(KEPT);
  #count = 0;
  #fresh = 0;
  #share = -1;
  #value = 0;

  observe(ms: number): void {
    this.#ms[this.#count++ % KEPT] = ms;
    this.#fresh++;
  }

  /** Milliseconds that `share` (0 to 1) of them took at most; 0 while too few have come. */
  percentile(share: number): number {
    if (this.#count < ENOUGH) return 0;
    if (this.#fresh >= REFRESH || share !== this.#share) {
      const sorted = this.#ms.slice(0, Math.min(this.#count, KEPT)).sort();
      this.#value = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
      this.#fresh = 0;
      this.#share = share;
    }
    return this.#value;
  }
}
