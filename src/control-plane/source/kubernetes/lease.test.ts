/** The state machine of leader election: whatever the order, there are never two leaders. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../../test/harness/runs.ts";
import {
  type Candidate,
  DURATION_MS,
  isLeader,
  type Lease,
  newCandidate,
  observe,
  written,
} from "./lease.ts";

function leaseOf(holder: string, renewed: string): Lease {
  return { holder, renewed, durationMs: DURATION_MS, transitions: 0 };
}

describe("a candidate", () => {
  it("creates a Lease where there is none, and renews its own", () => {
    const first = observe(newCandidate("a"), undefined, 0);
    expect(first.action).toBe("create");
    const leader = written(first.candidate, 0);
    expect(isLeader(leader, 0)).toBe(true);
    expect(observe(leader, leaseOf("a", "1"), 2_000).action).toBe("renew");
  });

  it("takes another's Lease when it has not changed for its duration, by its own clock", () => {
    let { candidate, action } = observe(newCandidate("b"), leaseOf("a", "1"), 0);
    expect(action).toBe("wait");
    ({ candidate, action } = observe(candidate, leaseOf("a", "2"), 14_000));
    expect(action).toBe("wait");
    ({ candidate, action } = observe(candidate, leaseOf("a", "2"), 29_000));
    expect(action).toBe("wait");
    ({ candidate, action } = observe(candidate, leaseOf("a", "2"), 29_001));
    expect(action).toBe("take");
  });

  it("takes a Lease that was let go at once", () => {
    expect(observe(newCandidate("b"), leaseOf("", "1"), 0).action).toBe("take");
  });

  it("leads no more when its renewals fail, before anybody else may", () => {
    const leader = written(newCandidate("a"), 1_000);
    expect(isLeader(leader, 10_999)).toBe(true);
    expect(isLeader(leader, 11_000)).toBe(false);
  });

  it("leads no more when another holds the Lease", () => {
    const leader = written(newCandidate("a"), 0);
    expect(isLeader(observe(leader, leaseOf("b", "1"), 100).candidate, 100)).toBe(false);
  });

  it("is never one of two that lead, whoever is slow or can't reach the API server", () => {
    const move = fc.record({
      who: fc.nat(2),
      ms: fc.nat(6_000),
      /** What becomes of the write: another was faster is found out by the version. */
      fate: fc.constantFrom("written", "written", "written", "lost", "stale"),
    });
    fc.assert(
      fc.property(fc.array(move, { maxLength: 200 }), (moves) => {
        let now = 0;
        let stored: { lease: Lease; version: number } | undefined;
        const candidates: Candidate[] = ["a", "b", "c"].map(newCandidate);
        const reads: ({ lease: Lease | undefined; version: number } | undefined)[] = [];
        for (const { who, ms, fate } of moves) {
          now += ms;
          const candidate = candidates[who] as Candidate;
          // A stale read: what it saw at its last look.
          const read = (fate === "stale" ? reads[who] : undefined) ?? {
            lease: stored?.lease,
            version: stored?.version ?? 0,
          };
          reads[who] = read;
          const next = observe(candidate, read.lease, now);
          candidates[who] = next.candidate;
          if (next.action !== "wait" && fate !== "lost" && read.version === (stored?.version ?? 0)) {
            stored = { lease: leaseOf(candidate.me, String(now)), version: read.version + 1 };
            candidates[who] = written(next.candidate, now);
          }
          expect(candidates.filter((one) => isLeader(one, now)).length).toBeLessThan(2);
        }
      }),
      runs(300),
    );
  });
});
