/**
 * `node bench/enrolment-wire.ts [--sidecars N] [--at-once N]`: how long it takes until 1,000 sidecars that start together have
 * their certificates: each with a key and a TLS connection of its own, by join token, from a control plane in a process of
 * its own. The sidecars' part runs here, in one thread. Goal: under 10 s on two cores.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { enrol } from "../src/discovery/enrol-client.ts";
import { makeCsr } from "../src/identity/csr.ts";
import { makeKey } from "../src/identity/key.ts";
import { acceptChain } from "../src/identity/svid.ts";
import { parseBundle } from "../src/identity/trust-bundle.ts";
import { planeTls } from "../src/proxy/enrolment/plane-tls.ts";
import { stopAll } from "./children.ts";
import { cpuNs } from "./cpu.ts";
import { bundleOf, startPlane, tokenFor } from "./mesh.ts";

const ACCOUNTS = 100;
const ROUNDS = 3;
/** A sidecar gives an attempt up after 5 s and comes again; nobody here does. */
const TIMEOUT_MS = 60_000;
const TRUST_DOMAIN = "cluster.local";

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
  const parsed = parseBundle(bundleOf(plane));
  if (parsed.kind === "invalid") throw new Error(parsed.fault);
  const { bundle } = parsed;

  /** Milliseconds that one sidecar waited for its certificate. */
  const enrolOne = async (i: number): Promise<number> => {
    const start = performance.now();
    const key = makeKey();
    const token = tokens[i % ACCOUNTS] ?? "";
    const request = { csr: makeCsr(key).toString("base64"), token };
    const result = await enrol(plane.target, request, planeTls(bundle, TRUST_DOMAIN, undefined), TIMEOUT_MS);
    if (result.kind === "refused") throw new Error(result.refusal.text);
    const id = `spiffe://${TRUST_DOMAIN}/ns/default/sa/account-${i % ACCOUNTS}`;
    const rule = { bundle, trustDomain: TRUST_DOMAIN, now: Date.now(), id };
    const accepted = acceptChain(key, result.answer.chain, rule);
    if (accepted.kind === "refused") throw new Error(accepted.reason);
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
