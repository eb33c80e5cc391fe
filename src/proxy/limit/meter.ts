/**
 * What a traffic loop needs of limits that several keep, told about once a second, and at once (ten times a second at most)
 * where a bucket runs low faster than was said. Nothing is said while nothing comes.
 */
import type { DemandReport, LimitDemand } from "../../discovery/rate-limit.ts";
import type { Bucket } from "./bucket.ts";
import type { Limit } from "./limit.ts";

/** How often `report` is to be asked. */
export const TICK_MS = 100;
const REPORT_MS = 1_000;
/** Keys that one report may name anew. */
const MAX_NAMED = 64;
/** More or less than this of what was last said is worth saying before its time. */
const NOTABLE_RISE = 1.2;
const GREAT_RISE = 1.5;
const SETTLED_MS = 300;
const NOTABLE_FALL = 0.6;
/** Weight of the newest tick in what is taken for the present rate. */
const WEIGHT = 0.5;
/** Requests per second that are none. */
const ALMOST_NOTHING = 0.01;

interface Metered {
  /** When the last report was made. */
  at: number;
  /** What it said, in requests per second. */
  demand: number;
  /** What comes now, in requests per second. */
  rate: number;
}

export class Meter {
  readonly #part: number;
  #limits: readonly Limit[] = [];
  #dropped: string[] = [];
  readonly #joined = new Set<Limit>();
  readonly #metered = new WeakMap<Bucket, Metered>();
  readonly #pressed = new Map<Limit, Set<Bucket>>();

  constructor(part: number) {
    this.#part = part;
  }

  /** There is something to report about. */
  get isNeeded(): boolean {
    return this.#limits.length > 0 || this.#dropped.length > 0;
  }

  configure(limits: readonly Limit[]): void {
    const kept = new Set(limits.map(({ id }) => id));
    for (const limit of this.#joined) {
      if (limits.includes(limit)) continue;
      this.#joined.delete(limit);
      this.#pressed.delete(limit);
      if (!kept.has(limit.id)) this.#dropped.push(limit.id);
    }
    this.#limits = limits;
  }

  /** Whoever is told has forgotten everything, or is another. */
  rejoin(): void {
    this.#joined.clear();
    this.#dropped = [];
  }

  /** A bucket has refused a request. */
  pressed(limit: Limit, bucket: Bucket): void {
    if (!limit.isShared || limit.keyed === null || bucket.isLent) return;
    let pressed = this.#pressed.get(limit);
    if (pressed === undefined) {
      pressed = new Set();
      this.#pressed.set(limit, pressed);
    }
    if (pressed.size >= MAX_NAMED || pressed.has(bucket)) return;
    pressed.add(bucket);
    // How long ago the others came is not known.
    bucket.arrivals = 1;
  }

  /** A lease has come for this bucket: what there is no room for any more is to be given back soon. */
  lent(bucket: Bucket | null, grant: number, now: number): void {
    if (bucket === null || grant > 0 || bucket.tokens <= bucket.share.cap) return;
    const metered = this.#metered.get(bucket);
    if (metered !== undefined) metered.at = now - REPORT_MS;
  }

  /** What is to be said now; null: nothing. */
  report(now: number): DemandReport | null {
    const demands: LimitDemand[] = [];
    for (const limit of this.#limits) {
      if (!this.#joined.has(limit)) {
        this.#joined.add(limit);
        demands.push(this.#joining(limit, now));
      } else if (limit.keyed === null) this.#consider(limit, limit.only, now, demands);
      if (limit.keyed === null) continue;
      for (const bucket of limit.keyed.lent) this.#consider(limit, bucket, now, demands);
      const pressed = this.#pressed.get(limit);
      if (pressed === undefined) continue;
      for (const bucket of pressed) if (!bucket.isLent) this.#consider(limit, bucket, now, demands);
      pressed.clear();
    }
    const dropped = this.#dropped;
    this.#dropped = [];
    return demands.length + dropped.length === 0 ? null : { part: this.#part, demands, dropped };
  }

  #joining(limit: Limit, now: number): LimitDemand {
    const { keyed, id, commonFlow } = limit;
    if (keyed !== null) {
      return { limit: id, demand: 0, level: 0, returned: 0, flow: commonFlow, isLent: false };
    }
    return this.#demand(limit, limit.only, this.#measure(limit.only), now);
  }

  #consider(limit: Limit, bucket: Bucket, now: number, demands: LimitDemand[]): void {
    const isNew = !this.#metered.has(bucket);
    const metered = this.#measure(bucket);
    bucket.refill(now);
    const { rate, demand } = metered;
    const { cap, flow } = bucket.share;
    const isSettled = now - metered.at >= SETTLED_MS;
    const isRising = bucket.tokens < cap / 2 && rate > demand * (isSettled ? NOTABLE_RISE : GREAT_RISE);
    const isFalling = rate < demand * NOTABLE_FALL && flow * 1_000 > limit.commonFlow;
    if (!isNew && !isRising && !isFalling) {
      if (now - metered.at < REPORT_MS) return;
      metered.at = now;
      if (rate < ALMOST_NOTHING && demand === 0 && bucket.tokens <= cap) return;
    }
    demands.push(this.#demand(limit, bucket, metered, now));
  }

  /** Counts what came since the last tick. */
  #measure(bucket: Bucket): Metered {
    let metered = this.#metered.get(bucket);
    const rate = (bucket.arrivals * 1_000) / TICK_MS;
    bucket.arrivals = 0;
    if (metered === undefined) {
      metered = { at: 0, demand: 0, rate };
      this.#metered.set(bucket, metered);
    } else metered.rate += (rate - metered.rate) * WEIGHT;
    return metered;
  }

  #demand(limit: Limit, bucket: Bucket, metered: Metered, now: number): LimitDemand {
    bucket.refill(now);
    metered.at = now;
    metered.demand = metered.rate < ALMOST_NOTHING ? 0 : metered.rate;
    const returned = bucket.isLent ? bucket.takeSurplus() : 0;
    const key = limit.keyed === null ? {} : { key: bucket.digest };
    return {
      limit: limit.id,
      ...key,
      demand: metered.demand,
      level: bucket.tokens,
      returned,
      flow: bucket.share.flow * 1_000,
      isLent: bucket.isLent,
    };
  }
}
