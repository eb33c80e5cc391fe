/** One rate limit, compiled: which requests it counts, and the bucket of each. */
import type { Lease, RateLimitRules } from "../../discovery/rate-limit.ts";
import type { Head } from "../http/head.ts";
import type { RequestView } from "../policy/view.ts";
import { Matcher } from "../routing/match.ts";
import { Bucket, type Share } from "./bucket.ts";
import { Buckets } from "./buckets.ts";
import { keyReader, type ReadKey } from "./key.ts";

/** Where a limit's decisions are counted. */
export interface LimitCounts {
  passed(): void;
  limited(): void;
}

export class Limit {
  readonly id: string;
  /** What clients are told of it: the id without its namespace. */
  readonly name: string;
  /** A field line with its end: the limit as the IETF draft describes it. */
  readonly policyLine: string;
  /** Several keep it; this one reports what it needs. */
  readonly isShared: boolean;
  readonly counts: LimitCounts;
  readonly #ports: readonly number[];
  readonly #matchers: readonly Matcher[];
  readonly #readKey: ReadKey | null;
  readonly #only: Bucket;
  /** Null: there is one bucket. */
  readonly keyed: Buckets | null;
  /** Of buckets that nothing is lent to: their part of the limit. */
  readonly #common: Share;

  /**
   * `loops`: traffic loops of this sidecar. Throws a RangeError or a SyntaxError for what can't be compiled.
   */
  constructor(rules: RateLimitRules, loops: number, counts: LimitCounts, now: number) {
    const { id, ports, matches = [], requests, perMs, burst, key, mesh } = rules;
    for (const [field, value] of Object.entries({ requests, perMs, burst })) {
      if (!Number.isFinite(value) || value <= 0) throw new RangeError(`${id}: ${field} must be over 0`);
    }
    const holders = loops * Math.max(1, mesh?.instances ?? 1);
    this.id = id;
    this.name = id.slice(id.indexOf("/") + 1);
    this.counts = counts;
    this.isShared = mesh !== undefined || loops > 1;
    const seconds = perMs / 1_000;
    const window = Number.isInteger(seconds) ? `;w=${seconds}` : "";
    this.policyLine = `ratelimit-policy: "${this.name}";q=${requests}${window}\r\n`;
    this.#ports = ports;
    this.#matchers = matches.map((match) => new Matcher(match));
    this.#common = { flow: requests / perMs / holders, cap: Math.max(1, burst / holders) };
    this.#readKey = key.length === 0 ? null : keyReader(key);
    this.keyed = this.#readKey === null ? null : new Buckets(this.#common, this.isShared);
    this.#only = new Bucket(this.#common, now);
    // What was left by an instance before this one is not known: it begins with its part of one second.
    if (mesh !== undefined) this.#only.tokens = Math.min(this.#common.cap, Math.max(1, this.commonFlow));
  }

  concerns(port: number, head: Head): boolean {
    if (!this.#ports.includes(port)) return false;
    if (this.#matchers.length === 0) return true;
    for (const matcher of this.#matchers) if (matcher.holds(head)) return true;
    return false;
  }

  /** The bucket of a request. */
  bucketOf(view: RequestView, now: number): Bucket {
    return this.keyed === null || this.#readKey === null
      ? this.#only
      : this.keyed.get(this.#readKey(view), now);
  }

  /** The one bucket of a limit without keys. */
  get only(): Bucket {
    return this.#only;
  }

  /** Requests per second that one bucket lets pass here where nothing is lent to it. */
  get commonFlow(): number {
    return this.#common.flow * 1_000;
  }

  /**
   * Milliseconds until there is a whole token more in a bucket. Where others hold most of the limit now, a lease is on its way
   * to those who ask.
   */
  nextMs({ tokens, share }: Bucket): number {
    return (1 - (tokens - Math.floor(tokens))) / Math.max(share.flow, this.#common.flow);
  }

  lend({ key, flow, cap, grant, isOver }: Lease, now: number): Bucket | null {
    const share = { flow: flow / 1_000, cap };
    if (this.keyed === null) {
      this.#only.lend(share, grant, now);
      return this.#only;
    }
    if (key === undefined || isOver === true) {
      this.#common.flow = share.flow;
      this.#common.cap = share.cap;
    }
    if (key === undefined) return null;
    if (isOver !== true) return this.keyed.lend(key, share, grant, now);
    this.keyed.release(key, now);
    return null;
  }
}
