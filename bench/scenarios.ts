/** The scenarios under load: each returns one round's sample of one peer. */
import { join } from "node:path";
import { findProgram, LOAD_CPU, run } from "./children.ts";
import { cpuNs, memory } from "./cpu.ts";
import { HOST, type RunningPeer } from "./peers/peer.ts";

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
function saturation(name: string, title: string, path: string, method = "get"): Scenario {
  return {
    name,
    title,
    needs: "wrk",
    measure: async (peer, seconds) => {
      const before = cpuNs(peer.child.pid);
      const url = `http://127.0.0.1:${peer.port}${path}`;
      const script = join(import.meta.dirname, "wrk.lua");
      const command = ["-t", "1", "-c", "32", "-d", `${seconds}s`, "-s", script, url, "--", method];
      const output = await run([findProgram("wrk") ?? "wrk", ...command], LOAD_CPU, (seconds + 20) * 1000);
      const cpu = cpuNs(peer.child.pid) - before;
      const result = numbers(JSON.parse(output.slice(output.lastIndexOf("\n{"))));
      const { requests = 0, seconds: took = 1, failures = 0, p50Ms = 0, p99Ms = 0 } = result;
      if (failures > 0 || requests === 0) throw new Error(`${failures} failures in ${requests} requests`);
      return {
        cpuUsPerRequest: cpu / 1000 / requests,
        requestsPerSecond: requests / took,
        coreUsedPercent: cpu / 1e7 / took,
        p50Ms,
        p99Ms,
        loadedAnonymousMb: memory(peer.child.pid).anonymousKb / 1024,
      };
    },
  };
}

/** Open loop by `weft load`: latency from when each request was due. */
const latency: Scenario = {
  name: "latency",
  title: "Latency at 1,000 requests/s (open loop, 16 connections)",
  measure: async (peer, seconds) => {
    const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
    const options = ["--rate", "1000", "--connections", "16", "--warmup", "300ms", "--host", HOST];
    const url = `http://127.0.0.1:${peer.port}/api/small`;
    const command = [process.execPath, main, "load", "--json", ...options, "--duration", `${seconds}s`, url];
    const output = await run(command, LOAD_CPU, (seconds + 30) * 1000);
    const result: unknown = JSON.parse(output);
    const { p50 = 0, p99 = 0, p99_9 = 0 } = numbers(at(result, "client", "latencies"));
    const { count = 0 } = numbers(at(result, "client", "latencies"));
    if (count < 900 * seconds) throw new Error(`only ${count} answers in ${seconds} s`);
    return { p50Ms: p50, p99Ms: p99, p999Ms: p99_9 };
  },
};

export const SCENARIOS: readonly Scenario[] = [
  saturation("get-small", "GET, small response, 32 connections", "/api/small"),
  saturation("get-64k", "GET, 64 KiB response, 32 connections", "/api/64k"),
  saturation("post-64k", "POST, 64 KiB body, 32 connections", "/upload/sink", "post"),
  latency,
];

/** The value below the keys, or undefined. */
function at(value: unknown, ...keys: string[]): unknown {
  let found = value;
  for (const key of keys) {
    found = typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined;
  }
  return found;
}

/** The fields of an object that are numbers. */
function numbers(value: unknown): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [key, each] of Object.entries(value ?? {})) if (typeof each === "number") found[key] = each;
  return found;
}
