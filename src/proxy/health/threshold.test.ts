import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { afterOtherQuestion, afterResult, type HealthState, PENDING, type Thresholds } from "./threshold.ts";

const DEFAULTS: Thresholds = { unhealthyThreshold: 3, healthyThreshold: 2 };

/** The verdicts after each result; `+` is a pass. */
function verdicts(results: string, thresholds = DEFAULTS, from: HealthState = PENDING): string {
  let state = from;
  return [...results]
    .map((result) => {
      state = afterResult(state, result === "+", thresholds);
      return state.kind[0];
    })
    .join("");
}

describe("with the defaults, 3 and 2", () => {
  it.each<[results: string, verdicts: string, what: string]>([
    ["+", "h", "the first result decides"],
    ["-", "u", "the first result decides, either way"],
    ["-+", "uh", "one that has never passed needs one pass"],
    ["---+", "uuuh", "however long it took to start"],
    ["+--", "hhh", "two failures are not enough"],
    ["+---", "hhhu", "three in a row are"],
    ["+--+--+", "hhhhhhh", "a pass between them begins anew"],
    ["+---+", "hhhuu", "one pass is not enough"],
    ["+---++", "hhhuuh", "two in a row are"],
    ["+---+-++", "hhhuuuuh", "a failure between them begins anew"],
    ["+---++--", "hhhuuhhh", "once healthy again, it takes three failures again"],
  ])("%s: %s (%s)", (results, expected) => {
    expect(verdicts(results)).toBe(expected);
  });
});

it("thresholds of 1 follow every result", () => {
  expect(verdicts("+-+--++", { unhealthyThreshold: 1, healthyThreshold: 1 })).toBe("huhuuhh");
});

it("another question: the verdict stays until its first answer, which decides", () => {
  const unhealthy: HealthState = { kind: "unhealthy", passes: 1, hasPassed: true };
  expect(verdicts("+", DEFAULTS, afterOtherQuestion(unhealthy))).toBe("h");
  expect(verdicts("-", DEFAULTS, afterOtherQuestion(unhealthy))).toBe("u");
  expect(verdicts("-", DEFAULTS, afterOtherQuestion({ kind: "healthy", failures: 0 }))).toBe("u");
  expect(afterOtherQuestion(PENDING)).toEqual(PENDING);
});

it("a verdict changes only with as many results in a row as its threshold says, and then always", () => {
  const threshold = fc.integer({ min: 1, max: 6 });
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 60 }),
      fc.record({ unhealthyThreshold: threshold, healthyThreshold: threshold }),
      (results, thresholds) => {
        let state: HealthState = afterResult(PENDING, true, thresholds);
        let row = 0;
        let last = true;
        for (const isPass of results) {
          row = isPass === last ? row + 1 : 1;
          last = isPass;
          const wasHealthy = state.kind === "healthy";
          state = afterResult(state, isPass, thresholds);
          const needed = wasHealthy ? thresholds.unhealthyThreshold : thresholds.healthyThreshold;
          const changes = isPass !== wasHealthy && row >= needed;
          expect(state.kind).toBe(changes === wasHealthy ? "unhealthy" : "healthy");
        }
      },
    ),
  );
});
