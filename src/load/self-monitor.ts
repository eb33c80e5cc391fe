/**
 * Watches the generator while it measures: a generator that is itself out of breath reports the latency of its own
 * event loop as the server's, and says so here.
 */
import { type EventLoopUtilization, monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { LatencyHistogram } from "./histogram.ts";
import type { GeneratorCost } from "./result.ts";

const RESOLUTION_MS = 10;
/** A single pause of this length is worth a word even where percentiles do not show it. */
const STANDSTILL_MS = 50;

export class SelfMonitor {
  readonly #delay: ReturnType<typeof monitorEventLoopDelay> = monitorEventLoopDelay({
    resolution: RESOLUTION_MS,
  });
  #cpu: NodeJS.CpuUsage = { user: 0, system: 0 };
  #utilization: EventLoopUtilization | undefined;
  #startedAt = 0;

  start(now: number): void {
    this.#startedAt = now;
    this.#cpu = process.cpuUsage();
    this.#utilization = performance.eventLoopUtilization();
    this.#delay.enable();
  }

  finish(requests: number, pacing: LatencyHistogram, now: number): GeneratorCost {
    this.#delay.disable();
    const used = process.cpuUsage(this.#cpu);
    const micros = used.user + used.system;
    // The monitor measures the time between two of its timers: what is more than its resolution is lateness.
    const lag = (nanos: number) =>
      this.#delay.count === 0 ? 0 : Math.max(0, Math.round(nanos / 1_000) / 1_000 - RESOLUTION_MS);
    return {
      cpuSeconds: micros / 1e6,
      cpuShare: micros / 1_000 / Math.max(1, now - this.#startedAt),
      cpuMicrosPerRequest: requests === 0 ? 0 : Math.round((micros / requests) * 10) / 10,
      pacing: pacing.summary(),
      lag: {
        p50: lag(this.#delay.percentile(50)),
        p99: lag(this.#delay.percentile(99)),
        max: lag(this.#delay.max),
      },
      loopUtilization: performance.eventLoopUtilization(this.#utilization).utilization,
      maxRssBytes: process.resourceUsage().maxRSS * 1_024,
    };
  }
}

/** What makes the generator's own numbers doubtful, as sentences; empty when it had air. */
export function bottleneckWarnings(cost: GeneratorCost): readonly string[] {
  const warnings: string[] = [];
  const doubt =
    "its latencies include its own delays; lower the rate, or run several generators on other cores";
  if (cost.cpuShare > 0.9 || cost.loopUtilization > 0.95) {
    const share = Math.round(100 * Math.max(cost.cpuShare, cost.loopUtilization));
    warnings.push(`the generator was busy for ${share} % of the time and may be the bottleneck: ${doubt}`);
  }
  if (cost.pacing.p99 > 5) {
    warnings.push(
      `1 % of the requests left more than ${cost.pacing.p99.toFixed(1)} ms late by the generator's fault: ${doubt}`,
    );
  } else if (cost.lag.p99 > 10) {
    warnings.push(
      `the generator's event loop was late by ${cost.lag.p99.toFixed(1)} ms in 1 % of its turns: ${doubt}`,
    );
  }
  if (cost.lag.max > STANDSTILL_MS) {
    warnings.push(
      `the generator stood still for ${Math.round(cost.lag.max)} ms: the machine had other work, and requests of that time look slower than they were`,
    );
  }
  return warnings;
}
