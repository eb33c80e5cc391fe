/**
 * `node bench/interception.ts` (root, Linux): what interception adds to a new connection. Two pods call the same Service with one
 * request per connection, one through the outbound port of a sidecar that does not intercept, one by the Service's address through
 * netfilter and a sidecar that does. CPU of the sidecar's process and wall time per connection, in turns, medians of rounds; what is added
 * is the median of the differences of neighbours, because a shared machine drifts. And the look-up alone.
 */
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SIDECAR_UID, startApplication } from "../test/netns/mesh.ts";
import { Network, type Pod, type Running, WEFT } from "../test/netns/network.ts";
import { cpuNs } from "./cpu.ts";

const ROUNDS = 61;
const CONNECTIONS = 250;
const WARM_UP = 2_000;
const ADDRESS = "198.19.0.1";
const LOOKUP = new URL("./interception/lookup.ts", import.meta.url).pathname;
const CLIENT = new URL("./interception/client.ts", import.meta.url).pathname;

interface Way {
  readonly name: string;
  readonly client: Running;
  /** Rejects when the client ends. */
  readonly died: Promise<never>;
  readonly sidecar: Running;
  readonly cpu: number[];
  readonly wall: number[];
}

const network = new Network();
const folder = mkdtempSync(join(tmpdir(), "weft-interception-"));
try {
  await main();
} finally {
  await network.close();
  rmSync(folder, { recursive: true });
}

async function main(): Promise<void> {
  const origin = network.pod(1);
  await startApplication(origin, { http: [8_080] });
  writeConfig(origin.ipv4);
  const [plain, intercepted] = [network.pod(2), network.pod(3)];
  const init = intercepted.run([process.execPath, WEFT, "init"]);
  if (init.code !== 0) throw new Error(init.stderr);
  const ways: readonly Way[] = [
    await way("outbound port", plain, [], "127.0.0.1", 15_001),
    await way("intercepted", intercepted, ["--transparent"], ADDRESS, 80),
  ];
  for (const each of ways) await measure(each, WARM_UP);
  for (const { cpu, wall } of ways) cpu.length = wall.length = 0;
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of round % 2 === 0 ? ways : ways.toReversed()) await measure(each, CONNECTIONS);
  }
  for (const { name, cpu, wall } of ways) {
    console.log(
      `${name.padEnd(14)} ${micros(median(cpu))} CPU of the sidecar, ${micros(median(wall) * 1_000)} wall, per connection`,
    );
  }
  const [before, after] = ways;
  if (before === undefined || after === undefined) return;
  const added = (pick: (way: Way) => readonly number[]) =>
    median(pick(after).map((value, i) => value - (pick(before)[i] ?? Number.NaN)));
  console.log(
    `interception adds ${micros(added(({ cpu }) => cpu))} CPU, ${micros(added(({ wall }) => wall) * 1_000)} wall`,
  );
  const lookup = await intercepted.start(LOOKUP, [], { uid: SIDECAR_UID });
  console.log(lookup.line);
}

async function way(
  name: string,
  pod: Pod,
  flags: readonly string[],
  host: string,
  port: number,
): Promise<Way> {
  const args = ["sidecar", "--config", join(folder, "config"), "--service", "client", "--app-port", "1"];
  const sidecar = await pod.start(WEFT, [...args, ...flags], { uid: SIDECAR_UID });
  const client = await pod.start(CLIENT, [host, String(port)]);
  const died = once(client.lines, "close").then(() => Promise.reject(new Error(client.stderr())));
  died.catch(() => {});
  return { name, sidecar, client, died, cpu: [], wall: [] };
}

async function measure({ client, died, sidecar, cpu, wall }: Way, connections: number): Promise<void> {
  const pid = sidecar.child.pid ?? 0;
  const before = cpuNs(pid);
  client.child.stdin.write(`${connections}\n`);
  const [line] = await Promise.race([once(client.lines, "line"), died]);
  wall.push(Number(line));
  cpu.push((cpuNs(pid) - before) / connections / 1_000);
}

function writeConfig(origin: string): void {
  const spec = {
    selector: { app: "web" },
    clusterIP: ADDRESS,
    ports: [{ name: "http", port: 80, targetPort: 8_080 }],
  };
  const documents = [
    { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec },
    {
      apiVersion: "weft.dev/v1alpha1",
      kind: "Workload",
      metadata: { name: "web", labels: { app: "web" } },
      spec: { address: origin },
    },
  ];
  // The sidecar is another user.
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "config"));
  writeFileSync(
    join(folder, "config", "mesh.yaml"),
    documents.map((each) => JSON.stringify(each)).join("\n---\n"),
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function micros(value: number): string {
  return `${value.toFixed(1)} µs`;
}
