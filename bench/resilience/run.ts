/** One run: five fresh backends, one proxy, the load, and a fault in its midst. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LOAD_CPU, start } from "../children.ts";
import { announced } from "../peers/announced.ts";
import { say } from "../rounds.ts";
import type { Sample } from "../scenarios.ts";
import { assess } from "./assess.ts";
import { Backends } from "./backends.ts";
import { checkPeer } from "./check.ts";
import type { Fault } from "./faults.ts";
import type { GeneratorLog } from "./generator.ts";
import { HOST, type ResiliencePeer } from "./peers.ts";

/** Requests a second, and seconds of the parts of a run. */
export interface RunPlan {
  readonly rate: number;
  /** Not looked at: what is compiled and connected only under load. */
  readonly warmUp: number;
  readonly baseline: number;
  readonly fault: number;
  readonly recovery: number;
}

/** More than this, and the generator measured itself. */
const LATE_MS = 10;
const TRIES = 3;
const GENERATOR = join(import.meta.dirname, "generator.ts");

/** The sample of one run; a run in which the generator was late says nothing and is made again, {@link TRIES} times in all. */
export async function measureFault(
  peer: ResiliencePeer,
  fault: Fault,
  plan: RunPlan,
  dir: string,
): Promise<Sample> {
  for (let tries = 1; ; tries++) {
    const { sample, log } = await measureOnce(peer, fault, plan, join(dir, String(tries)));
    say(`${fault.name}, ${peer.name}: ${outcomes(log)}`);
    if (log.lateP99Ms <= LATE_MS) return { ...sample, madeAgain: tries - 1 };
    say(`${fault.name}, ${peer.name}: requests left ${log.lateP99Ms.toFixed(0)} ms late (p99)`);
    if (tries === TRIES)
      throw new Error("the machine is too busy: requests did not leave when they were due");
  }
}

async function measureOnce(
  peer: ResiliencePeer,
  fault: Fault,
  plan: RunPlan,
  dir: string,
): Promise<{ readonly sample: Sample; readonly log: GeneratorLog }> {
  const { rate, warmUp, baseline, recovery } = plan;
  const running: { stop(): Promise<void> }[] = [];
  mkdirSync(dir, { recursive: true });
  try {
    const backends = await Backends.start(join(dir, "backends"));
    running.push(backends);
    const { child, port } = await peer.start(dir, backends.ports);
    running.push(child);
    await checkPeer(port, backends);
    const before = backends.received();
    const seconds = warmUp + baseline + plan.fault + recovery;
    const command = [process.execPath, GENERATOR, String(port), HOST, String(rate), String(seconds)];
    const generator = start(command, LOAD_CPU);
    running.push(generator);
    const startsAt = await announced(generator, "startsAt");
    await sleep(startsAt + 1_000 * (warmUp + baseline) - Date.now());
    const faultFrom = Date.now() - startsAt;
    await fault.inflict(backends, 1_000 * plan.fault);
    const faultTo = Date.now() - startsAt;
    const code = await generator.ended;
    if (code !== 0) throw new Error(`the generator ended with ${code}: ${generator.output().slice(-400)}`);
    const log: GeneratorLog = JSON.parse(generator.stdout().trim().split("\n").at(-1) ?? "");
    const parts = { baselineFrom: 1_000 * warmUp, faultFrom, faultTo, end: 1_000 * seconds };
    return { sample: assess(log.requests, backends.received() - before, parts), log };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}

/** How often each outcome was, for whoever wonders about the rates. */
function outcomes({ requests }: GeneratorLog): string {
  const counts = new Map<string, number>();
  for (const [, , outcome] of requests) counts.set(String(outcome), (counts.get(String(outcome)) ?? 0) + 1);
  return [...counts].map(([outcome, count]) => `${count} × ${outcome}`).join(", ");
}
