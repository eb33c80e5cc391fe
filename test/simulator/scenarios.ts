/** All scenarios. */
import type { Scenario } from "./scenario.ts";
import { flapping, halfDead, herd, panic, rollingRestart, storm } from "./scenarios/failing.ts";

export const SCENARIOS: readonly Scenario[] = [flapping, halfDead, storm, herd, rollingRestart, panic];
