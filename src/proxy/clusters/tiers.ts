/**
 * Which endpoints take part, and how traffic is shared between zones: the client's own first, the others as far as those are not
 * enough (Envoy's priority load, with its overprovisioning of 140 %). Where too few are healthy for health to mean anything, it
 * is ignored (panic): better some answers than a few endpoints crushed by all requests.
 */

/** A zone with under 1/1.4 of its endpoints healthy hands on a part of its traffic (Envoy's `overprovisioning_factor`). */
export const OVERPROVISIONING = 1.4;
export const DEFAULT_PANIC_THRESHOLD = 50;

export interface Tiered {
  readonly zone: string;
  readonly isHealthy: boolean;
  /** 0: takes nothing, and counts for nothing. */
  readonly weight: number;
}

export interface Tier<H> {
  readonly hosts: readonly H[];
  /** Of all traffic, from 0 to 1; all tiers together have 1. */
  readonly share: number;
  /** Health is ignored in it. */
  readonly isPanicking: boolean;
}

/** At most two tiers; none when nobody may take anything. `zone` empty: all are alike. `panicThreshold` in percent. */
export function tiersOf<H extends Tiered>(
  endpoints: readonly H[],
  zone: string,
  panicThreshold: number,
): readonly Tier<H>[] {
  const hosts = endpoints.filter(({ weight }) => weight > 0);
  const own = zone === "" ? [] : hosts.filter((host) => host.zone === zone);
  const groups = own.length === 0 ? [hosts] : [own, hosts.filter((host) => host.zone !== zone)];
  const parts = groups.flatMap((group) => (group.length === 0 ? [] : [partOf(group)]));
  const capacity = parts.reduce((sum, part) => sum + part.capacity, 0);
  let left = 1;
  const tiers = parts.map(({ group, healthy, capacity: own }): Tier<H> => {
    // Without anything healthy anywhere, all is as good, and the nearest comes first.
    const wanted = capacity === 0 ? 1 : own / Math.min(1, capacity);
    const share = Math.min(wanted, left);
    left -= share;
    const isPanicking = capacity < 1 && 100 * healthy.length < panicThreshold * group.length;
    return { hosts: isPanicking ? group : healthy, share, isPanicking };
  });
  return tiers.filter(({ hosts: some, share }) => some.length > 0 && share > 0);
}

function partOf<H extends Tiered>(group: readonly H[]) {
  const healthy = group.filter((host) => host.isHealthy);
  return { group, healthy, capacity: Math.min(1, (OVERPROVISIONING * healthy.length) / group.length) };
}
