/**
 * What features cost: the same load through a bare route and through one with everything configured that TrafficPolicy has, in
 * interleaved rounds. `--against DIR` puts another checkout's bare route beside them, for a change of the traffic loop.
 * Exit code 1 when the features cost more than 15 % of CPU for a request.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "./children.ts";
import { startOrigin } from "./origin.ts";
import type { RunningPeer } from "./peers/peer.ts";
import { weftPeer } from "./peers/weft.ts";
import { measureRounds, say } from "./rounds.ts";
import { SCENARIOS } from "./scenarios.ts";

/** More CPU for a request than the bare route's, at most. */
const MOST = 1.15;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    seconds: { type: "string", default: "2" },
    against: { type: "string" },
  },
});

async function main(): Promise<number> {
  const root = mkdtempSync(join(tmpdir(), "weft-features-"));
  process.on("exit", () => rmSync(root, { recursive: true, force: true }));
  const origin = await startOrigin(root);
  if (typeof origin === "string") throw new Error(origin);
  const peers = [weftPeer("bare", ["weft.yaml"]), weftPeer("features", ["weft.yaml", "weft-features.yaml"])];
  if (values.against !== undefined) peers.push(weftPeer("against", ["weft.yaml"], values.against));
  const running = new Map<string, RunningPeer>();
  for (const peer of peers) {
    const dir = join(root, peer.name);
    mkdirSync(dir);
    running.set(peer.name, await peer.start({ dir, originA: origin.portA, originB: origin.portB }));
  }
  const failures: string[] = [];
  let isWithin = true;
  for (const { name, title, measure } of SCENARIOS.filter(({ needs }) => needs === "wrk")) {
    for (const peer of running.values()) await measure(peer, 2);
    const result = await measureRounds<RunningPeer>({
      name,
      title,
      rounds: Number(values.rounds),
      peers: running,
      measure: (peer) => measure(peer, Number(values.seconds)),
      failures,
    });
    const cpu = (peer: string) => {
      const figures = result.peers[peer] ?? {};
      return "cpuUsPerRequest" in figures && typeof figures["cpuUsPerRequest"] === "object"
        ? figures["cpuUsPerRequest"].median
        : Number.NaN;
    };
    const ratio = cpu("features") / cpu("bare");
    isWithin &&= ratio <= MOST;
    const rest = values.against === undefined ? "" : `, against ${cpu("against").toFixed(1)}`;
    process.stdout.write(
      `${title}: bare ${cpu("bare").toFixed(1)} us, features ${cpu("features").toFixed(1)} us, ratio ${ratio.toFixed(3)} (${MOST})${rest}\n`,
    );
  }
  for (const failure of failures) say(`FAILED ${failure}`);
  return failures.length === 0 && isWithin ? 0 : 1;
}

for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, () => process.exit(130));
process.exitCode = await main().finally(stopAll);
