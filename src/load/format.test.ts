import { expect, it } from "vitest";
import { formatBytes, formatCount, formatLatency, formatRate, formatShare } from "./format.ts";

it.each([
  [0, "0 µs"],
  [0.0824, "82 µs"],
  [0.9996, "1.00 ms"],
  [1.664, "1.66 ms"],
  [9.996, "10.0 ms"],
  [151.2, "151 ms"],
  [999.6, "1.00 s"],
])("latency %d is %s", (ms, text) => expect(formatLatency(ms)).toBe(text));

it.each([
  [1, "100 %"],
  [0, "0 %"],
  [0.985, "98.50 %"],
  [0.99999, "99.999 %"],
  [0.9999999999, "almost 100 %"],
  [0.0000000001, "almost 0 %"],
])("share %d is %s", (share, text) => expect(formatShare(share)).toBe(text));

it.each([
  [formatBytes(0), "0 B"],
  [formatBytes(1_536), "1.5 KiB"],
  [formatCount(1_234_567), "1,234,567"],
  [formatRate(99.96), "100"],
  [formatRate(12.34), "12.3"],
  [formatRate(5_000.4), "5,000"],
])("%s", (actual, expected) => expect(actual).toBe(expected));
