/**
 * `npm run bench`: Weft and other proxies side by side, on the same origin and load, in interleaved rounds. All peers run
 * at once and idle while one is measured; each round starts with another of them, so that drift of the machine meets
 * all alike. Exit code 1 when Weft or another present peer fails or answers wrongly.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { arch, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "./check.ts";
import { findProgram, pinned, stopAll } from "./children.ts";
import { measureMemory } from "./memory.ts";
import { type Options, readOptions } from "./options.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { PEERS } from "./peers/index.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { table, writeReports } from "./report.ts";
import { type Result, type ScenarioResult, summarize } from "./result.ts";
import { type Sample, SCENARIOS, type Scenario } from "./scenarios.ts";

/** Peers up and answering rightly, why others are missing, and what is wrong with what should have worked. */
interface Field {
  readonly running: Map<Peer, RunningPeer>;
  readonly missing: Record<string, string>;
  readonly failures: string[];
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Starts and checks every peer asked for. */
async function startPeers(options: Options, origin: Origin, root: string): Promise<Field> {
  const field: Field = { running: new Map(), missing: {}, failures: [] };
  for (const peer of PEERS) {
    if (options.peers?.has(peer.name) === false) continue;
    const reason = peer.missing(!options.smoke);
    if (reason !== undefined) {
      field.missing[peer.name] = reason;
      say(`${peer.name}: missing, ${reason}`);
      continue;
    }
    try {
      const dir = join(root, peer.name);
      mkdirSync(dir);
      const running = await peer.start({ dir, originA: origin.portA, originB: origin.portB });
      const wrong = await check(running.port);
      if (wrong.length > 0) throw new Error(`answers wrongly: ${wrong.join("; ")}`);
      field.running.set(peer, running);
      say(`${peer.name}: up, answers rightly`);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      field.missing[peer.name] = text;
      // A binary from elsewhere may not run on this machine; what answers wrongly, or is ours, is a failure.
      if (peer.name !== "envoy" || text.startsWith("answers")) field.failures.push(`${peer.name}: ${text}`);
      say(`${peer.name}: ${text}`);
    }
  }
  return field;
}

/** All rounds of one scenario; a peer that fails in a round leaves the scenario. */
async function measureScenario(
  name: string,
  title: string,
  rounds: number,
  field: Field,
  measure: (peer: Peer, running: RunningPeer, round: number) => Promise<Sample>,
): Promise<ScenarioResult> {
  const samples = new Map<string, Sample[]>();
  const failed = new Map<string, string>();
  const peers = [...field.running];
  for (let round = 0; round < rounds; round++) {
    const turn = round % Math.max(1, peers.length);
    for (const [peer, running] of [...peers.slice(turn), ...peers.slice(0, turn)]) {
      if (failed.has(peer.name)) continue;
      try {
        const sample = await measure(peer, running, round);
        samples.set(peer.name, [...(samples.get(peer.name) ?? []), sample]);
      } catch (error) {
        failed.set(peer.name, error instanceof Error ? error.message : String(error));
        samples.delete(peer.name);
        field.failures.push(`${peer.name}, ${name}: ${failed.get(peer.name)}`);
      }
    }
    say(`${name}: round ${round + 1} of ${rounds}`);
  }
  return { name, title, peers: summarize(samples, failed) };
}

async function measureAll(
  options: Options,
  field: Field,
  origin: Origin,
  root: string,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const wanted = (name: string): boolean => options.scenarios?.has(name) ?? true;
  for (const scenario of SCENARIOS.filter(({ name }) => wanted(name))) {
    if (scenario.needs !== undefined && findProgram(scenario.needs) === undefined) {
      const reason = `${scenario.needs} is not on PATH`;
      field.missing[`scenario ${scenario.name}`] = reason;
      say(`${scenario.name}: missing, ${reason}`);
      continue;
    }
    if (!options.smoke) await warmUp(scenario, field);
    const { name, title } = scenario;
    const measure = (_: Peer, running: RunningPeer): Promise<Sample> =>
      scenario.measure(running, options.seconds);
    results.push(await measureScenario(name, title, options.rounds, field, measure));
  }
  if (wanted("memory") && !options.smoke) {
    const measure = (peer: Peer, _: RunningPeer, round: number): Promise<Sample> =>
      measureMemory(peer, origin, join(root, `memory-${peer.name}-${round}`), 2000);
    // Memory hardly varies from round to round; three show that.
    results.push(await measureScenario("memory", "Memory", Math.min(3, options.rounds), field, measure));
  }
  return results;
}

/** Past the tiers of the JIT; failures show in the rounds. */
async function warmUp(scenario: Scenario, field: Field): Promise<void> {
  for (const running of field.running.values()) await scenario.measure(running, 2).catch(() => undefined);
}

function machine(): Record<string, string> {
  const version = (program: string, flag: string): string => {
    try {
      return execFileSync("/bin/sh", ["-c", `"$1" ${flag} 2>&1 | head -n 1`, "sh", program], {
        encoding: "utf8",
      }).trim();
    } catch {
      return "unknown";
    }
  };
  const found: Record<string, string> = {};
  for (const [name, flag] of [
    ["nginx", "-v"],
    ["haproxy", "-v"],
    ["wrk", "-v"],
  ] as const) {
    const path = findProgram(name);
    if (path !== undefined) found[name] = version(path, flag);
  }
  const cpu = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`;
  return { cpu, kernel: `${release()} ${arch()}`, node: process.version, pinned: String(pinned), ...found };
}

async function main(options: Options): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "weft-bench-"));
  // Also when a signal ends the run; runs after the children's end (children.ts registered first).
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
  try {
    const origin = await startOrigin(root);
    if (typeof origin === "string") {
      say(`nothing measured: ${origin}`);
      return options.smoke && process.env["WEFT_REQUIRE_ALL"] !== "1" ? 0 : 1;
    }
    const field = await startPeers(options, origin, root);
    const scenarios = await measureAll(options, field, origin, root);
    const { rounds, seconds } = options;
    const head = { schema: "weft.dev/bench/v1", at: new Date().toISOString(), rounds, seconds } as const;
    const result: Result = { ...head, machine: machine(), missing: field.missing, scenarios };
    process.stdout.write(`${table(result)}\n`);
    if (options.out !== undefined) writeReports(result, options.out, options.readme);
    for (const failure of field.failures) say(`FAILED ${failure}`);
    const required = (name: string): boolean => name !== "envoy" && process.env["WEFT_REQUIRE_ALL"] === "1";
    const absent = Object.keys(field.missing).filter(required);
    if (absent.length > 0) say(`FAILED WEFT_REQUIRE_ALL: ${absent.join(", ")} missing`);
    return field.failures.length + absent.length === 0 ? 0 : 1;
  } finally {
    await stopAll();
  }
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(name, () => process.exit(130));
}
process.exitCode = await main(readOptions(process.argv.slice(2)));
