/**
 * One bucket that many keep together. Its requests are in three places, and each is in one of them: in the pot's own stock, in
 * holders' stores, and in holders' flows, which make new ones. Flows add up to the limit's rate at most; what nobody makes the
 * pot makes. So whatever is lent to whom, and however late that is known, no more passes than one bucket would let.
 */
import { type PotSize, shareFlow, shareStock, storeOf } from "./lease-share.ts";
import type { Lease, LimitDemand } from "./rate-limit.ts";

/** So long holders of a limit that was lent by a predecessor keep what they have: others of them may not be back yet. */
export const SETTLE_MS = 20_000;
/** For how long a grant is to last. */
const GRANT_S = 1;
/** For how long what holders give back waits for others, whatever the burst. */
const TRANSIT_S = 0.2;
/** Share of the limit that is kept back while holders have had more than there was. */
const REPAYMENT = 0.1;
/** Share of the limit below which demand no longer counts as more than it. */
const ENOUGH = 0.8;
/** Share of its store below which a grant is not worth a message. */
const WORTH_TELLING = { asked: 0.02, unasked: 0.25 } as const;
/** How often the flow is divided anew where no demand has changed much: by half, and by this share of the limit. */
const SHARE_MS = 500;
const URGENT = 0.05;
/** Flows that all together differ less, as a share of the limit, are not told anew. */
const NOTABLE = 0.02;

const NOBODY: ReadonlySet<Holder> = new Set();

interface Holder {
  demand: number;
  level: number;
  flow: number;
  cap: number;
  /** By which the flow was last divided. */
  sharedDemand: number;
  /** What it has is known; it has reported since the last sharing out. */
  isFresh: boolean;
  /** It has to be told, changed or not. */
  isUntold: boolean;
}

export class Pot<H> {
  readonly size: PotSize;
  readonly #holders = new Map<H, Holder>();
  #stock: number;
  #at: number;
  #settledAt: number;
  /** More is asked for than the limit: stores of those who ask for little are for the others. */
  #isShort = false;
  #sharedAt = Number.NEGATIVE_INFINITY;
  /** How many holders there were then. */
  #sharedBy = 0;

  /** `isResumed`: holders have had leases of it before, from a control plane that is no longer. Times in milliseconds. */
  constructor(size: PotSize, isResumed: boolean, now: number) {
    this.size = size;
    this.#stock = isResumed ? 0 : size.burst;
    this.#at = now;
    this.#settledAt = isResumed ? now + SETTLE_MS : now;
  }

  /** Nobody has asked for anything for so long that it is as full as a new one. */
  isIdle(now: number): boolean {
    this.#accrue(now);
    if (this.#stock < this.#room() * 0.95) return false;
    for (const { demand } of this.#holders.values()) if (demand > 0) return false;
    return true;
  }

  /** `isLent`: what it has was lent and counted before; else it is taken from the stock. */
  join(
    holder: H,
    { level, flow, isLent }: Pick<LimitDemand, "level" | "flow" | "isLent">,
    now: number,
  ): void {
    this.#accrue(now);
    if (!isLent) this.#stock -= Math.min(level, this.size.burst);
    this.#holders.set(holder, {
      demand: 0,
      level,
      flow,
      cap: 0,
      sharedDemand: 0,
      isFresh: true,
      isUntold: true,
    });
  }

  /** The holder goes by another flow than it was told: it has begun anew, or has not heard yet. */
  tellAgain(holder: H, flow: number, now: number): void {
    const found = this.#holders.get(holder);
    if (found === undefined) return;
    this.#accrue(now);
    found.flow = flow;
    found.isUntold = true;
  }

  report(holder: H, { demand, level, returned }: LimitDemand, now: number): void {
    const found = this.#holders.get(holder);
    if (found === undefined) return;
    this.#accrue(now);
    found.demand = demand;
    found.level = level;
    found.isFresh = true;
    this.#stock = Math.min(this.#room(), this.#stock + returned);
  }

