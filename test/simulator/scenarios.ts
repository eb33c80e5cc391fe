/** All scenarios. */
import type { Scenario } from "./scenario.ts";
import { slow, slowStart, weights, zoneLoss } from "./scenarios/balancing.ts";
import { chaos, removal } from "./scenarios/changing.ts";
import { flapping, halfDead, herd, panic, rollingRestart, storm } from "./scenarios/failing.ts";
import { bounded, sticky } from "./scenarios/hashing.ts";
import { adaptive, hedgedHole, hedging } from "./scenarios/overload.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...[flapping, halfDead, storm, herd, rollingRestart, panic],
  ...[slow, weights, slowStart, zoneLoss],
  ...[sticky, bounded],
  ...[adaptive, hedging, hedgedHole],
  ...[removal, chaos],
];
