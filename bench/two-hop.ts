/**
 * `node bench/two-hop.ts`: what a hop between two sidecars costs. Client → outbound proxy → mutual TLS → inbound proxy →
 * origin, for Weft and for pairs of other proxies, in interleaved rounds; and what the two hops add to the latency of a
 * thousand requests a second. Exit code 1 when a pair that is present fails or answers wrongly.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { LOAD_CPU, run, stopAll } from "./children.ts";
import { cpuNs } from "./cpu.ts";
import { closedLoop, openLoop } from "./load.ts";
import { machine } from "./machine.ts";
import { startOrigin } from "./origin.ts";
import { table, writeResult } from "./report.ts";
import type { Result, ScenarioResult } from "./result.ts";
import { measureRounds, say } from "./rounds.ts";
import type { Sample } from "./scenarios.ts";
import { writeReadme } from "./summary.ts";
import { checkPair } from "./two-hop/check.ts";
import type { RunningPair } from "./two-hop/pair.ts";
import { PEER_PAIRS } from "./two-hop/peers.ts";
import { cpuTargets, handshakeTargets, latencyTargets, type Target, targetTable } from "./two-hop/targets.ts";
import { weftPair } from "./two-hop/weft.ts";

const CONNECTIONS = [8, 32, 128] as const;
const PATH = "/api/small";
const WARM_UP_SECONDS = 5;
const RESULTS = join(import.meta.dirname, "results");

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string" },
    seconds: { type: "string" },
    pairs: { type: "string" },
    /** Two rounds of 1 s, no files. */
    quick: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const seconds = Number(options.seconds ?? (options.quick ? 1 : 2));
const out = options.out ?? (options.quick ? undefined : RESULTS);

const failures: string[] = [];
const missing: Record<string, string> = {};

async function startPairs(root: string, originPort: number): Promise<Map<string, RunningPair>> {
  const running = new Map<string, RunningPair>();
  for (const pair of [weftPair, ...PEER_PAIRS]) {
    if (options.pairs?.split(",").includes(pair.name) === false) continue;
    const reason = pair.missing(!options.quick);
    if (reason !== undefined) {
      missing[pair.name] = reason;
      say(`${pair.name}: missing, ${reason}`);
      continue;
    }
    try {
      const dir = join(root, pair.name);
      mkdirSync(dir);
      const started = await pair.start({ dir, originPort });
      const wrong = await checkPair(started);
      if (wrong.length > 0) throw new Error(`answers wrongly: ${wrong.join("; ")}`);
      running.set(pair.name, started);
      say(`${pair.name}: up, answers rightly`);
    } catch (error) {
      missing[pair.name] = error instanceof Error ? error.message : String(error);
      failures.push(`${pair.name}: ${missing[pair.name]}`);
      say(`${pair.name}: ${missing[pair.name]}`);
    }
  }
  return running;
}

/** One round of the closed loop: what each half was charged for a request. */
async function cost(pair: RunningPair, connections: number): Promise<Sample> {
  const { outbound, inbound, port } = pair;
  const before = [cpuNs(outbound.pid), cpuNs(inbound.pid)] as const;
  const done = await closedLoop({ port, path: PATH, connections, seconds });
  const { requests } = done;
  return {
    outboundUsPerRequest: (cpuNs(outbound.pid) - before[0]) / 1e3 / requests,
    inboundUsPerRequest: (cpuNs(inbound.pid) - before[1]) / 1e3 / requests,
    requestsPerSecond: requests / done.seconds,
    p50Ms: done.p50Ms,
    p99Ms: done.p99Ms,
  };
}

/** One round of the open loop, right after one without any proxy; differences from when each request was due. */
async function added(pair: RunningPair, originPort: number): Promise<Sample> {
  const direct = await openLoop(originPort, PATH, seconds);
  const through = await openLoop(pair.port, PATH, seconds);
  return {
    p50Ms: through.p50,
    p99Ms: through.p99,
    p999Ms: through.p99_9,
    addedP50Ms: through.p50 - direct.p50,
    addedP99Ms: through.p99 - direct.p99,
  };
}

/** One round of handshakes with the inbound half: how many a CPU-second of it pays for. */
async function handshakes({ inbound, inboundPort, clientFile }: RunningPair): Promise<Sample> {
  const client = join(import.meta.dirname, "two-hop", "tls-client.ts");
  const perCpuSecond = async (kind: string): Promise<number> => {
    const command = [process.execPath, client, String(inboundPort), kind, String(seconds), clientFile];
    const before = cpuNs(inbound.pid);
    const count = Number(await run(command, LOAD_CPU, (seconds + 20) * 1_000));
    return (count * 1e9) / (cpuNs(inbound.pid) - before);
  };
  const fullPerCpuSecond = await perCpuSecond("full");
  return { fullPerCpuSecond, resumedPerCpuSecond: await perCpuSecond("resumed") };
}

async function measure(peers: ReadonlyMap<string, RunningPair>, originPort: number) {
  const scenarios: ScenarioResult[] = [];
  const targets: Target[] = [];
  // Past the tiers of the JIT; failures show in the rounds.
  for (const pair of peers.values()) {
    await closedLoop({ port: pair.port, path: PATH, connections: 32, seconds: WARM_UP_SECONDS }).catch(
      () => {},
    );
  }
  for (const connections of CONNECTIONS) {
    const scenario = await measureRounds({
      ...{ name: `two-hop-${connections}`, title: `Two hops, ${connections} client connections` },
      ...{ rounds, peers, failures, measure: (pair: RunningPair) => cost(pair, connections) },
    });
    scenarios.push(scenario);
    targets.push(...cpuTargets(scenario, connections));
  }
  const latency = await measureRounds({
    ...{ name: "two-hop-latency", title: "Two hops at 1,000 requests/s (open loop, 16 connections)" },
    ...{ rounds, peers, failures, measure: (pair: RunningPair) => added(pair, originPort) },
  });
  const shaken = await measureRounds({
    ...{
      name: "two-hop-handshakes",
      title: "Handshakes with the inbound half, client certificates verified",
    },
    // They hardly vary from round to round; three show that.
    ...{ rounds: Math.min(3, rounds), peers, failures, measure: handshakes },
  });
  targets.push(...latencyTargets(latency), ...handshakeTargets(shaken));
  return { scenarios: [...scenarios, latency, shaken], targets };
}

async function main(): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "weft-two-hop-"));
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
  try {
    const origin = await startOrigin(root);
    if (typeof origin === "string") throw new Error(`nothing measured: ${origin}`);
    const peers = await startPairs(root, origin.portA);
    const { scenarios, targets } = await measure(peers, origin.portA);
    const head = { schema: "weft.dev/bench/v1", at: new Date().toISOString(), rounds, seconds } as const;
    const result: Result = { ...head, machine: machine(), missing, scenarios };
    process.stdout.write(`${table(result)}\n\n${targetTable(targets)}\n`);
    const lead = `${targetTable(targets)}\n\n`;
    if (out !== undefined) writeResult("two-hop", result, out, "Two hops", lead);
    if (options.readme) writeReadme();
    for (const failure of failures) say(`FAILED ${failure}`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    await stopAll();
  }
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(130));
process.exitCode = await main();
