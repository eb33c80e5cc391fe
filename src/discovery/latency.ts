/**
 * The log-linear histogram of load reports: whole microseconds, exact under 16, then 16 buckets to each power of
 * two (about 6 %), up to 2^32 µs. Both planes use it, so histograms of many sidecars merge by adding counts.
 */
const SUB_BITS = 4;
const SUB_COUNT = 1 << SUB_BITS;

export const LATENCY_BUCKETS = (32 - SUB_BITS + 1) * SUB_COUNT;

/** Bucket of a latency in whole microseconds. */
export function latencyBucket(micros: number): number {
  if (micros < SUB_COUNT) return micros | 0;
  if (micros >= 0xffffffff) return LATENCY_BUCKETS - 1;
  const shift = 31 - Math.clz32(micros) - SUB_BITS;
  return (shift << SUB_BITS) + (micros >>> shift);
}

/** Largest value of a bucket, in microseconds. */
export function latencyBucketMicros(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = (bucket >> SUB_BITS) - 1;
  return ((bucket & (SUB_COUNT - 1)) + SUB_COUNT + 1) * 2 ** shift - 1;
}
