/**
 * `taskset -c 1 node bench/micro/tls.ts`: what mutual TLS costs. CPU per request of two traffic loops, outbound and inbound, in
 * this process, between `wrk` and nginx on the other CPU, with and without TLS between the two. Beside other proxies, and for
 * handshakes: `bench/two-hop.ts`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUTBOUND, startLoop } from "../../test/harness/loop.ts";
import { inboundAt, secret, shopAt } from "../../test/tls/pair.ts";
import { stopAll } from "../children.ts";
import { closedLoop } from "../load.ts";
import { startOrigin } from "../origin.ts";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 5);
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const CONNECTIONS = [8, 32, 128];

const directory = mkdtempSync(join(tmpdir(), "weft-bench-tls-"));
const say = (text: string) => process.stdout.write(`${text}\n`);
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;

/** CPU microseconds of this process for each request of a round. */
async function microseconds(port: number, connections: number): Promise<number> {
  const before = process.cpuUsage();
  const { requests } = await closedLoop({ port, path: "/api/small", connections, seconds: SECONDS });
  const { user, system } = process.cpuUsage(before);
  return (user + system) / requests;
}

try {
  const origin = await startOrigin(directory);
  if (typeof origin === "string") throw new Error(origin);
  const [client, server] = await Promise.all([startLoop(), startLoop()]);
  await server.apply([secret("shop"), inboundAt(origin.portA, "PERMISSIVE")]);
  await client.apply([
    secret("client"),
    { kind: "listener", resource: { ...OUTBOUND, outboundPolicy: "REGISTRY_ONLY" } },
  ]);

  say("connections  two hops, us of CPU a request: plain, mutual TLS (rounds)");
  for (const connections of CONNECTIONS) {
    const cost: { readonly none: number[]; readonly mutual: number[] } = { none: [], mutual: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const tls of ["none", "mutual"] as const) {
        await client.apply(shopAt(server.inboundPort, { tls }));
        cost[tls].push(await microseconds(client.outboundPort, connections));
      }
    }
    const rounds = cost.mutual.map((us) => us.toFixed(1)).join(" ");
    say(
      `${String(connections).padStart(11)}  ${median(cost.none).toFixed(1)}  ${median(cost.mutual).toFixed(1)} (${rounds})`,
    );
  }
  await Promise.all([client.close(), server.close()]);
} finally {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}
