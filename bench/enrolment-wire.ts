/**
 * `node bench/enrolment-wire.ts [--sidecars N] [--at-once N]`: how long it takes until 1,000 sidecars that start together have
 * their certificates: each with a key and a TLS connection of its own, by join token, from a control plane in a process of
 * its own. The sidecars' part runs here, in one thread. Goal: under 10 s on two cores.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stopAll } from "./children.ts";
import { cpuNs } from "./cpu.ts";
import { enrolHere, startPlane, tokenFor } from "./mesh.ts";

const ACCOUNTS = 100;
const ROUNDS = 3;

const { values } = parseArgs({
  options: {
    sidecars: { type: "string", default: "1000" },
    "at-once": { type: "string", default: "1000" },
  },
});
const sidecars = Number(values.sidecars);
const atOnce = Math.min(sidecars, Number(values["at-once"]));

const root = mkdtempSync(join(tmpdir(), "weft-enrolment-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));

try {
  const config = join(root, "config");
  mkdirSync(config);
  const plane = await startPlane(config, join(root, "state"));
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => `account-${i}`);
  const uses = Math.ceil(sidecars / ACCOUNTS) * ROUNDS;
  const tokens = await Promise.all(accounts.map((account) => tokenFor(plane, account, uses)));
  /** Milliseconds that one sidecar waited for its certificate. */
  const enrolOne = async (i: number): Promise<number> => {
    const start = performance.now();
    const account = i % ACCOUNTS;
    await enrolHere(plane, `account-${account}`, tokens[account] ?? "");
    return performance.now() - start;
  };

  for (let round = 1; round <= ROUNDS; round++) {
    const waited: number[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < sidecars) waited.push(await enrolOne(next++));
    };
    const planeBefore = cpuNs(plane.child.pid);
    const ownBefore = cpuNs(process.pid) - planeBefore;
    const start = performance.now();
    await Promise.all(Array.from({ length: atOnce }, work));
    const seconds = (performance.now() - start) / 1_000;
    const planeMs = (cpuNs(plane.child.pid) - planeBefore) / 1e6;
    const ownMs = (cpuNs(process.pid) - cpuNs(plane.child.pid) - ownBefore) / 1e6;
    const sorted = waited.toSorted((a, b) => a - b);
    process.stdout.write(
      `round ${round}: ${waited.length} sidecars, ${atOnce} at once: ${seconds.toFixed(2)} s; ` +
        `the last waited ${((sorted.at(-1) ?? 0) / 1_000).toFixed(2)} s, the median ${((sorted[sorted.length >> 1] ?? 0) / 1_000).toFixed(2)} s; ` +
        `CPU of each: control plane ${(planeMs / sidecars).toFixed(2)} ms, sidecar ${(ownMs / sidecars).toFixed(2)} ms\n`,
    );
  }
  plane.api.close();
} finally {
  await stopAll();
}
