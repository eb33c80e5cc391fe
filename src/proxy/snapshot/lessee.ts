/**
 * Between the traffic loops and those who lend to them: of limits of the whole mesh the control plane does, of a sidecar's own
 * limits that several traffic loops keep together this thread. What a loop was lent stays when the control plane is away.
 */
import { LeaseBook } from "../../discovery/lease-book.ts";
import type {
  DemandReport,
  Lease,
  LeaseGrant,
  LimitDemand,
  RateLimitRules,
} from "../../discovery/rate-limit.ts";

export interface LesseeOptions {
  /** The limit of this name, as the loops have it. */
  readonly rulesOf: (limit: string) => RateLimitRules | undefined;
  readonly toPlane: (report: DemandReport) => void;
  readonly toLoop: (loop: number, leases: readonly Lease[]) => void;
  /** In milliseconds. */
  readonly now: () => number;
}

export class Lessee {
  readonly #options: LesseeOptions;
  readonly #own: LeaseBook<number>;

  constructor(options: LesseeOptions) {
    this.#options = options;
    this.#own = new LeaseBook(options.now);
  }

  /** What a loop needs. */
  take({ part, demands, dropped }: DemandReport): void {
    const { rulesOf, toPlane, toLoop } = this.#options;
    const far: LimitDemand[] = [];
    const near: LimitDemand[] = [];
    for (const demand of demands) (rulesOf(demand.limit)?.mesh === undefined ? near : far).push(demand);
    // Of a limit that is no longer known nobody knows any more whose it was.
    if (far.length + dropped.length > 0) toPlane({ part, demands: far, dropped });
    if (near.length + dropped.length === 0) return;
    this.#own.report(part, { part, demands: near, dropped }, rulesOf);
    for (const [loop, leases] of this.#own.flush()) toLoop(loop, leases);
  }

  /** What the control plane lends. */
  lend({ part, leases }: LeaseGrant): void {
    this.#options.toLoop(part, leases);
  }
}
