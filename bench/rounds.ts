/** Interleaved rounds: each starts with another of the peers, so that drift of the machine meets all alike. */
import { type ScenarioResult, summarize } from "./result.ts";
import type { Sample } from "./scenarios.ts";

export interface Rounds<T> {
  readonly name: string;
  readonly title: string;
  readonly rounds: number;
  /** What is measured, by its name in the result. */
  readonly peers: ReadonlyMap<string, T>;
  measure(peer: T, round: number): Promise<Sample>;
  /** Where the reasons of failures are added; a peer that fails in a round leaves the scenario. */
  readonly failures: string[];
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** All rounds of one scenario. */
export async function measureRounds<T>(options: Rounds<T>): Promise<ScenarioResult> {
  const { name, title, rounds, failures } = options;
  const samples = new Map<string, Sample[]>();
  const failed = new Map<string, string>();
  const peers = [...options.peers];
  for (let round = 0; round < rounds; round++) {
    const turn = round % Math.max(1, peers.length);
    for (const [peer, running] of [...peers.slice(turn), ...peers.slice(0, turn)]) {
      if (failed.has(peer)) continue;
      try {
        const sample = await options.measure(running, round);
        samples.set(peer, [...(samples.get(peer) ?? []), sample]);
      } catch (error) {
        failed.set(peer, error instanceof Error ? error.message : String(error));
        samples.delete(peer);
        failures.push(`${peer}, ${name}: ${failed.get(peer)}`);
      }
    }
    say(`${name}: round ${round + 1} of ${rounds}`);
  }
  return { name, title, peers: summarize(samples, failed) };
}
