/**
 * Who leads, as a state machine over a Lease (coordination.k8s.io/v1), after client-go's leader election: clocks of machines are
 * never compared, since a holder is believed dead when its Lease has not changed for as long as *we* have looked at it.
 *
 *     follower ──no Lease, or it was let go, or it did not change for its duration──▶ take ──written──▶ leader
 *     leader ──renewed in time──▶ leader
 *     leader ──not renewed for `renewWithinMs`, or somebody else holds it──▶ follower
 */

/** A Lease as it stands. */
export interface Lease {
  readonly holder: string;
  /** As the holder's clock has it; compared for equality alone. */
  readonly renewed: string;
  readonly durationMs: number;
  readonly transitions: number;
}

export interface Candidate {
  readonly me: string;
  /** The Lease as last seen, and when it was first seen so, in monotonic milliseconds. */
  readonly seen: Lease | undefined;
  readonly seenAt: number;
  /** When our last renewal that succeeded was sent; absent: we don't hold it. */
  readonly renewedAt: number | undefined;
}

export type Action = "create" | "take" | "renew" | "wait";

/** How long a Lease holds without a change. */
export const DURATION_MS = 15_000;
/** Who has not renewed for so long leads no more: well before anybody else may take it. */
export const RENEW_WITHIN_MS = 10_000;
/** How often it is looked at. */
export const LOOK_MS = 2_000;
/** How long one request may take: after one that nobody answers there is time for another, before who leads leads no more. */
export const TRY_MS = 4_000;

export function newCandidate(me: string): Candidate {
  return { me, seen: undefined, seenAt: 0, renewedAt: undefined };
}

export function isLeader({ renewedAt }: Candidate, now: number): boolean {
  return renewedAt !== undefined && now - renewedAt < RENEW_WITHIN_MS;
}

/** What to do about the Lease that was just read; undefined: there is none. */
export function observe(
  candidate: Candidate,
  lease: Lease | undefined,
  now: number,
): { readonly candidate: Candidate; readonly action: Action } {
  const { me, seen, seenAt } = candidate;
  if (lease === undefined) {
    return { candidate: { me, seen: undefined, seenAt: now, renewedAt: undefined }, action: "create" };
  }
  if (lease.holder === me) {
    return { candidate: { ...candidate, seen: lease, seenAt: now }, action: "renew" };
  }
  const isSame = seen !== undefined && seen.holder === lease.holder && seen.renewed === lease.renewed;
  const next: Candidate = { me, seen: lease, seenAt: isSame ? seenAt : now, renewedAt: undefined };
  if (lease.holder === "") return { candidate: next, action: "take" };
  const isOver = now - next.seenAt > Math.max(lease.durationMs, DURATION_MS);
  return { candidate: next, action: isOver ? "take" : "wait" };
}

/** What was written was accepted; `sentAt`: when it was sent. */
export function written(candidate: Candidate, sentAt: number): Candidate {
  return { ...candidate, renewedAt: sentAt };
}
