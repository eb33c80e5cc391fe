/**
 * `runLoad`: one run from options to result, for the command, for benchmarks and for tests. The load is generated in
 * the calling process's event loop: give it a process of its own (`weft load`) where the numbers matter.
 */
import { readFileSync } from "node:fs";
import { release, type } from "node:os";
import { performance } from "node:perf_hooks";
import { findAddress } from "./dial.ts";
import { Engine, type RunTimes } from "./engine.ts";
import { LoadError } from "./load-error.ts";
import { type LoadOptions, type LoadPlan, planLoad } from "./options.ts";
import { Recorder } from "./recorder.ts";
import type { LoadResult } from "./result.ts";
import { bottleneckWarnings, SelfMonitor } from "./self-monitor.ts";
import { stretchMs } from "./timeline.ts";

/** Where a run is. Times are milliseconds. */
export interface LoadProgress {
  readonly phase: "warmup" | "measuring" | "finishing";
  readonly elapsedMs: number;
  /** Warm-up and duration; undefined when the number of requests ends the run. */
  readonly totalMs: number | undefined;
  readonly answered: number;
  readonly errors: number;
  /** Answers per second since the last report. */
  readonly rps: number;
  /** Since measuring started, from intended start. */
  readonly p50: number;
  readonly p99: number;
  /** Requests that are due and wait for a connection. */
  readonly backlog: number;
}

export interface RunHooks {
  /** Ends the run early; the result says `interrupted`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Milliseconds between two reports. Default 1,000. */
  readonly progressMs?: number;
}

/**
 * Runs a load and resolves with what it found. Throws a {@link LoadError}: `invalid` when the options make no sense,
 * `unreachable` when not one connection could be opened. Everything later is in the result.
 */
export async function runLoad(options: LoadOptions, hooks: RunHooks = {}): Promise<LoadResult> {
  const plan = planLoad(options);
  const { hostname, port } = plan.request;
  const address = await findAddress(hostname, port, plan.timeoutMs);
  const engine = new Engine(plan, address);
  const refused = await engine.openAll();
  if (refused !== undefined) {
    engine.pool.closeAll();
    throw new LoadError("unreachable", [
      `nothing answers at ${hostname} port ${port} (${refused.code ?? refused.message})`,
    ]);
  }

  const start = Math.ceil(performance.now());
  const measureFrom = start + plan.warmupMs;
  const times: RunTimes = {
    start,
    measureFrom,
    endAt: measureFrom + (plan.durationMs ?? Number.POSITIVE_INFINITY),
  };
  const recorder = new Recorder(measureFrom, stretchMs(expectedMs(plan)));
  const monitor = new SelfMonitor();
  monitor.start(start);
  const atMeasure = setTimeout(() => monitor.start(performance.now()), plan.warmupMs);
  const progress =
    hooks.onProgress && reportProgress(hooks.onProgress, hooks.progressMs ?? 1_000, times, recorder, engine);
  const stop = () => engine.stop();
  hooks.signal?.addEventListener("abort", stop, { once: true });
  if (hooks.signal?.aborted === true) queueMicrotask(stop);

  await engine.run(times, recorder);

  const now = performance.now();
  clearTimeout(atMeasure);
  clearInterval(progress);
  hooks.signal?.removeEventListener("abort", stop);
  return buildResult(plan, times, recorder, monitor, engine, hooks.signal?.aborted === true, now);
}

