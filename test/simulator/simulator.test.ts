/**
 * Every scenario with many seeds. `SIM_SEED=7 npx vitest run test/simulator -t 'one endpoint flaps'` plays one of them again;
 * `WEFT_FUZZ_RUNS=50` plays fifty times as many.
 */
import { expect, describe as group, test } from "vitest";
import { runs } from "../harness/runs.ts";
import { describe, play } from "./run.ts";
import { SCENARIOS } from "./scenarios.ts";

const only = process.env["SIM_SEED"];

group("simulator", () => {
  for (const scenario of SCENARIOS) {
    test(scenario.name, { timeout: 600_000 }, () => {
      const { seed, numRuns } = runs(scenario.runs);
      const seeds = only === undefined ? Array.from({ length: numRuns }, (_, i) => seed + i) : [Number(only)];
      for (const one of seeds) {
        const report = play(scenario, one);
        if (report.violations.length > 0) expect.fail(describe(scenario, one, report));
      }
    });
  }
});
