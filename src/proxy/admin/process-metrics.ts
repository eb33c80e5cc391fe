/**
 * The process as a whole: memory, CPU, file descriptors, uptime, and how late the control thread's event loop runs.
 * Read from /proc at the scrape; where there is none (macOS) those metrics are left out.
 */
import { readdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Family } from "./exposition.ts";

/** Resolution of the delay measurement: a timer this often is all it costs. */
const DELAY_RESOLUTION_MS = 100;

export class ProcessMetrics {
  readonly #version: string;
  readonly #startedAt = Date.now() / 1_000 - process.uptime();
  readonly #delay: ReturnType<typeof monitorEventLoopDelay>;

  constructor(version: string) {
    this.#version = version;
    this.#delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
    this.#delay.enable();
  }

  close(): void {
    this.#delay.disable();
  }

  *families(): Generator<Family> {
    const usage = process.resourceUsage();
    const memory = process.memoryUsage();
    const labels = { version: this.#version, node: process.versions.node };
    yield {
      name: "weft_build_info",
      help: "Version of Weft and of the Node it runs on.",
      type: "gauge",
      values: () => [{ value: 1, labels }],
    };
    yield single("process_cpu_seconds_total", "CPU time of the process.", "counter", seconds(usage));
    yield single("process_start_time_seconds", "Start of the process, Unix time.", "gauge", this.#startedAt);
    yield single("process_resident_memory_bytes", "Resident memory.", "gauge", memory.rss);
    yield single("weft_heap_used_bytes", "V8 heap of the control thread in use.", "gauge", memory.heapUsed);
    yield single("weft_uptime_seconds", "Time since the start.", "gauge", process.uptime());
    const anonymous = anonymousBytes();
    if (anonymous !== undefined) {
      const help = "Anonymous resident memory: what one more sidecar costs a machine.";
      yield single("weft_memory_anonymous_bytes", help, "gauge", anonymous);
    }
    const descriptors = openDescriptors();
    if (descriptors !== undefined) {
      yield single("process_open_fds", "Open file descriptors.", "gauge", descriptors);
    }
    yield single(
      "weft_control_event_loop_delay_seconds",
      "99th percentile since the last scrape of how late the control thread's event loop ran.",
      "gauge",
      this.#readDelay(),
    );
  }

  #readDelay(): number {
    const lateNs = this.#delay.percentile(99) - DELAY_RESOLUTION_MS * 1e6;
    this.#delay.reset();
    return Math.max(0, lateNs) / 1e9;
  }
}

/** RssAnon of this process; undefined where the system does not tell. */
export function anonymousBytes(): number | undefined {
  try {
    const kib = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1_024;
  } catch {
    return undefined;
  }
}

function openDescriptors(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}

function seconds(usage: NodeJS.ResourceUsage): number {
  return (usage.userCPUTime + usage.systemCPUTime) / 1e6;
}

function single(name: string, help: string, type: "counter" | "gauge", value: number): Family {
  return { name, help, type, values: () => [{ value }] };
}
