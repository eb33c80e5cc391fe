/**
 * How long the compiler takes for a large mesh: all of 1,000 Services with 10 instances each, then one instance that
 * moves. Goals: under 1 s, and a change far under the 100 ms in which it should be everywhere.
 */
import { Compiler } from "../src/control-plane/compile/compiler.ts";
import { RESOURCE_TYPES } from "../src/discovery/messages.ts";
import { loadFiles } from "../src/resources/load.ts";

const SERVICES = 1_000;
const INSTANCES = 10;

const documents: string[] = [];
for (let s = 0; s < SERVICES; s++) {
  const app = `s${s}`;
  const spec = { selector: { app }, ports: [{ port: 80, targetPort: "http" }] };
  documents.push(JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: app }, spec }));
  for (let i = 0; i < INSTANCES; i++) {
    const metadata = { name: `${app}-${i}`, labels: { app } };
    const ports = { http: 20_000 + i };
    documents.push(
      JSON.stringify({ apiVersion: "weft.dev/v1alpha1", kind: "Workload", metadata, spec: { ports } }),
    );
  }
}
const { resources } = loadFiles(documents.map((text, i) => ({ name: `${i}.json`, text })));
const ports = { inbound: 1, outbound: 2, admin: 3, telemetry: 4 };
const identity = { id: "default/s0-0", namespace: "default", workload: "s0-0", serviceAccount: "default" };
const node = { ...identity, labels: {}, address: "127.0.0.1", ports, version: "0" };

const compiler = new Compiler();
const compiled = time(() => {
  compiler.update(resources);
  for (const type of RESOURCE_TYPES)
    for (const name of compiler.names(type, node)) compiler.get(type, name, node);
});
const changes = Array.from({ length: 5 }, (_, i) =>
  time(() => compiler.update(resources, { "default/s1-1": { ports: { http: 30_000 + i } } })),
);
const change = changes.toSorted((a, b) => a - b)[2] ?? 0;
const print = (what: string, ms: number) => process.stdout.write(`${what}: ${ms.toFixed(1)} ms\n`);
print(`compile ${resources.length} resources`, compiled);
print("one endpoint changed (median of 5)", change);

function time(run: () => unknown): number {
  const start = performance.now();
  run();
  return performance.now() - start;
}
