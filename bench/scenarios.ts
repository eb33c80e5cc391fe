/** The scenarios under load: each returns one round's sample of one peer. */
import { cpuNs, memory } from "./cpu.ts";
import { closedLoop, openLoop } from "./load.ts";
import type { RunningPeer } from "./peers/peer.ts";

/** One round's numbers, by metric name; units are in the names. */
export type Sample = Readonly<Record<string, number>>;

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** The program it needs besides the origin. */
  readonly needs?: string;
  measure(peer: RunningPeer, seconds: number): Promise<Sample>;
}

/** Closed loop by wrk: CPU per request, and what one core can do. */
function saturation(name: string, title: string, path: string, method: "get" | "post" = "get"): Scenario {
  return {
    name,
    title,
    needs: "wrk",
    measure: async ({ child, port }, wanted) => {
      const before = cpuNs(child.pid);
      const load = { port, path, connections: 32, seconds: wanted, method };
      const { requests, seconds, p50Ms, p99Ms } = await closedLoop(load);
      const cpu = cpuNs(child.pid) - before;
      return {
        cpuUsPerRequest: cpu / 1000 / requests,
        requestsPerSecond: requests / seconds,
        coreUsedPercent: cpu / 1e7 / seconds,
        p50Ms,
        p99Ms,
        loadedAnonymousMb: memory(child.pid).anonymousKb / 1024,
      };
    },
  };
}

/** Open loop: latency from when each request was due. */
const latency: Scenario = {
  name: "latency",
  title: "Latency at 1,000 requests/s (open loop, 16 connections)",
  measure: async ({ port }, seconds) => {
    const { p50, p99, p99_9 } = await openLoop(port, "/api/small", seconds);
    return { p50Ms: p50, p99Ms: p99, p999Ms: p99_9 };
  },
};

export const SCENARIOS: readonly Scenario[] = [
  saturation("get-small", "GET, small response, 32 connections", "/api/small"),
  saturation("get-64k", "GET, 64 KiB response, 32 connections", "/api/64k"),
  saturation("post-64k", "POST, 64 KiB body, 32 connections", "/upload/sink", "post"),
  latency,
];
