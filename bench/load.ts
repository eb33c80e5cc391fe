/** The two loads of the benchmark, as one sample's numbers: a closed loop by wrk, an open one by `weft load`. */
import { join } from "node:path";
import { findProgram, LOAD_CPU, run } from "./children.ts";
import { HOST } from "./peers/peer.ts";

export interface ClosedLoop {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly seconds: number;
  readonly method?: "get" | "post";
}

/** What wrk found; throws when a request failed. */
export interface ClosedLoopResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Closed loop by wrk, on the load's CPU. */
export async function closedLoop(load: ClosedLoop): Promise<ClosedLoopResult> {
  const { port, path, connections, seconds, method = "get" } = load;
  const script = join(import.meta.dirname, "wrk.lua");
  const command = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "-s", script];
  const url = `http://127.0.0.1:${port}${path}`;
  const wrk = [findProgram("wrk") ?? "wrk", ...command, url, "--", method];
  const output = await run(wrk, LOAD_CPU, (seconds + 20) * 1000);
  const result = numbers(JSON.parse(output.slice(output.lastIndexOf("\n{"))));
  const { requests = 0, seconds: took = 1, failures = 0, p50Ms = 0, p99Ms = 0 } = result;
  if (failures > 0 || requests === 0) throw new Error(`${failures} failures in ${requests} requests`);
  return { requests, seconds: took, p50Ms, p99Ms };
}

/** Milliseconds from when a request was due, and in `service` from when it was sent. */
export interface OpenLoopResult {
  readonly p50: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly service: { readonly p50: number; readonly p99: number };
}

/** Open loop by `weft load` at 1,000 requests a second over 16 connections, on the load's CPU. */
export async function openLoop(port: number, path: string, seconds: number): Promise<OpenLoopResult> {
  const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
  const options = ["--rate", "1000", "--connections", "16", "--warmup", "300ms", "--host", HOST];
  const url = `http://127.0.0.1:${port}${path}`;
  const command = [process.execPath, main, "load", "--json", ...options, "--duration", `${seconds}s`, url];
  const result: unknown = JSON.parse(await run(command, LOAD_CPU, (seconds + 30) * 1000));
  const { succeeded = 0 } = numbers(at(result, "requests"));
  if (succeeded < 900 * seconds) throw new Error(`only ${succeeded} good answers in ${seconds} s`);
  const { p50 = 0, p99 = 0, p99_9 = 0 } = numbers(at(result, "client", "latencies"));
  const service = numbers(at(result, "client", "service"));
  return { p50, p99, p99_9, service: { p50: service["p50"] ?? 0, p99: service["p99"] ?? 0 } };
}

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
