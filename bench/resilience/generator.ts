/**
 * The load of one run, in a process of its own: `node bench/resilience/generator.ts PORT HOST RATE SECONDS`. `weft load`'s engine, with a
 * log of every request, because what matters here is when each was due. Prints when it starts, and in the end the log.
 */
import { performance } from "node:perf_hooks";
import { Engine } from "../../src/load/engine.ts";
import { planLoad } from "../../src/load/options.ts";
import { Recorder } from "../../src/load/recorder.ts";
import type { ErrorKind } from "../../src/load/result.ts";

/** When a request was due and how long it took from then, in milliseconds since the start, and its status or kind of error. */
export type Logged = readonly [dueMs: number, latencyMs: number, outcome: number | ErrorKind | "missed"];

/** What the program prints in the end. */
export interface GeneratorLog {
  readonly requests: readonly Logged[];
  /** How late requests left by the generator's own fault, 99th percentile, milliseconds. */
  readonly lateP99Ms: number;
}

const TIMEOUT_MS = 5_000;
/** The announcement needs time to be read before the first request is due. */
const AHEAD_MS = 100;

class Log extends Recorder {
  readonly requests: Logged[] = [];
  readonly #start: number;

  constructor(start: number) {
    super(start, 1_000);
    this.#start = start;
  }

  override answer(status: number, intendedAt: number, sentAt: number, now: number): void {
    super.answer(status, intendedAt, sentAt, now);
    this.#add(status, intendedAt, now);
  }

  override error(kind: ErrorKind, detail: string, intendedAt: number, now: number): void {
    super.error(kind, detail, intendedAt, now);
    this.#add(kind, intendedAt, now);
  }

  override miss(intendedAt: number, now: number, count = 1): void {
    super.miss(intendedAt, now, count);
    for (let i = 0; i < count; i++) this.#add("missed", intendedAt, now);
  }

  #add(outcome: Logged[2], intendedAt: number, now: number): void {
    this.requests.push([rounded(intendedAt - this.#start), rounded(now - intendedAt), outcome]);
  }
}

const rounded = (ms: number): number => Math.round(ms * 100) / 100;

async function main([port, host, rate, seconds]: string[]): Promise<void> {
  const plan = planLoad({
    ...{ url: `http://127.0.0.1:${port}/api/small`, host: host ?? "", rate: Number(rate) },
    // Enough for all that can be waiting for its timeout: nothing is delayed for want of a connection.
    ...{ connections: 32, maxInFlight: Math.ceil((1.2 * Number(rate) * TIMEOUT_MS) / 1_000) },
    ...{ durationMs: Number(seconds) * 1_000, warmupMs: 0, timeoutMs: TIMEOUT_MS },
  });
  const engine = new Engine(plan, "127.0.0.1");
  const refused = await engine.openAll();
  if (refused !== undefined) throw refused;
  const now = performance.now();
  const start = Math.ceil(now + AHEAD_MS);
  process.stdout.write(`${JSON.stringify({ startsAt: Date.now() + start - now })}\n`);
  const log = new Log(start);
  await engine.run({ start, measureFrom: start, endAt: start + Number(seconds) * 1_000 }, log);
  const result: GeneratorLog = { requests: log.requests, lateP99Ms: log.pacing.at(99) };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

if (import.meta.main) await main(process.argv.slice(2));
