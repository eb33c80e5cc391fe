/**
 * What `weft up` shows while it runs, in three forms with one interface: a table that is redrawn (terminal), a line every
 * few seconds (pipe), a JSON line per event (`--json`).
 */
import type { Instance } from "../local/plan.ts";
import type { StatsRow } from "../local/stats.ts";
import type { ProcessEvent } from "../local/supervised-process.ts";
import type { TrickleCounts } from "../local/trickle.ts";

/** A mesh that is ready. */
export interface Started {
  readonly directory: string;
  /** Whether a copy of it is served. */
  readonly isCopied: boolean;
  readonly api: string;
  /** How this program is called from the current directory. */
  readonly weft: string;
  /** A file to apply, where there is one that fits. */
  readonly sample?: string;
  /** URL that goes through the first service's sidecar, with the Host it needs. */
  readonly entry?: { readonly url: string; readonly host: string };
  readonly instances: readonly Instance[];
  readonly startMs: number;
  /** Requests a second of the trickle; 0: none. */
  readonly rate: number;
}

export interface Snapshot {
  readonly elapsedMs: number;
  readonly rows: readonly StatsRow[];
  /** Absent: the control plane does not answer at the moment. */
  readonly isControlPlaneUp: boolean;
  readonly trickle?: TrickleCounts;
}

export interface Summary {
  readonly elapsedMs: number;
  readonly rows: readonly StatsRow[];
  readonly trickle?: TrickleCounts;
  /** Services without a single success; empty is good. */
  readonly silent: readonly string[];
}

export interface Display {
  /** How often `snapshot` should be called, in milliseconds. */
  readonly intervalMs: number;
  /** One line about what happens. */
  note(text: string): void;
  event(event: ProcessEvent): void;
  started(mesh: Started): void;
  snapshot(snapshot: Snapshot): void;
  summary(summary: Summary): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Which of its children's lines a person wants to see. */
export function isWorthShowing(event: Extract<ProcessEvent, { kind: "log" }>, isVerbose: boolean): boolean {
  const { severity } = event.line;
  return isVerbose || severity === "warn" || severity === "error";
}
