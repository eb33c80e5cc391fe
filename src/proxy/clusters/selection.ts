/**
 * Who gets the next request, of those that may: zones and health first (`tiers.ts`), then the balancer. Made anew when endpoints,
 * their health or the policy change; hashed requests alone walk past who is left out, so that others' keys stay where they are.
 */
import type { LoadBalancerPolicy } from "../../discovery/messages.ts";
import { type Accepts, type Balancer, type Candidate, makeBalancer, type Random } from "./balancer.ts";
import { type Tiered, tiersOf } from "./tiers.ts";

/** How often the balancer is asked again before all are looked through for one that has not been tried. */
const MAX_ASKED = 3;
const NONE: readonly never[] = [];

export interface SelectionSettings {
  readonly policy: LoadBalancerPolicy;
  /** Of the client; empty: zones do not matter. */
  readonly zone: string;
  /** Percent. */
  readonly panicThreshold: number;
  /** Most of one endpoint, in percent of the mean load; 0: any. */
  readonly hashBalanceFactor: number;
}

export interface SelectionContext {
  readonly random: Random;
  /** Milliseconds of the clock by which latencies are observed. */
  readonly now: () => number;
  /** Requests under way in the whole cluster. */
  readonly active: () => number;
}

type Host = Candidate & Tiered;

interface Group<H> {
  readonly hosts: readonly H[];
  readonly share: number;
  readonly balancer: Balancer;
}

export class Selection<H extends Host> {
  /** Health is ignored somewhere. */
  readonly isPanicking: boolean;
  readonly #groups: readonly Group<H>[];
  readonly #context: SelectionContext;
  readonly #accepts: Accepts | null;
  readonly #acceptsBounded: Accepts | null;
  #tried: readonly H[] = NONE;

  /** `hashing`: the balancer of all `endpoints`, where they are chosen by hash. */
  constructor(
    endpoints: readonly H[],
    settings: SelectionSettings,
    context: SelectionContext,
    hashing: Balancer | null = null,
  ) {
    const { policy } = settings;
    this.#context = context;
    const isHashed = hashing !== null;
    const tiers = tiersOf(endpoints, isHashed ? "" : settings.zone, settings.panicThreshold);
    this.isPanicking = tiers.some((tier) => tier.isPanicking);
    const group = (hosts: readonly H[], share: number): Group<H> => ({
      hosts,
      share,
      balancer: makeBalancer(policy, hosts, context.random, context.now),
    });
    this.#groups = isHashed
      ? [{ hosts: endpoints, share: 1, balancer: hashing }]
      : tiers.map(({ hosts, share }) => group(hosts, share));
    const isTaking = (host: H) => this.isPanicking || host.isHealthy;
    const isUp = (index: number) => isTaking(endpoints[index]!) && !this.#tried.includes(endpoints[index]!);
    this.#accepts = isHashed ? isUp : null;
    const total = endpoints.reduce((sum, host) => sum + (isTaking(host) ? host.weight : 0), 0);
    const bound = boundOf(endpoints, total, settings.hashBalanceFactor, context.active);
    this.#acceptsBounded = isHashed && bound !== null ? (index) => isUp(index) && bound(index) : null;
  }

  /** An endpoint for a request, other than those in `tried` where there is one; null when nobody may take it. */
  pick(hash: number | undefined, tried: readonly H[] = NONE): H | null {
    const groups = this.#groups;
    if (groups.length === 0) return null;
    if (this.#accepts !== null) return this.#hashed(hash, tried, this.#accepts);
    const isSplit = groups.length > 1 && this.#context.random() >= groups[0]!.share;
    const group = groups[isSplit ? 1 : 0]!;
    let host = pickFrom(group);
    if (tried.length === 0 || host === null) return host;
    for (let asked = 1; asked < MAX_ASKED && host !== null && tried.includes(host); asked++)
      host = pickFrom(group);
    if (host !== null && !tried.includes(host)) return host;
    return this.#untried(tried) ?? host;
  }

  #hashed(hash: number | undefined, tried: readonly H[], accepts: Accepts): H | null {
    const group = this.#groups[0]!;
    this.#tried = tried;
    const wanted = hash ?? Math.floor(this.#context.random() * 2 ** 32);
    let index = this.#acceptsBounded === null ? -1 : hashedFrom(group, wanted, this.#acceptsBounded);
    if (index < 0) index = hashedFrom(group, wanted, accepts);
    this.#tried = NONE;
    if (index < 0 && tried.length > 0) index = hashedFrom(group, wanted, accepts);
    return index < 0 ? null : group.hosts[index]!;
  }

  /** The least busy of those that have not been tried. */
  #untried(tried: readonly H[]): H | null {
    let best: H | null = null;
    for (const { hosts } of this.#groups) {
      for (const host of hosts) {
        if (tried.includes(host) || host.weight === 0) continue;
        if (best === null || host.active * best.weight < best.active * host.weight) best = host;
      }
    }
    return best;
  }
}

/** Where the hash belongs; when nearly all are left out, the first in turn that is accepted. */
function hashedFrom<H extends Host>({ balancer, hosts }: Group<H>, hash: number, accepts: Accepts): number {
  const place = balancer.pick(hash, accepts);
  if (place >= 0) return place;
  for (let step = 0; step < hosts.length; step++) {
    const index = (hash + step) % hosts.length;
    if (hosts[index]!.weight > 0 && accepts(index)) return index;
  }
  return -1;
}

function pickFrom<H>({ balancer, hosts }: Group<H>): H | null {
  const index = balancer.pick();
  return index < 0 ? null : hosts[index]!;
}

/** Consistent hashing with bounded loads (Mirrokni et al.): nobody takes more than `factor` percent of the mean of the `total`. */
function boundOf<H extends Host>(
  hosts: readonly H[],
  total: number,
  factor: number,
  active: () => number,
): Accepts | null {
  if (factor === 0) return null;
  return (index) => {
    const { active: own, weight } = hosts[index]!;
    return own < Math.ceil(((factor / 100) * (active() + 1) * weight) / total);
  };
}
