/**
 * `node bench/endpoint-change.ts [--changes N]`: how long it takes until a sidecar hears of one endpoint that moved, in a mesh of
 * 1,000 Services with 10 instances each. A real control plane watches the files, a real gRPC stream subscribes to 50 of
 * the Services; a file of one of them is replaced, again and again. Goal: 150 ms at the 99th percentile, and nothing is sent but
 * the endpoints of that Service.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { build } from "./built.ts";
import { start, stopAll } from "./children.ts";
import { announced } from "./peers/announced.ts";
import { subscribe, summary } from "./subscription.ts";

const SERVICES = 1_000;
const INSTANCES = 10;
const SUBSCRIBED = 50;
const MAIN = build();
const root = mkdtempSync(join(tmpdir(), "weft-endpoint-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => process.exit(130));

async function measure(changes: number): Promise<void> {
  const directory = join(root, "mesh");
  mkdirSync(directory);
  for (let s = 0; s < SERVICES; s++) writeFileSync(join(directory, `s${s}.yaml`), mesh(s, 0));
  const began = performance.now();
  const command = [process.execPath, MAIN, "control-plane", "--insecure", "--config", directory];
  const plane = start([...command, "--discovery-port", "0", "--api-port", "0"], undefined);
  const port = await announced(plane, "discoveryPort");
  const readyMs = performance.now() - began;

  const names = Array.from({ length: SUBSCRIBED }, (_, s) => `s${s}.default:80`);
  const subscription = await subscribe(port, "default", { cluster: names, endpoints: names, route: names });
  await sleep(500);

  const took: number[] = [];
  let bytes = 0;
  for (let change = 1; change <= changes; change++) {
    const service = change % SUBSCRIBED;
    const draft = join(root, "draft");
    writeFileSync(draft, mesh(service, change));
    const sent = await subscription.observe(() => renameSync(draft, join(directory, `s${service}.yaml`)));
    if (sent.text !== `endpoints s${service}.default:80`) throw new Error(`sent: ${sent.text}`);
    took.push(sent.tookMs);
    bytes += sent.bytes;
  }
  subscription.close();
  process.stdout.write(`${SERVICES} Services with ${INSTANCES} instances each: ready ${(readyMs / 1_000).toFixed(1)} s after the start
${changes} changes of one endpoint, from the file to the sidecar: ${summary(took)}
sent: the endpoints of that Service and nothing else, ${Math.round(bytes / changes)} bytes a change
`);
}

/** One Service and its instances; the first of them at a port of its own. */
function mesh(s: number, port: number): string {
  const app = `s${s}`;
  const spec = { selector: { app }, ports: [{ port: 80, targetPort: "http" }] };
  const documents: object[] = [{ apiVersion: "v1", kind: "Service", metadata: { name: app }, spec }];
  for (let i = 0; i < INSTANCES; i++) {
    const metadata = { name: `${app}-${i}`, labels: { app } };
    const ports = { http: i === 0 ? 30_000 + port : 20_000 + i };
    documents.push({ apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata, spec: { ports } });
  }
  return documents.map((document) => JSON.stringify(document)).join("\n---\n");
}

const { values } = parseArgs({ options: { changes: { type: "string", default: "200" } } });
try {
  await measure(Number(values.changes));
} finally {
  await stopAll();
}
