import { describe, expect, it } from "vitest";
import { describeProgress } from "./change.ts";

const progress = { change: 7, concerned: 5, applied: 5, rejected: [], elapsedMs: 43.2 };

describe("what --wait reports", () => {
  it("says how many and how fast", () => {
    expect(describeProgress({ ...progress, state: "applied" }, 30_000)).toBe(
      "applied by 5 of 5 sidecars in 43 ms",
    );
  });

  it("says when nobody had to do anything", () => {
    expect(describeProgress({ ...progress, state: "applied", concerned: 0, applied: 0 }, 30_000)).toBe(
      "no connected sidecar is concerned",
    );
  });

  it("says who refused what, and why", () => {
    const rejected = [
      { sidecar: "default/web", resource: "catalog.default:80", field: "rules[0]", message: "no" },
    ];
    expect(describeProgress({ ...progress, state: "rejected", applied: 4, rejected }, 30_000)).toBe(
      "refused; applied by 4 of 5 sidecars\n  default/web: catalog.default:80 (rules[0]): no",
    );
  });

  it("says how far it came when time ran out", () => {
    expect(describeProgress({ ...progress, state: "pending", applied: 1, concerned: 1 }, 500)).toBe(
      "not everywhere after 500 ms: applied by 1 of 1 sidecar; weft status shows who is missing",
    );
  });
});
