/**
 * What apply and delete say about a change, and how `--wait` follows it: the change counts as done when every sidecar
 * that it concerns has applied it.
 */

import type { ChangeProgress } from "../discovery/progress.ts";
import type { ApiClient } from "../local/api-client.ts";
import type { ChangeAnswer } from "../local/api-types.ts";
import { formatIssue } from "../resources/issue.ts";
import { formatMs } from "./duration.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { count, json, painter } from "./output.ts";

export interface ChangeOptions {
  readonly json: boolean;
  readonly dryRun: boolean;
  /** Whether what was to be deleted and is not there counts as done. */
  readonly mayBeAbsent?: boolean;
  /** Absent: don't wait. */
  readonly waitMs?: number;
}

/** One question to the API takes at most this long. */
const POLL_MS = 5_000;

/** Prints the answer to a change, follows it where asked to, and resolves with the exit code. */
export async function followChange(
  client: ApiClient,
  answer: ChangeAnswer,
  options: ChangeOptions,
  io: Io,
): Promise<number> {
  const paint = painter(io.stdout, io.env);
  if (!options.json) {
    for (const { kind, namespace, name, action } of answer.results) {
      const note = options.dryRun ? " (dry run)" : "";
      if (action === "absent") {
        if (options.mayBeAbsent !== true) io.stderr.write(`${kind} ${namespace}/${name} not found\n`);
        continue;
      }
      const done = action === "unchanged" ? paint("dim", action) : action;
      io.stdout.write(`${kind} ${namespace}/${name} ${done}${note}\n`);
    }
  }
  if (!options.json) for (const issue of answer.warnings) io.stderr.write(`${formatIssue(issue)}\n`);
  const isMissing = options.mayBeAbsent !== true && answer.results.some(({ action }) => action === "absent");
  if (options.waitMs === undefined || options.dryRun) {
    if (options.json) io.stdout.write(json(answer));
    return isMissing ? EXIT.failed : EXIT.ok;
  }
  const progress = await awaitChange(client, answer.change, options.waitMs);
  if (options.json) io.stdout.write(json({ ...answer, progress }));
  else
    (progress.state === "applied" ? io.stdout : io.stderr).write(
      `${describeProgress(progress, options.waitMs)}\n`,
    );
  return progress.state === "applied" && !isMissing ? EXIT.ok : EXIT.failed;
}

async function awaitChange(client: ApiClient, change: number, waitMs: number): Promise<ChangeProgress> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const left = Math.max(0, Math.min(POLL_MS, Math.round(deadline - performance.now())));
    const progress = await client.call<ChangeProgress>("GET", `/v1/changes/${change}?wait=${left}ms`);
    if (progress.state !== "pending" || performance.now() >= deadline) return progress;
  }
}

/** `applied by 5 of 5 sidecars in 43 ms`, or who refused what, or who is missing. */
export function describeProgress(progress: ChangeProgress, waitMs: number): string {
  const share = `${progress.applied} of ${count(progress.concerned, "sidecar")}`;
  if (progress.state === "applied") {
    if (progress.concerned === 0) return "no connected sidecar is concerned";
    return `applied by ${share} in ${formatMs(progress.elapsedMs)}`;
  }
  if (progress.state === "rejected") {
    const reasons = progress.rejected.map(({ sidecar, resource, field, message }) => {
      return `  ${sidecar}: ${resource}${field === undefined ? "" : ` (${field})`}: ${message}`;
    });
    return [`refused; applied by ${share}`, ...reasons].join("\n");
  }
  return `not everywhere after ${formatMs(waitMs)}: applied by ${share}; weft status shows who is missing`;
}
