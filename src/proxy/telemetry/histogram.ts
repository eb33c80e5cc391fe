/** Envoy's histogram buckets, which dashboards and alert rules query by their `le`. */

/** Upper bounds of Envoy's default buckets, in the unit of the metric (milliseconds or bytes); one more is +Inf. */
export const ENVOY_BUCKETS: readonly number[] = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000, 600_000,
  1_800_000, 3_600_000,
];

/** Index of the bucket that `value` falls in; `ENVOY_BUCKETS.length` is +Inf. */
export function envoyBucket(value: number): number {
  let index = 0;
  while (index < 19 && value > ENVOY_BUCKETS[index]!) index++;
  return index;
}