  leave(holder: H, now: number): void {
    this.#accrue(now);
    this.#holders.delete(holder);
  }

  /** Shares out anew; what is told to whom, without the limit's name. */
  leases(now: number): readonly (readonly [H, Omit<Lease, "limit">])[] {
    this.#accrue(now);
    const changed = this.#isDue(now) ? this.#share(now) : NOBODY;
    const all = [...this.#holders];
    const needs = all.map(([, { isFresh, cap, level, demand, flow }]) =>
      // Of one who asks for nothing it is known without a report what it has.
      isFresh || demand === 0 ? Math.max(0, cap + Math.max(0, demand - flow) * GRANT_S - level) : 0,
    );
    const grants = shareStock(this.#stock, needs);
    return all.flatMap(([h, holder], i) => {
      const worth = holder.cap * (holder.isFresh ? WORTH_TELLING.asked : WORTH_TELLING.unasked);
      const grant = grants[i] ?? 0;
      holder.isFresh = false;
      if (!changed.has(holder) && grant < worth) return [];
      this.#stock -= grant;
      holder.level += grant;
      return [[h, { flow: holder.flow, cap: holder.cap, grant }] as const];
    });
  }

  /** Not at each report: a wavering demand would have everybody told of everybody's. */
  #isDue(now: number): boolean {
    if (now - this.#sharedAt >= SHARE_MS) return true;
    for (const { isUntold, demand, sharedDemand } of this.#holders.values()) {
      const change = Math.abs(demand - sharedDemand);
      if (isUntold || change > Math.max(sharedDemand / 2, this.size.rate * URGENT)) return true;
    }
    return this.#holders.size !== this.#sharedBy;
  }

  /** Divides the flow; those to whom that makes a difference. */
  #share(now: number): ReadonlySet<Holder> {
    const all = [...this.#holders.values()];
    const { rate } = this.size;
    const demands = all.map(({ demand }) => demand);
    const asked = demands.reduce((sum, demand) => sum + demand, 0);
    this.#isShort = asked > rate * (this.#isShort ? ENOUGH : 1);
    // What was spent before it was known is saved again.
    const left = this.#stock < 0 ? rate * (1 - REPAYMENT) : rate;
    const flows =
      now < this.#settledAt
        ? all.map((holder) => keptFlow(holder, rate / all.length))
        : shareFlow(left, demands);
    this.#sharedAt = now;
    this.#sharedBy = all.length;
    const changed = new Set<Holder>();
    for (const [i, holder] of all.entries()) {
      const flow = flows[i] ?? 0;
      const isNotable = holder.isUntold || Math.abs(flow - holder.flow) >= (rate * NOTABLE) / all.length;
      if (isNotable) holder.flow = flow;
      const cap = storeOf(this.size, all.length, holder.flow, this.#isShort);
      if (isNotable || Math.abs(cap - holder.cap) >= (this.size.burst * NOTABLE) / all.length) {
        holder.cap = cap;
        changed.add(holder);
      }
      holder.isUntold = false;
      holder.sharedDemand = holder.demand;
    }
    return changed;
  }

  /** How much the stock may hold: what holders leave of the burst, and always what is on its way from one to another. */
  #room(): number {
    let held = 0;
    for (const { level } of this.#holders.values()) held += level;
    return Math.max(this.size.rate * TRANSIT_S, this.size.burst - held);
  }

  #accrue(now: number): void {
    let lent = 0;
    for (const { flow } of this.#holders.values()) lent += flow;
    // While holders are missing, so is what they make.
    const own = this.#at < this.#settledAt ? 0 : this.size.rate - lent;
    this.#stock += (own * Math.max(0, now - this.#at)) / 1_000;
    this.#stock = Math.min(this.#room(), this.#stock);
    this.#at = now;
  }
}

/** While others are missing: what it had before, and of one that is new no more than its part. */
function keptFlow({ flow, isUntold }: Holder, part: number): number {
  return isUntold ? Math.min(flow, part) : flow;
}
