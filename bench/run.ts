/**
 * `npm run bench`: Weft and other proxies side by side, on the same origin and load, in interleaved rounds. All peers run
 * at once and idle while one is measured; each round starts with another of them, so that drift of the machine meets
 * all alike. Exit code 1 when Weft or another present peer fails or answers wrongly.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { check } from "./check.ts";
import { findProgram, stopAll } from "./children.ts";
import { machine } from "./machine.ts";
import { measureMemory } from "./memory.ts";
import { type Options, readOptions } from "./options.ts";
import { type Origin, startOrigin } from "./origin.ts";
import { PEERS } from "./peers/index.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { table, writeReports } from "./report.ts";
import type { Result, ScenarioResult } from "./result.ts";
import { measureRounds, say } from "./rounds.ts";
import { type Sample, SCENARIOS, type Scenario } from "./scenarios.ts";

/** Peers up and answering rightly, why others are missing, and what is wrong with what should have worked. */
interface Field {
  readonly running: Map<Peer, RunningPeer>;
  readonly missing: Record<string, string>;
  readonly failures: string[];
}

type Entry = readonly [Peer, RunningPeer];

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

async function measureAll(
  options: Options,
  field: Field,
  origin: Origin,
  root: string,
): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const { rounds } = options;
  const peers = new Map([...field.running].map((entry) => [entry[0].name, entry]));
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
    const measure = ([, running]: Entry): Promise<Sample> => scenario.measure(running, options.seconds);
    results.push(await measureRounds({ name, title, rounds, peers, measure, failures: field.failures }));
  }
  if (wanted("memory") && !options.smoke) {
    const measure = ([peer]: Entry, round: number): Promise<Sample> =>
      measureMemory(peer, origin, join(root, `memory-${peer.name}-${round}`), 2000);
    const what = { name: "memory", title: "Memory", peers, measure, failures: field.failures };
    // Memory hardly varies from round to round; three show that.
    results.push(await measureRounds({ ...what, rounds: Math.min(3, rounds) }));
  }
  return results;
}

/** Past the tiers of the JIT; failures show in the rounds. */
async function warmUp(scenario: Scenario, field: Field): Promise<void> {
  for (const running of field.running.values()) await scenario.measure(running, 2).catch(() => undefined);
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
process.exitCode = await main(options());

function options(): Options {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}\nOptions and what they mean: bench/README.md`,
    );
    process.exit(2);
  }
}
