/** What a log of requests comes to; the logs are made here, a request every 10 ms. */
import { describe, expect, test } from "vitest";
import { assess, type Parts, recoverySeconds } from "./assess.ts";
import type { Logged } from "./generator.ts";

const PARTS: Parts = { baselineFrom: 1_000, faultFrom: 2_000, faultTo: 4_000, end: 8_000 };

/** A log in which `change` gives what differs from a quick 200. */
function log(
  change: (dueMs: number) => readonly [latencyMs: number, outcome: Logged[2]] | undefined,
): Logged[] {
  return Array.from({ length: 800 }, (_, i): Logged => {
    const [latency, outcome] = change(10 * i) ?? [6, 200];
    return [10 * i, latency, outcome];
  });
}

describe("success and latency", () => {
  test("count from the fault on; latency only while it lasts", () => {
    const requests = log((due) => {
      if (due < 1_000) return [900, "timeout"];
      if (due >= 2_000 && due < 2_200) return [250, 200];
      if (due >= 3_000 && due < 3_150) return [1, 503];
      return due >= 5_000 && due < 5_100 ? [5_000, "timeout"] : undefined;
    });
    const found = assess(requests, 800, PARTS);
    expect(found).toMatchObject({ lost: 25, requests: 600, p99GoodMs: 250, p99AllMs: 250 });
    expect(found["successPercent"]).toBeCloseTo((100 * 575) / 600);
  });

  test("a request that nobody answered is no success, however quick", () => {
    expect(
      assess(
        log(() => [1, "reset"]),
        800,
        PARTS,
      ),
    ).toMatchObject({ successPercent: 0, p99GoodMs: 0 });
  });
});

describe("extra load", () => {
  test("is all that was too much over what was sent during the fault", () => {
    expect(
      assess(
        log(() => undefined),
        860,
        PARTS,
      )["extraLoadPercent"],
    ).toBeCloseTo(30);
  });
});

describe("recovery", () => {
  test("takes no time where all is well when the fault ends", () => {
    const during = (due: number) => (due >= 2_000 && due < 4_000 ? ([1, 503] as const) : undefined);
    expect(recoverySeconds(log(during), PARTS)).toBe(0);
  });

  test("is over with the first second from which on nothing is lost", () => {
    expect(
      recoverySeconds(
        log((due) => (due === 4_730 ? [1, 503] : undefined)),
        PARTS,
      ),
    ).toBeCloseTo(0.8);
  });

  test("waits for the latency, too", () => {
    const slow = (due: number) => (due >= 4_000 && due < 5_500 ? ([40, 200] as const) : undefined);
    expect(recoverySeconds(log(slow), PARTS)).toBeCloseTo(1.5);
  });

  test("takes p99 below 10 ms for 10", () => {
    expect(
      recoverySeconds(
        log((due) => (due >= 4_000 ? [19, 200] : undefined)),
        PARTS,
      ),
    ).toBe(0);
  });

  test("is the whole rest where the last second is not as before", () => {
    expect(
      recoverySeconds(
        log((due) => (due === 7_950 ? [1, 503] : undefined)),
        PARTS,
      ),
    ).toBe(4);
  });
});
