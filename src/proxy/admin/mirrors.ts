/** Comparisons of mirrored responses as people, scripts and alerts see them. */
import type { MirrorReport } from "../mirrors/report.ts";
import { reportText } from "../mirrors/report-text.ts";
import type { Family } from "./exposition.ts";
import type { Answer } from "./server.ts";
import { json, text } from "./server.ts";

export function* mirrorFamilies(report: MirrorReport): Generator<Family> {
  yield {
    name: "weft_mirror_compared_total",
    help: "Mirrored requests whose responses were to be compared, by the first that differs.",
    type: "counter",
    values: function* () {
      for (const [cluster, result, value] of report.counts()) yield { value, labels: { cluster, result } };
    },
  };
}

/** The page `/mirrors`; with `?format=text` for people. */
export function describeMirrors(report: MirrorReport, query: URLSearchParams): Answer {
  const items = report.pairs();
  return query.get("format") === "text" ? text(200, reportText(items)) : json(200, { items });
}
