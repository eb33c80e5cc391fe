/**
 * Counters as slots of shared memory. A traffic loop owns its pages and adds to them without atomics; the control
 * thread reads the same memory at the scrape and sums over loops, so counting costs the loop one addition.
 */
import { LATENCY_BUCKETS } from "../../discovery/latency.ts";
import { ENVOY_BUCKETS } from "./histogram.ts";

/** Slots of a page: 64 KiB. */
export const PAGE_SLOTS = 8_192;

const BUCKETS = ENVOY_BUCKETS.length + 1;

/** A `request` block: one count, then sum and buckets of three histograms that share it. */
export const REQUEST_BLOCK = {
  count: 0,
  durationSum: 1,
  durationBuckets: 2,
  requestBytesSum: 2 + BUCKETS,
  requestBytesBuckets: 3 + BUCKETS,
  responseBytesSum: 3 + 2 * BUCKETS,
  responseBytesBuckets: 4 + 2 * BUCKETS,
  slots: 4 + 3 * BUCKETS,
} as const;

/** A `latency` block: what a load report says of one destination. */
export const LATENCY_BLOCK = {
  requests: 0,
  failures: 1,
  active: 2,
  /** Endpoints that are left out, ejected or by their active check. */
  unhealthy: 3,
  buckets: 4,
  slots: 4 + LATENCY_BUCKETS,
} as const;
