/**
 * What a response says of a rate limit (draft-ietf-httpapi-ratelimit-headers-11): the limit as it is defined, and what is left
 * of it. Of several limits the one that refused, or that leaves the least.
 */
import type { LimitVerdict } from "./limiter.ts";

/** Both fields as lines, each with its end. */
export function limitLines({ limit, remaining, nextMs }: LimitVerdict): string {
  return `${limit.policyLine}ratelimit: "${limit.name}";r=${remaining};t=${seconds(nextMs)}\r\n`;
}

/** Whole seconds until it is worth asking again (RFC 9110 §10.2.3); at least 1. */
export function retryAfter({ nextMs }: LimitVerdict): number {
  return seconds(nextMs);
}

function seconds(ms: number): number {
  // Rounding of what was divided before must not make a second of it.
  return Math.max(1, Math.ceil(ms / 1_000 - 1e-6));
}
