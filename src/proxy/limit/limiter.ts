/**
 * All rate limits of a workload. A request takes a token of every limit that counts it, or of none: what one limit refuses
 * costs nothing in another.
 */
import type { Lease, RateLimitRules } from "../../discovery/rate-limit.ts";
import type { Head } from "../http/head.ts";
import type { RequestView } from "../policy/view.ts";
import type { Bucket } from "./bucket.ts";
import { Limit, type LimitCounts } from "./limit.ts";
import { Meter } from "./meter.ts";

/** What limits say of a request: the one that refused it, or that leaves the least. */
export interface LimitVerdict {
  readonly isAllowed: boolean;
  readonly limit: Limit;
  /** Requests that would still pass now. */
  readonly remaining: number;
  /** Milliseconds until one more would. */
  readonly nextMs: number;
}

export class Limiter {
  readonly #loops: number;
  readonly #countsOf: (limit: string) => LimitCounts;
  #limits: readonly Limit[] = [];
  #definitions = new Map<string, { readonly text: string; readonly limit: Limit }>();
  readonly meter: Meter;
  /** Of the request that is being decided about. */
  readonly #found: Bucket[] = [];
  readonly #of: Limit[] = [];

  /** `loops`: traffic loops of this sidecar; `part`: which of them this is. */
  constructor(loops: number, part: number, countsOf: (limit: string) => LimitCounts) {
    this.#loops = loops;
    this.#countsOf = countsOf;
    this.meter = new Meter(part);
  }

  get size(): number {
    return this.#limits.length;
  }

  /** Takes the limits that hold from now on; those that say the same as before keep their buckets. */
  configure(rules: readonly RateLimitRules[], now: number): void {
    const definitions = new Map<string, { readonly text: string; readonly limit: Limit }>();
    for (const each of rules) {
      const text = definitionOf(each);
      const known = this.#definitions.get(each.id);
      const limit =
        known?.text === text ? known.limit : new Limit(each, this.#loops, this.#countsOf(each.id), now);
      definitions.set(each.id, { text, limit });
    }
    this.#definitions = definitions;
    this.#limits = [...definitions.values()].map(({ limit }) => limit);
    this.meter.configure(this.#limits.filter(({ isShared }) => isShared));
  }

  /** Null: nothing counts the request. */
  decide(view: RequestView, head: Head, now: number): LimitVerdict | null {
    const found = this.#found;
    const of = this.#of;
    let count = 0;
    let refused = -1;
    for (const limit of this.#limits) {
      if (!limit.concerns(view.port, head)) continue;
      const bucket = limit.bucketOf(view, now);
      bucket.refill(now);
      bucket.arrivals++;
      found[count] = bucket;
      of[count] = limit;
      if (refused < 0 && bucket.tokens < 1) refused = count;
      count++;
    }
    if (count === 0) return null;
    return refused < 0 ? this.#take(count) : this.#refuse(refused);
  }

  lend(leases: readonly Lease[], now: number): void {
    for (const lease of leases) {
      const limit = this.#definitions.get(lease.limit)?.limit;
      if (limit?.isShared === true) this.meter.lent(limit.lend(lease, now), lease.grant, now);
    }
  }

  #take(count: number): LimitVerdict {
    let least = 0;
    for (let i = 0; i < count; i++) {
      this.#found[i]!.tokens--;
      this.#of[i]!.counts.passed();
      if (this.#found[i]!.tokens < this.#found[least]!.tokens) least = i;
    }
    return verdict(true, this.#of[least]!, this.#found[least]!);
  }

  #refuse(index: number): LimitVerdict {
    const limit = this.#of[index]!;
    const bucket = this.#found[index]!;
    limit.counts.limited();
    this.meter.pressed(limit, bucket);
    return verdict(false, limit, bucket);
  }
}

function verdict(isAllowed: boolean, limit: Limit, bucket: Bucket): LimitVerdict {
  const remaining = Math.max(0, Math.floor(bucket.tokens));
  return { isAllowed, limit, remaining, nextMs: limit.nextMs(bucket) };
}

/** What makes a limit another one; how many instances there are is told by leases. */
function definitionOf({ mesh, ...rules }: RateLimitRules): string {
  return JSON.stringify([rules, mesh !== undefined]);
}
