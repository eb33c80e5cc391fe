/**
 * How a common limit is divided: the whole rule, as arithmetic on numbers that somebody else measured. Flows follow demand as
 * one bucket would serve it: everybody gets what he asks for while that is possible, and else the same share of it. A sliver
 * goes to those who ask for nothing, so that a first request need not wait for anybody.
 */

/** A limit as a bucket. */
export interface PotSize {
  /** Requests per second. */
  readonly rate: number;
  readonly burst: number;
}

/** Share of a limit that is divided evenly whatever the demand. */
const EVEN_SHARE = 0.01;
/** Share of the burst that is stored evenly: while there is enough, and while more is asked for than the limit. */
const EVEN_STORE = { plenty: 0.5, short: 0.05 } as const;
/** More than what was measured, because demand grows. */
const HEADROOM = 1.25;

/** Requests per second for each holder; never more than `rate` in all. */
export function shareFlow(rate: number, demands: readonly number[]): readonly number[] {
  if (demands.length === 1) return [rate];
  const even = (rate * EVEN_SHARE) / demands.length;
  const left = rate * (1 - EVEN_SHARE);
  const asked = demands.reduce((sum, demand) => sum + demand, 0);
  const factor = asked * HEADROOM <= left ? HEADROOM : left / asked;
  return demands.map((demand) => even + demand * factor);
}

/**
 * How many requests a holder may have in store: a part of the burst is divided evenly, the rest as the flow is. At least 1, or
 * nothing would ever pass.
 */
export function storeOf({ rate, burst }: PotSize, holders: number, flow: number, isShort: boolean): number {
  const even = isShort ? EVEN_STORE.short : EVEN_STORE.plenty;
  return Math.max(1, burst * (even / holders + ((1 - even) * flow) / rate));
}

/** What each gets of a stock: what it needs, or the same share of it. */
export function shareStock(stock: number, needs: readonly number[]): readonly number[] {
  const needed = needs.reduce((sum, need) => sum + need, 0);
  if (needed <= 0 || stock <= 0) return needs.map(() => 0);
  const factor = Math.min(1, stock / needed);
  return needs.map((need) => need * factor);
}
