/**
 * All common limits of one owner (the control plane; for limits of one sidecar with several traffic loops its control thread):
 * a pot for each, and of limits with keys one for each key that somebody is pressed for. Other keys are few requests at each
 * holder: there everybody has the same part of the limit.
 */
import { Pot } from "./lease-pot.ts";
import type { PotSize } from "./lease-share.ts";
import {
  type DemandReport,
  type Lease,
  type LimitDemand,
  MAX_LEASED_KEYS,
  type RateLimitRules,
} from "./rate-limit.ts";

interface Entry<H> {
  readonly size: PotSize;
  readonly isKeyed: boolean;
  readonly members: Set<H>;
  /** By key; of a limit without keys the one has the name "". */
  readonly pots: Map<string, Pot<H>>;
  readonly dirty: Set<string>;
  /** When somebody last had a part of it. */
  usedAt: number;
  /** Keys whose leases have ended. */
  readonly over: Set<string>;
  /** Members whose part of a key without a lease is not right any more. */
  isRecounted: boolean;
}

/** The limit of this name, where the holder has a right to it. */
export type FindRules = (limit: string) => RateLimitRules | undefined;

export class LeaseBook<H> {
  readonly #limits = new Map<string, Entry<H>>();
  readonly #now: () => number;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  report(holder: H, { demands, dropped }: DemandReport, rulesOf: FindRules): void {
    for (const limit of dropped) this.#drop(limit, holder);
    for (const demand of demands) {
      const rules = rulesOf(demand.limit);
      if (rules !== undefined) this.#take(holder, demand, rules);
    }
  }

  /** The holder has gone, with what it had. */
  left(holder: H): void {
    for (const limit of [...this.#limits.keys()]) this.#drop(limit, holder);
  }

  /** Shares out what has changed: who is to be told what. */
  flush(): ReadonlyMap<H, readonly Lease[]> {
    const told = new Map<H, Lease[]>();
    const now = this.#now();
    const tell = (holder: H, lease: Lease) => {
      const leases = told.get(holder);
      if (leases === undefined) told.set(holder, [lease]);
      else leases.push(lease);
    };
    for (const [limit, entry] of this.#limits) {
      if (entry.isRecounted && entry.isKeyed) {
        const { flow, cap } = commonPart(entry);
        for (const holder of entry.members) tell(holder, { limit, flow, cap, grant: 0 });
      }
      entry.isRecounted = false;
      for (const key of entry.dirty) {
        for (const [holder, lease] of entry.pots.get(key)?.leases(now) ?? [])
          tell(holder, entry.isKeyed ? { limit, key, ...lease } : { limit, ...lease });
      }
      entry.dirty.clear();
      for (const key of entry.over) {
        const { flow, cap } = commonPart(entry);
        for (const holder of entry.members) tell(holder, { limit, key, flow, cap, grant: 0, isOver: true });
      }
      entry.over.clear();
    }
    return told;
  }

  /** Keys of a limit that have leases of their own. */
  leasedKeys(limit: string): number {
    return this.#limits.get(limit)?.pots.size ?? 0;
  }

  #take(holder: H, demand: LimitDemand, rules: RateLimitRules): void {
    const now = this.#now();
    const entry = this.#entry(rules, demand.isLent, now);
    const { key = "" } = demand;
    if (!entry.members.has(holder)) {
      // What it holds is not known from a demand for one key.
      this.#join(entry, holder, key === "" ? demand : { ...demand, level: 0, flow: 0 }, now);
    } else if (key === "" && !demand.isLent) tellAgain(entry, holder, demand.flow, now);
    if (entry.isKeyed && key === "") return;
    if (!entry.pots.has(key) && !this.#open(entry, key, now)) return;
    entry.pots.get(key)?.report(holder, demand, now);
    entry.dirty.add(key);
  }

  #entry(rules: RateLimitRules, isResumed: boolean, now: number): Entry<H> {
    const { id, requests, perMs, burst } = rules;
    const size = { rate: (requests * 1_000) / perMs, burst };
    const isKeyed = rules.key.length > 0;
    const known = this.#limits.get(id);
    if (
      known !== undefined &&
      known.isKeyed === isKeyed &&
      known.size.rate === size.rate &&
      known.size.burst === burst
    ) {
      return known;
    }
    this.#forget(now);
    const entry: Entry<H> = {
      size,
      isKeyed,
      members: new Set(),
      pots: new Map(isKeyed ? [] : [["", new Pot<H>(size, isResumed && known === undefined, now)]]),
      usedAt: now,
      dirty: new Set(),
      over: new Set(),
      isRecounted: false,
    };
    this.#limits.set(id, entry);
    return entry;
  }

  /** Limits that nobody has had for so long that they would be full. The last holder may be gone before the next has come. */
  #forget(now: number): void {
    for (const [limit, { members, size, usedAt }] of this.#limits) {
      if (members.size === 0 && now - usedAt > (size.burst / size.rate) * 1_000) this.#limits.delete(limit);
    }
  }

  #join(entry: Entry<H>, holder: H, demand: LimitDemand, now: number): void {
    entry.members.add(holder);
    entry.isRecounted = true;
    for (const [key, pot] of entry.pots) {
      if (entry.isKeyed) joinKey(entry, pot, holder, now);
      else pot.join(holder, demand, now);
      entry.dirty.add(key);
    }
  }

  /** A pot for a key; false: there are too many that are in use. */
  #open(entry: Entry<H>, key: string, now: number): boolean {
    if (entry.pots.size >= MAX_LEASED_KEYS) {
      for (const [other, pot] of entry.pots) {
        if (!pot.isIdle(now)) continue;
        entry.pots.delete(other);
        entry.dirty.delete(other);
        entry.over.add(other);
      }
      if (entry.pots.size >= MAX_LEASED_KEYS) return false;
    }
    const pot = new Pot<H>(entry.size, false, now);
    for (const member of entry.members) joinKey(entry, pot, member, now);
    entry.pots.set(key, pot);
    entry.over.delete(key);
    return true;
  }

  #drop(limit: string, holder: H): void {
    const entry = this.#limits.get(limit);
    if (entry === undefined || !entry.members.delete(holder)) return;
    entry.isRecounted = true;
    entry.usedAt = this.#now();
    for (const [key, pot] of entry.pots) {
      pot.leave(holder, this.#now());
      entry.dirty.add(key);
    }
  }
}

/** All that the holder was told it is told once more. */
function tellAgain<H>(entry: Entry<H>, holder: H, flow: number, now: number): void {
  for (const [key, pot] of entry.pots) {
    pot.tellAgain(holder, flow, now);
    entry.dirty.add(key);
  }
  entry.isRecounted = true;
}

/** What each member has of a key without a lease of its own. */
function commonPart<H>({ size, members }: Entry<H>): { readonly flow: number; readonly cap: number } {
  return { flow: size.rate / members.size, cap: Math.max(1, size.burst / members.size) };
}

/** The holder has had its part of the key's bucket, used or not: it says so when it is told of the lease. */
function joinKey<H>(entry: Entry<H>, pot: Pot<H>, holder: H, now: number): void {
  const { flow, cap } = commonPart(entry);
  pot.join(holder, { level: Math.min(cap, entry.size.burst / entry.members.size), flow, isLent: false }, now);
}
