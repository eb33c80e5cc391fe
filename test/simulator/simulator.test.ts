/**
 * Every scenario with many seeds. `SIM_SEED=7 npx vitest run test/simulator -t "one endpoint flaps"` plays one of them again;
 * `WEFT_FUZZ_RUNS=50` plays fifty times as many. What was measured is told with `--reporter verbose`.
 */
import { expect, describe as group, test } from "vitest";
import { runs } from "../harness/runs.ts";
import { describe, play } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";

const only = process.env["SIM_SEED"];

group("simulator", () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, { timeout: 600_000 }, async ({ annotate }) => {
      const notes = new Map<string, number[]>();
      const { seed, numRuns } = runs(scenario.runs);
      const seeds = only === undefined ? Array.from({ length: numRuns }, (_, i) => seed + i) : [Number(only)];
      for (const one of seeds) {
        const report = play(scenario, one);
        if (report.violations.length > 0) expect.fail(describe(scenario, one, report));
        for (const [what, value] of report.notes) notes.set(what, [...(notes.get(what) ?? []), value]);
      }
      for (const [what, values] of notes) await annotate(`${what}: ${spread(values)}`);
    });
  }
});

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => (sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(3);
  return `${at(0)} to ${at(1)}, median ${at(0.5)}`;
}
