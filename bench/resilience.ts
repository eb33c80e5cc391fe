/**
 * `node bench/resilience.ts`: what clients notice of five faults behind a proxy, for Weft and other proxies with settings that
 * mean the same: requests lost, latency, extra load by retries, and how long it takes until all is as before. Exit
 * code 1 when a proxy that is present fails; a missed target is told, not a failure.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "./children.ts";
import { machine } from "./machine.ts";
import { table, writeResult } from "./report.ts";
import { FAULTS } from "./resilience/faults.ts";
import { RESILIENCE_PEERS, type ResiliencePeer } from "./resilience/peers.ts";
import { measureFault, type RunPlan } from "./resilience/run.ts";
import { resilienceTargets } from "./resilience/targets.ts";
import type { Result, ScenarioResult } from "./result.ts";
import { measureRounds, say } from "./rounds.ts";
import { writeReadme } from "./summary.ts";
import { targetTable } from "./two-hop/targets.ts";

const RATE = 400;
const FULL: RunPlan = { rate: RATE, warmUp: 2, baseline: 3, fault: 5, recovery: 4 };
const SHORT: RunPlan = { rate: RATE, warmUp: 1, baseline: 1, fault: 2, recovery: 3 };

const { values: options } = parseArgs({
  options: {
    scenario: { type: "string" },
    peer: { type: "string" },
    rounds: { type: "string", default: "1" },
    /** Faults of 2 s, no files. */
    short: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    readme: { type: "boolean", default: false },
    out: { type: "string" },
  },
});
const plan = options.short ? SHORT : FULL;
const rounds = Number(options.rounds);
const isPart = options.short || options.scenario !== undefined || options.peer !== undefined;
const out = options.out ?? (isPart ? undefined : join(import.meta.dirname, "results"));

const failures: string[] = [];
const missing: Record<string, string> = {};

/** Those with the names asked for, or all; throws for a name that nothing has. */
function chosen<T extends { readonly name: string }>(
  all: readonly T[],
  names: string | undefined,
): readonly T[] {
  if (names === undefined) return all;
  return names.split(",").map((name) => {
    const found = all.find((each) => each.name === name);
    if (found === undefined) throw new Error(`${name} is none of ${all.map((each) => each.name).join(", ")}`);
    return found;
  });
}

function presentPeers(): Map<string, ResiliencePeer> {
  const present = new Map<string, ResiliencePeer>();
  for (const peer of chosen(RESILIENCE_PEERS, options.peer)) {
    const reason = peer.missing(!options.short);
    if (reason === undefined) present.set(peer.name, peer);
    else missing[peer.name] = reason;
  }
  return present;
}

async function main(): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "weft-resilience-"));
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
  try {
    const scenarios: ScenarioResult[] = [];
    const peers = presentPeers();
    for (const fault of chosen(FAULTS, options.scenario)) {
      const { name, title } = fault;
      const measure = (peer: ResiliencePeer, round: number) =>
        measureFault(peer, fault, plan, join(root, `${name}-${peer.name}-${round}`));
      scenarios.push(await measureRounds({ name, title, rounds, peers, failures, measure }));
    }
    const seconds = plan.baseline + plan.fault + plan.recovery;
    const head = { schema: "weft.dev/bench/v1", at: new Date().toISOString(), rounds, seconds } as const;
    const result: Result = { ...head, machine: machine(), missing, scenarios };
    const targets = targetTable(scenarios.flatMap(resilienceTargets));
    const lead = `${targets}\n\n${plan.rate} requests a second, open loop.\n\n`;
    process.stdout.write(
      options.json ? `${JSON.stringify(result, undefined, 2)}\n` : `${table(result)}\n\n${targets}\n`,
    );
    if (out !== undefined) writeResult("resilience", result, out, "Resilience", lead);
    if (options.readme) writeReadme();
    for (const failure of failures) say(`FAILED ${failure}`);
    return failures.length === 0 ? 0 : 1;
  } finally {
    await stopAll();
  }
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(130));
process.exitCode = await main();
