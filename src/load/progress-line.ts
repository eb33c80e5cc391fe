/**
 * How a run goes while it goes: one line on stderr, redrawn on a terminal, a new one every few seconds otherwise.
 */
import { formatCount, formatDuration, formatLatency, formatRate } from "./format.ts";
import type { LoadProgress } from "./run.ts";

/** Milliseconds between two lines. */
export const PROGRESS_MS = { terminal: 250, plain: 5_000 } as const;

/** The line for where a run is, at most `columns` wide. */
export function progressLine(progress: LoadProgress, columns = 200): string {
  const total = progress.totalMs === undefined ? "" : ` of ${formatDuration(progress.totalMs)}`;
  const parts = [
    `${progress.phase} ${(progress.elapsedMs / 1_000).toFixed(1)} s${total}`,
    `${formatRate(progress.rps)}/s`,
  ];
  if (progress.phase !== "warmup") {
    parts.push(`p50 ${formatLatency(progress.p50)}`, `p99 ${formatLatency(progress.p99)}`);
    parts.push(`${formatCount(progress.answered)} answered`);
  }
  if (progress.errors > 0) parts.push(`${formatCount(progress.errors)} errors`);
  if (progress.backlog > 1) parts.push(`${formatCount(progress.backlog)} waiting`);
  return parts.join("  ").slice(0, Math.max(20, columns - 1));
}
