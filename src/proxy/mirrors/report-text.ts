/** The report for people: what differs, the most frequent first. */
import type { PairReport } from "./report.ts";
import type { TallyRow } from "./tally.ts";

/** Places in bodies that are shown; JSON has all. */
const MAX_SHOWN = 20;

/** Ends without a newline. */
export function reportText(pairs: readonly PairReport[]): string {
  if (pairs.length === 0) {
    return "nothing was compared\n  a TrafficPolicy with mirrorComparison, for the Service whose requests are mirrored, begins it";
  }
  return pairs.map((pair) => lines(pair).join("\n")).join("\n\n");
}

function lines(pair: PairReport): string[] {
  const { route, cluster, since, compared, same, tooLarge, failed, incomplete } = pair;
  const share = compared === 0 ? "" : ` (${((100 * same) / compared).toFixed(1)} %)`;
  const notCompared = [
    [failed, "mirror failed"],
    [incomplete, "cut off"],
    [tooLarge, "bodies too large"],
  ] as const;
  const rest = notCompared.filter(([count]) => count > 0).map(([count, what]) => `, ${count} ${what}`);
  const hidden = pair.paths.length - MAX_SHOWN;
  return [
    `${route} → ${cluster}, since ${since}`,
    `  ${compared} compared, ${same} same${share}${rest.join("")}`,
    ...pair.statuses.map(({ real, mirror, count }) => `  status  ${count} × ${real}->${mirror}`),
    ...pair.headers.map((row) => `  header  ${row.count} × ${row.name} ${what(row)}`),
    ...pair.paths
      .slice(0, MAX_SHOWN)
      .map((row) => `  body    ${row.count} × ${row.path === "" ? "(whole)" : row.path} ${what(row)}`),
    ...(hidden > 0 ? [`  body    and ${hidden} more places`] : []),
    ...(pair.pathsLeftOut > 0 ? [`  body    ${pair.pathsLeftOut} × at further places`] : []),
  ].map(printable);
}

const WORDS = {
  changed: "differs",
  missing: "is missing",
  extra: "is not in the real one",
  not_json: "is not JSON",
} as const satisfies Record<TallyRow["kind"], string>;

function what({ kind, real, mirror }: TallyRow): string {
  if (real === undefined && mirror === undefined) return WORDS[kind];
  if (real === undefined || mirror === undefined) return `${WORDS[kind]}: ${real ?? mirror}`;
  return `${WORDS[kind]}: ${real} -> ${mirror}`;
}

/** Applications choose names and values: nothing of them may steer a terminal. */
function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "?");
}
