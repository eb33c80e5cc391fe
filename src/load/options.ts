/**
 * What a run is asked to do: the options of `weft load` and `runLoad`, their defaults and limits, and the check that
 * turns them into a plan. All problems are reported at once, so that a command line is mended in one go. Rates and
 * durations are bounded because a typing error must not turn the generator into a weapon or fill the memory.
 */
import { LoadError } from "./load-error.ts";
import { buildRequest, type LoadRequest } from "./request.ts";
import type { Arrival } from "./schedule.ts";

/** Limits of a run; whatever is beyond is refused. */
export const LIMITS = {
  maxRate: 1_000_000,
  maxDurationMs: 24 * 3_600_000,
  maxRequests: 1e12,
  maxConnections: 20_000,
  maxBodyBytes: 256 * 1024 * 1024,
} as const;

/** Options of a run. Durations are milliseconds. */
export interface LoadOptions {
  /** Where the load goes, and nowhere else (redirects are counted, not followed): `http://host[:port]/path`. */
  readonly url: string;
  /** `open` (default) sends on a fixed schedule whatever comes back; `closed` sends when an answer came. */
  readonly mode?: "open" | "closed";
  /** Requests per second of the open loop, up to 1,000,000. Default 100. */
  readonly rate?: number;
  /** Spacing of the open loop: `uniform` (default), or `poisson` as from many independent users. */
  readonly arrival?: Arrival;
  /** Seed of the Poisson gaps, so that a run can be repeated. Default 1. */
  readonly seed?: number;
  /** Connections opened before the first request and kept. Default 32. */
  readonly connections?: number;
  /** Requests on the wire at once. Above `connections` more are opened while all are busy. Default `connections`. */
  readonly maxInFlight?: number;
  /** How long requests are scheduled and measured. Default 10,000 unless `requests` is given; at most 24 h. */
  readonly durationMs?: number;
  /** How many requests are measured; the alternative to `durationMs`. */
  readonly requests?: number;
  /** Load of the same kind before measuring starts. Default 2,000 with a duration, 0 with `requests`. */
  readonly warmupMs?: number;
  /** How long one request may take from its send, or a connection to open. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default `GET`, or `POST` with a body. */
  readonly method?: string;
  /** Fields to add, or to put in the place of our own `user-agent` and `accept`. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** Body of every request. */
  readonly body?: string | Uint8Array;
  /** Host field instead of the URL's authority. */
  readonly host?: string;
  /** An explicit HTTP proxy, such as a sidecar's outbound port: requests go there in absolute form. */
  readonly proxy?: string;
}

/** Options with every default filled in. */
export interface LoadPlan {
  readonly mode: "open" | "closed";
  readonly rate: number;
  readonly arrival: Arrival;
  readonly seed: number;
  readonly connections: number;
  readonly maxInFlight: number;
  readonly durationMs: number | undefined;
  readonly requests: number | undefined;
  readonly warmupMs: number;
  readonly timeoutMs: number;
  readonly request: LoadRequest;
}

/** Checks `options`; throws a {@link LoadError} `invalid` that lists everything that is wrong. */
export function planLoad(options: LoadOptions): LoadPlan {
  const problems: string[] = [];
  const whole = (name: string, value: number, min: number, max: number): number => {
    if (!Number.isSafeInteger(value) || value < min || value > max) {
      problems.push(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
    }
    return value;
  };
  const between = (name: string, value: number, min: number, max: number, unit: string): number => {
    if (!(value >= min && value <= max))
      problems.push(`${name} must be from ${min} to ${max}${unit}, not ${value}`);
    return value;
  };

  const mode = options.mode ?? "open";
  if (mode === "closed" && options.rate !== undefined)
    problems.push("a closed loop has no rate: leave out one of the two");
  if (mode === "closed" && options.arrival !== undefined)
    problems.push("a closed loop has no arrival pattern");
  if (options.durationMs !== undefined && options.requests !== undefined) {
    problems.push("duration and requests exclude each other: give one");
  }
  const connections = whole("connections", options.connections ?? 32, 1, LIMITS.maxConnections);
  const durationMs = options.durationMs ?? (options.requests === undefined ? 10_000 : undefined);
  const plan = {
    mode,
    rate: between("rate", options.rate ?? 100, 0.001, LIMITS.maxRate, " a second"),
    arrival: options.arrival ?? "uniform",
    seed: whole("seed", options.seed ?? 1, 0, 0xffffffff),
    connections,
    maxInFlight:
      options.maxInFlight === undefined
        ? connections
        : whole("max-in-flight", options.maxInFlight, 1, LIMITS.maxConnections),
    durationMs: durationMs && between("duration", durationMs, 1, LIMITS.maxDurationMs, " ms (24 h)"),
    requests: options.requests && whole("requests", options.requests, 1, LIMITS.maxRequests),
    warmupMs: between(
      "warmup",
      options.warmupMs ?? (options.requests === undefined ? 2_000 : 0),
      0,
      LIMITS.maxDurationMs,
      " ms (24 h)",
    ),
    timeoutMs: between("timeout", options.timeoutMs ?? 10_000, 1, 3_600_000, " ms (1 h)"),
  };
  if (durationMs === 0) problems.push("duration must be more than nothing");
  if (options.requests === 0) problems.push("requests must be at least 1");
  const request = buildRequest(options, LIMITS.maxBodyBytes);
  if (request.kind === "invalid") problems.push(...request.problems);
  if (request.kind === "invalid" || problems.length > 0) throw new LoadError("invalid", problems);
  return { ...plan, request: request.request };
}
