/**
 * `node bench/renewal.ts [--sidecars N] [--real N]`: every sidecar of a mesh renews its certificate at once, because the root
 * is changed (`weft cert rotate-root`), while 1,000 requests/s pass. Goal: 200 sidecars within 10 s, and no request lost.
 *
 * `--real` of them (20) are sidecars in processes of their own: `web` takes the load and sends it to all the others. The rest hold a
 * stream, keys and certificates in this process with the code that a sidecar does it with, but carry no traffic; `--real 200` needs 6 GB
 * and takes two minutes. Exit code 1 when the goal is missed.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { CertificatesAnswer, RotationAnswer } from "../src/local/api-types.ts";
import { HeldPorts } from "../src/local/ports.ts";
import { startSidecar as startStreamOnly } from "../test/enrolment/sidecar.ts";
import { type Child, start, stopAll } from "./children.ts";
import { cpuNs } from "./cpu.ts";
import { startPlane, startSidecar, tokenFor, until } from "./mesh.ts";
import { startOrigin } from "./origin.ts";

const HOST = "127.0.0.1";
const LIMIT_MS = 10_000;
const RATE = 1_000;
const BEFORE_SECONDS = 4;
const LOAD_SECONDS = 15;
/** Of the load when the change begins. */
const LEAD_MS = 1_500;
/** Processes that start at the same time. */
const AT_ONCE = 4;

const { values } = parseArgs({
  options: { sidecars: { type: "string", default: "200" }, real: { type: "string", default: "20" } },
});
const sidecars = Number(values.sidecars);
const real = Math.max(2, Math.min(sidecars, Number(values.real)));

const WARM_UP_SECONDS = 2 + real / 20;

const root = mkdtempSync(join(tmpdir(), "weft-renewal-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const names = Array.from({ length: sidecars }, (_, i) =>
  i === 0 ? "web" : i < real ? `shop-${i}` : `idle-${i}`,
);
const processes = names.slice(0, real);
/** Ports of sidecars that have not started yet: minutes pass until the last does. */
const held = new HeldPorts();

/** One Service of all real sidecars but `web`, each with an identity of its own. */
async function writeMesh(config: string, originPort: number): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  const shop = { selector: { app: "shop" }, ports: [{ name: "http", port: 80, targetPort: "http" }] };
  const documents: object[] = [{ apiVersion: "v1", kind: "Service", metadata: { name: "shop" }, spec: shop }];
  for (const name of names) {
    const inboundPort = processes.includes(name) ? await held.hold(HOST) : 1;
    ports.set(name, inboundPort);
    const metadata = { name, labels: { app: name.replace(/-\d+$/, "") } };
    const spec = { ports: { http: originPort }, inboundPort, serviceAccount: name };
    documents.push({ apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata, spec });
  }
  const text = documents.map((document) => JSON.stringify(document)).join("\n---\n");
  writeFileSync(join(config, "mesh.yaml"), text);
  return ports;
}

/** Load over as many connections as it takes: nothing that is due waits in the generator. */
function startLoad(port: number, seconds: number): Child {
  const main = join(import.meta.dirname, "..", "src", "cli", "main.ts");
  const how = ["--rate", String(RATE), "--connections", "16", "--max-in-flight", "20000"];
  const command = [process.execPath, main, "load", "--json", "--host", "shop", ...how];
  const url = `http://${HOST}:${port}/api/small`;
  return start([...command, "--warmup", "0s", "--duration", `${seconds}s`, url], undefined);
}

/** Says how the load went; resolves with the number of requests that got no good answer. */
async function lostIn(when: string, load: Child): Promise<number> {
  if ((await load.ended) !== 0) throw new Error(`the load failed: ${load.output()}`);
  const { requests, client, errors, statuses } = JSON.parse(load.stdout());
  const lost = requests.scheduled - requests.succeeded;
  const { p50, p99, max } = client.latencies;
  const latency = `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(0)} ms`;
  say(`${when}: ${requests.scheduled} requests, ${lost} lost; ${latency}`);
  if (lost > 0) say(JSON.stringify({ errors, statuses, missed: requests.missed }));
  return lost;
}

async function main(): Promise<number> {
  const origin = await startOrigin(root);
  if (typeof origin === "string") throw new Error(origin);
  const config = join(root, "config");
  mkdirSync(config);
  const ports = await writeMesh(config, origin.portA);
  const plane = await startPlane(config, join(root, "state"));
  let outboundPort = 0;
  for (let from = 0; from < real; from += AT_ONCE) {
    const batch = processes.slice(from, from + AT_ONCE).map(async (name) => {
      const token = await tokenFor(plane, name, 1);
      await held.release(HOST, [ports.get(name) ?? 0]);
      const wish = { workload: name, serviceAccount: name, token, inboundPort: ports.get(name) ?? 0 };
      const started = await startSidecar(plane, wish);
      if (name === "web") outboundPort = started.outboundPort;
    });
    await Promise.all(batch);
  }
  const { target, bundleFile } = plane;
  const others = [];
  for (const serviceAccount of names.slice(real)) {
    const token = await tokenFor(plane, serviceAccount, 1);
    others.push(startStreamOnly({ target, bundleFile, serviceAccount, token }));
  }
  const rotation = (): Promise<RotationAnswer> => plane.api.call("GET", "/v1/root/rotate");
  await until("all sidecars connected", 60_000, async () => {
    const state = await rotation();
    return state.sidecars === sidecars && state.lacking.length === 0;
  });
  say(`${sidecars} sidecars connected, ${real} of them processes that carry ${RATE} requests/s`);

  // Each process compiles what its first connection needs: with 200 of them on two CPUs that alone takes seconds.
  await startLoad(outboundPort, WARM_UP_SECONDS).ended;
  await lostIn("before", startLoad(outboundPort, BEFORE_SECONDS));
  const load = startLoad(outboundPort, LOAD_SECONDS);
  await sleep(LEAD_MS);
  const cpuBefore = cpuNs(plane.child.pid);
  const begun = performance.now();
  const { root: oldRoot } = await plane.api.call<RotationAnswer>("POST", "/v1/root/rotate");
  await until("the change of the root", 5 * LIMIT_MS, async () => (await rotation()).phase === "steady");
  const tookMs = performance.now() - begun;
  const cpuMs = (cpuNs(plane.child.pid) - cpuBefore) / 1e6;
  const { items } = await plane.api.call<CertificatesAnswer>("GET", "/v1/certificates");
  const renewed = items.filter(({ by, root: above }) => by === "certificate" && above !== oldRoot);
  const streams = others.reduce((sum, sidecar) => sum + sidecar.streams.lost, 0);
  const lost = await lostIn("meanwhile", load);
  for (const sidecar of others) sidecar.close();
  plane.api.close();

  say(
    `${renewed.length} renewed under another root in ${(tookMs / 1_000).toFixed(2)} s; ` +
      `the control plane used ${cpuMs.toFixed(0)} ms of CPU; streams lost: ${streams}`,
  );
  return lost === 0 && renewed.length === sidecars && tookMs <= LIMIT_MS ? 0 : 1;
}

try {
  process.exitCode = await main();
} finally {
  await stopAll();
}
