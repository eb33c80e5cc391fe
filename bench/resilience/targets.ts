/** What Weft must reach in each scenario: the best success rate, little extra load, a quick recovery. */
import { type Figures, measured, type ScenarioResult } from "../result.ts";
import type { Target } from "../two-hop/targets.ts";
import { UNBUDGETED } from "./peers.ts";

/** Percentage points by which success rates may differ and count as equal, if chance does not explain more. */
const EQUAL_POINTS = 0.1;
const EXTRA_LOAD_PERCENT = 20;
const RECOVERY_SECONDS = 2;

interface Rated {
  readonly name: string;
  readonly success: number;
  readonly extraLoad: number;
  /** Requests that the success rate is of. */
  readonly requests: number;
}

export function resilienceTargets({ name, peers }: ScenarioResult): Target[] {
  const weft = peers["weft"];
  if (!measured(weft)) return [];
  const own = rated("weft", weft);
  const others = Object.entries(peers).flatMap(([peer, each]) =>
    peer !== "weft" && peer !== UNBUDGETED && measured(each) ? [rated(peer, each)] : [],
  );
  const frugal = others.filter(({ extraLoad }) => extraLoad <= EXTRA_LOAD_PERCENT);
  const targets: Target[] = [];
  const best = mostSuccessful(others);
  if (best !== undefined) targets.push(successTarget(name, own, best));
  const unbudgeted = peers[UNBUDGETED];
  if (best !== undefined && measured(unbudgeted))
    targets.push(successTarget(`${name}, no budget`, rated(UNBUDGETED, unbudgeted), best));
  const bestFrugal = mostSuccessful(frugal);
  if (bestFrugal !== undefined && bestFrugal !== best) targets.push(successTarget(name, own, bestFrugal));
  return [
    ...targets,
    { what: `${name}: extra load, %`, found: own.extraLoad, limit: EXTRA_LOAD_PERCENT },
    { what: `${name}: recovery, s`, found: median(weft, "recoverySeconds"), limit: RECOVERY_SECONDS },
  ];
}

function successTarget(scenario: string, own: Rated, best: Rated): Target {
  const extra = `${best.extraLoad.toFixed(0)} % extra load`;
  const mark = best.extraLoad > EXTRA_LOAD_PERCENT ? `**at ${extra}**` : extra;
  const what = `${scenario}: success, points to ${best.name} (${best.success.toFixed(2)} %, ${mark})`;
  return { what, found: own.success - best.success, limit: -tolerance(own, best), isLeast: true };
}

/** Two standard errors of the difference of two rates, {@link EQUAL_POINTS} at least; to two digits, as it is shown. */
function tolerance(a: Rated, b: Rated): number {
  const variance = ({ success, requests }: Rated): number => (success * (100 - success)) / requests;
  const chance = 2 * Math.sqrt(variance(a) + variance(b));
  return Math.max(EQUAL_POINTS, Math.round(100 * chance) / 100);
}

const mostSuccessful = (peers: readonly Rated[]): Rated | undefined =>
  peers.toSorted((a, b) => b.success - a.success)[0];

const median = (figures: Figures, field: string): number => figures[field]?.median ?? Number.NaN;

function rated(name: string, figures: Figures): Rated {
  const requests = median(figures, "requests") * (figures["requests"]?.rounds ?? 1);
  const success = median(figures, "successPercent");
  return { name, success, extraLoad: median(figures, "extraLoadPercent"), requests };
}
