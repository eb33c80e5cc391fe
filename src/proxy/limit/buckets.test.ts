import { expect, it } from "vitest";
import type { Bucket } from "./bucket.ts";
import { Buckets, MAX_KEYS } from "./buckets.ts";

const common = () => ({ flow: 0.001, cap: 10 });

function take(bucket: Bucket, now: number): boolean {
  bucket.refill(now);
  if (bucket.tokens < 1) return false;
  bucket.tokens--;
  return true;
}

it("ten thousand keys of a limit have buckets", () => {
  expect(MAX_KEYS).toBe(10_000);
});

it("keys have buckets of their own", () => {
  const buckets = new Buckets(common(), false);
  expect(buckets.get("a", 0)).toBe(buckets.get("a", 1));
  expect(buckets.get("a", 0)).not.toBe(buckets.get("b", 0));
});

it("ever new keys take no more room, and do not get rid of a bucket that is empty", () => {
  const buckets = new Buckets(common(), false, 100);
  const emptied = buckets.get("me", 0);
  while (take(emptied, 0));
  for (let i = 0; i < 1_000; i++) take(buckets.get(`flood-${i}`, i), i);
  expect(buckets.size).toBe(100);
  expect(buckets.get("me", 1_000)).toBe(emptied);
});

it("of full ones the least recently used goes", () => {
  const buckets = new Buckets(common(), false, 3);
  const [a, b] = [buckets.get("a", 0), buckets.get("b", 0)];
  buckets.get("c", 0);
  buckets.get("a", 0);
  buckets.get("d", 0);
  expect(buckets.get("a", 0)).toBe(a);
  expect(buckets.get("b", 0)).not.toBe(b);
});

it("a lease finds the bucket of its key, asked for before or after", () => {
  const buckets = new Buckets(common(), true);
  const first = buckets.get("a", 0);
  expect(buckets.lend(first.digest, { flow: 1, cap: 5 }, 0, 0)).toBe(first);
  const other = new Buckets(common(), true);
  const lent = other.lend(first.digest, { flow: 1, cap: 5 }, 0, 0);
  expect(other.get("a", 0)).toBe(lent);
  other.release(first.digest, 0);
  expect([lent.isLent, lent.share.cap]).toEqual([false, 10]);
});

it("a digest does not tell the key", () => {
  expect(new Buckets(common(), true).get("secret", 0).digest).toMatch(/^[\w-]{22}$/);
});
