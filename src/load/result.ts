/**
 * What a run found out: the one value behind the text, JSON and HTML reports and the expectations. It is plain data
 * and is what `--json` prints; docs/guide/load.md describes every field. Start, end, versions and
 * `client { connections, rps, latencies }` follow the Service Mesh Performance format.
 */
import type { Arrival } from "./schedule.ts";

/**
 * Why a request got no answer: `connect` no connection; `reset` an error on the connection; `closed` closed before the
 * first byte of the answer; `truncated` ended within the answer; `timeout`; `malformed` no valid HTTP; `unfinished` still
 * under way when the run was ended early.
 */
export const ERROR_KINDS = [
  "connect",
  "reset",
  "closed",
  "truncated",
  "timeout",
  "malformed",
  "unfinished",
] as const;
export type ErrorKind = (typeof ERROR_KINDS)[number];

/** A latency distribution in milliseconds; all 0 when `count` is 0. */
export interface Latencies {
  readonly count: number;
  readonly min: number;
  readonly average: number;
  readonly p50: number;
  readonly p75: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly p99_99: number;
  readonly max: number;
  /** For plots: percentiles ever closer to 100, with all of the above; the last one is the maximum. */
  readonly curve: readonly (readonly [percentile: number, ms: number])[];
}

/** One stretch of the run, by when answers came. */
export interface TimelinePoint {
  /** Its start and length, in milliseconds since measuring started. */
  readonly atMs: number;
  readonly lengthMs: number;
  readonly answered: number;
  readonly errors: number;
  /** Of the answers in it, from intended start, milliseconds; where stretches were merged, the highest of them. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What the generator itself cost and how well it kept its own time. */
export interface GeneratorCost {
  /** CPU seconds while measuring, and as a share of one core (1 is a whole core). */
  readonly cpuSeconds: number;
  readonly cpuShare: number;
  readonly cpuMicrosPerRequest: number;
  /** How late requests left though a connection was free, milliseconds: the generator's own error. */
  readonly pacing: Latencies;
  /** How late the event loop's timers were, milliseconds. */
  readonly lag: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Share of the time in which the event loop had work. */
  readonly loopUtilization: number;
  readonly maxRssBytes: number;
}

export interface LoadResult {
  readonly schema: "weft.dev/load/v1";
  /** When measuring (without the warm-up) started and ended, ISO 8601. */
  readonly start: string;
  readonly end: string;
  readonly elapsedMs: number;
  /** Whether it was ended before its time. */
  readonly interrupted: boolean;
  readonly versions: { readonly weft: string; readonly node: string; readonly os: string };
  readonly target: {
    readonly url: string;
    readonly method: string;
    readonly proxy?: string;
    readonly requestBytes: number;
  };
  readonly plan: {
    readonly mode: "open" | "closed";
    readonly rate?: number;
    readonly arrival?: Arrival;
    readonly seed?: number;
    readonly connections: number;
    readonly maxInFlight: number;
    readonly durationMs?: number;
    readonly requests?: number;
    readonly warmupMs: number;
    readonly timeoutMs: number;
  };
  readonly client: {
    /** Most connections open at once, and how many were opened in all, warm-up included. */
    readonly connections: number;
    readonly connectionsOpened: number;
    /** Answers per second. */
    readonly rps: number;
    /**
     * From intended start to the end of the answer. Timeouts, unfinished and missed requests are in it with the time
     * that passed until they were given up: too little, but never flattering. Other errors are not.
     */
    readonly latencies: Latencies;
    /** From the send to the end of the answer, of answers alone. */
    readonly service: Latencies;
  };
  readonly requests: {
    /** Those whose intended start fell into the measured time: `sent` and `missed`. */
    readonly scheduled: number;
    /** `answered` and `errors`. */
    readonly sent: number;
    readonly answered: number;
    /** Answers with a status from 200 to 399. */
    readonly succeeded: number;
    readonly errors: number;
    /** Due, but never sent as no connection became free. */
    readonly missed: number;
    /** Sent more than 1 ms late because all connections were busy. */
    readonly delayed: number;
    /** `succeeded` ÷ `scheduled`, 0 to 1. */
    readonly successRate: number;
    readonly warmup: number;
  };
  readonly statuses: Readonly<Record<string, number>>;
  readonly errors: Readonly<Partial<Record<ErrorKind, { readonly count: number; readonly example: string }>>>;
  readonly bytes: { readonly sent: number; readonly received: number };
  readonly timeline: readonly TimelinePoint[];
  readonly generator: GeneratorCost;
  /** What to know before believing the numbers, such as that the generator was the bottleneck. */
  readonly warnings: readonly string[];
}
