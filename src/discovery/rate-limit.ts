/**
 * Rate limits as a sidecar is told of them (part of its policy resource), and what holders of a common limit and its owner say
 * to each other. A holder is one traffic loop; what it is lent is a flow of requests per second and a stock to draw on.
 */
import type { RouteMatch } from "./route.ts";

/** One limit: a token bucket, or one for each value of its key. */
export interface RateLimitRules {
  /** `<namespace>/<RateLimit>/<limit>`, unique in the mesh. */
  readonly id: string;
  /** The application's ports whose requests it counts. */
  readonly ports: readonly number[];
  /** Any of them takes a request; absent: all are counted. */
  readonly matches?: readonly RouteMatch[];
  readonly requests: number;
  /** Milliseconds in which so many requests pass. */
  readonly perMs: number;
  /** Size of the bucket. */
  readonly burst: number;
  /** Each combination of values has a bucket; empty: there is one. */
  readonly key: readonly RateLimitKey[];
  /** Kept by all instances together, of which there are about so many; absent: each by itself. */
  readonly mesh?: { readonly instances: number };
}

export const RATE_LIMIT_KEYS = ["identity", "header", "pathTemplate", "sourceAddress"] as const;

export type RateLimitKey =
  | { readonly kind: "identity" | "sourceAddress" }
  /** In lower case. */
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "pathTemplate"; readonly template: string };

/** What a holder needs, from the sidecar to the owner. */
export interface DemandReport {
  /** Which traffic loop of the sidecar. */
  readonly part: number;
  readonly demands: readonly LimitDemand[];
  /** Limits that it no longer has. */
  readonly dropped: readonly string[];
}

export interface LimitDemand {
  readonly limit: string;
  /** A digest of the key's value; absent: the limit's one bucket, or with keys that the holder is there. */
  readonly key?: string;
  /** Requests per second that came, passed or not. */
  readonly demand: number;
  /** Requests that it could let pass at once. */
  readonly level: number;
  /** Requests that it had room for no longer, and gives back. */
  readonly returned: number;
  /** Requests per second that it lets pass now. */
  readonly flow: number;
  /** `flow` and `level` were lent; else it began with its part of a new bucket. */
  readonly isLent: boolean;
}

/** What a holder may do until it is told anew. */
export interface Lease {
  readonly limit: string;
  /** Absent with keys: holds for each key that has no lease of its own. */
  readonly key?: string;
  /** Requests per second. */
  readonly flow: number;
  /** Size of the holder's bucket; at least 1. */
  readonly cap: number;
  /** Requests on top of what it has. */
  readonly grant: number;
  /** The key has no lease of its own any longer. */
  readonly isOver?: true;
}

export interface LeaseGrant {
  readonly part: number;
  readonly leases: readonly Lease[];
}

/** Longest digest of a key. */
export const MAX_KEY_LENGTH = 64;
/** Keys of a limit that have leases of their own at one time. */
export const MAX_LEASED_KEYS = 256;
/** Most entries of one message. */
export const MAX_DEMANDS = 20_000;
