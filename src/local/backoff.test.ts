import { describe, expect, it } from "vitest";
import { Backoff } from "./backoff.ts";

describe("the delay before a new start", () => {
  it("doubles from 100 ms to 5 s", () => {
    const backoff = new Backoff();
    expect(Array.from({ length: 8 }, () => backoff.next(10))).toEqual([
      100, 200, 400, 800, 1600, 3200, 5000, 5000,
    ]);
  });

  it("starts over after 10 s of standing", () => {
    const backoff = new Backoff();
    backoff.next(10);
    backoff.next(10);
    expect(backoff.next(10_000)).toBe(100);
    expect(backoff.crashes).toBe(1);
  });
});
