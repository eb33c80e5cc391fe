/** Which targets are found reached. */
import { expect, test } from "vitest";
import type { Figure, Figures, ScenarioResult } from "../result.ts";
import { resilienceTargets } from "./targets.ts";

function figures(values: Readonly<Record<string, number>>): Figures {
  const figure = (value: number): Figure => ({ median: value, min: value, max: value, rounds: 1 });
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, figure(value)]));
}

const peer = (successPercent: number, extraLoadPercent: number, recoverySeconds = 0): Figures =>
  figures({ successPercent, extraLoadPercent, recoverySeconds, requests: 3_600 });

const targets = (peers: ScenarioResult["peers"]) => resilienceTargets({ name: "dead", title: "", peers });

test("a tenth of a point is equal where chance explains less", () => {
  const [success] = targets({ weft: peer(99.95, 0), nginx: peer(100, 0) });
  expect(success).toMatchObject({ limit: -0.1, isLeast: true });
  expect(success?.found).toBeCloseTo(-0.05);
});

test("two standard errors are equal where rates vary by chance", () => {
  const [success] = targets({ weft: peer(90, 0), nginx: peer(90, 0) });
  expect(success?.limit).toBeCloseTo(-1.41);
});

test("a rate bought with more than 20 % extra load is marked, and the best without is compared too", () => {
  const found = targets({ weft: peer(90, 19, 1.2), haproxy: peer(97, 39), envoy: peer(88, 20) });
  expect(found.map(({ what }) => what)).toEqual([
    "dead: success, points to haproxy (97.00 %, **at 39 % extra load**)",
    "dead: success, points to envoy (88.00 %, 20 % extra load)",
    "dead: extra load, %",
    "dead: recovery, s",
  ]);
  expect(found.map((target) => target.found)).toEqual([-7, 2, 19, 1.2]);
});

test("nothing is asked of a Weft that was not measured, or is alone", () => {
  expect(targets({ nginx: peer(100, 0) })).toEqual([]);
  expect(targets({ weft: { missing: "it failed" }, nginx: peer(100, 0) })).toEqual([]);
  expect(targets({ weft: peer(100, 0) })).toHaveLength(2);
});