function buildResult(
  plan: LoadPlan,
  times: RunTimes,
  recorder: Recorder,
  monitor: SelfMonitor,
  engine: Engine,
  interrupted: boolean,
  now: number,
): LoadResult {
  const open = plan.mode === "open";
  const end = interrupted || plan.durationMs === undefined ? now : Math.max(times.endAt, recorder.lastEnd);
  const elapsedMs = Math.max(0, end - times.measureFrom);
  // Answers come a latency after their requests: a window from start to last answer would be too long by one latency.
  const plannedMs = interrupted ? elapsedMs : Math.min(elapsedMs, expectedMs(plan) ?? elapsedMs);
  const windowMs = Math.max(plannedMs, recorder.lastEnd - recorder.firstEnd);
  const sent = recorder.answered + recorder.errors;
  const scheduled = sent + recorder.missed;
  const succeeded = recorder.succeeded();
  const generator = monitor.finish(sent, recorder.pacing, now);
  return {
    schema: "weft.dev/load/v1",
    start: wallClock(times.measureFrom),
    end: wallClock(end),
    elapsedMs,
    interrupted,
    versions: { weft: weftVersion(), node: process.versions.node, os: `${type()} ${release()}` },
    target: {
      url: plan.request.url,
      method: plan.request.method,
      ...(plan.request.proxy !== undefined && { proxy: plan.request.proxy }),
      requestBytes: plan.request.bytes.length,
    },
    plan: {
      mode: plan.mode,
      ...(open && { rate: plan.rate, arrival: plan.arrival, seed: plan.seed }),
      connections: plan.connections,
      maxInFlight: plan.maxInFlight,
      ...(plan.durationMs !== undefined && { durationMs: plan.durationMs }),
      ...(plan.requests !== undefined && { requests: plan.requests }),
      warmupMs: plan.warmupMs,
      timeoutMs: plan.timeoutMs,
    },
    client: {
      connections: engine.pool.all.length,
      connectionsOpened: engine.connectionsOpened,
      rps: windowMs === 0 ? 0 : (recorder.answered * 1_000) / windowMs,
      latencies: recorder.latencies.summary(),
      service: recorder.service.summary(),
    },
    requests: {
      scheduled,
      sent,
      answered: recorder.answered,
      succeeded,
      errors: recorder.errors,
      missed: recorder.missed,
      delayed: recorder.delayed,
      successRate: scheduled === 0 ? 0 : succeeded / scheduled,
      warmup: recorder.warmup,
    },
    statuses: recorder.statuses(),
    errors: recorder.errorsByKind(),
    bytes: { sent: recorder.bytesSent, received: recorder.bytesReceived },
    timeline: recorder.timeline(Math.max(end, times.measureFrom)),
    generator,
    warnings: [...loadWarnings(recorder, plan), ...bottleneckWarnings(generator)],
  };
}

function loadWarnings(recorder: Recorder, plan: LoadPlan): readonly string[] {
  const warnings: string[] = [];
  const sent = recorder.answered + recorder.errors;
  if (sent + recorder.missed === 0) warnings.push("nothing was measured: the run ended within its warm-up");
  if (recorder.missed > 0) {
    warnings.push(
      `${recorder.missed} requests were due and never left: the server did not keep up with the rate`,
    );
  }
  if (recorder.delayed > sent / 100) {
    const share = ((100 * recorder.delayed) / sent).toFixed(1);
    warnings.push(
      `${share} % of the requests waited for one of ${Math.max(plan.connections, plan.maxInFlight)} connections: the server is too slow for the rate, or needs more connections`,
    );
  }
  return warnings;
}

function reportProgress(
  report: (progress: LoadProgress) => void,
  everyMs: number,
  times: RunTimes,
  recorder: Recorder,
  engine: Engine,
): NodeJS.Timeout {
  let before = 0;
  let beforeAt = times.start;
  return setInterval(() => {
    const now = performance.now();
    const answered = recorder.answered + recorder.warmupAnswered;
    const rps = ((answered - before) * 1_000) / Math.max(1, now - beforeAt);
    before = answered;
    beforeAt = now;
    report({
      phase: now < times.measureFrom ? "warmup" : now < times.endAt ? "measuring" : "finishing",
      elapsedMs: now - times.start,
      totalMs: Number.isFinite(times.endAt) ? times.endAt - times.start : undefined,
      answered: recorder.answered,
      errors: recorder.errors,
      rps,
      p50: recorder.latencies.at(50),
      p99: recorder.latencies.at(99),
      backlog: engine.backlog(now),
    });
  }, everyMs);
}

/** How long measuring will take, where that is known. */
function expectedMs(plan: LoadPlan): number | undefined {
  if (plan.durationMs !== undefined) return plan.durationMs;
  return plan.mode === "open" && plan.requests !== undefined
    ? (plan.requests * 1_000) / plan.rate
    : undefined;
}

function wallClock(time: number): string {
  return new Date(performance.timeOrigin + time).toISOString();
}

function weftVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof parsed === "object" && parsed !== null && "version" in parsed
    ? String(parsed.version)
    : "unknown";
}
