/**
 * `taskset -c 1 node bench/micro/tls.ts`: what mutual TLS costs. CPU per request of two traffic loops, outbound and inbound, in
 * this process, between `wrk` and nginx on the other CPU, with and without TLS between the two; and handshakes that one
 * CPU-second pays for at the inbound port, against nginx that verifies the same clients.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OUTBOUND, startLoop } from "../../test/harness/loop.ts";
import { contextOf, pemOf } from "../../test/identity/pki.ts";
import { root } from "../../test/identity/refused-certificates.ts";
import { inboundAt, leafFor, secret, shopAt } from "../../test/tls/pair.ts";
import { findProgram, LOAD_CPU, PROXY_CPU, run, start, stopAll } from "../children.ts";
import { cpuNs } from "../cpu.ts";
import { startOrigin } from "../origin.ts";
import { freePort, waitForPort } from "../ports.ts";

const SECONDS = Number(process.env["BENCH_SECONDS"] ?? 5);
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const CONNECTIONS = [8, 32, 128];

const directory = mkdtempSync(join(tmpdir(), "weft-bench-tls-"));
const say = (text: string) => process.stdout.write(`${text}\n`);
const median = (all: readonly number[]) => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN;

/** CPU microseconds of this process while `work` runs, for each of the things it counts. */
async function microseconds(work: () => Promise<number>): Promise<number> {
  const before = process.cpuUsage();
  const count = await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

async function requests(port: number, connections: number): Promise<number> {
  const script = join(import.meta.dirname, "..", "wrk.lua");
  const wrk = [
    findProgram("wrk") ?? "wrk",
    "-t",
    "1",
    "-c",
    String(connections),
    "-d",
    `${SECONDS}s`,
    "-s",
    script,
  ];
  const output = await run(
    [...wrk, `http://127.0.0.1:${port}/api/small`, "--", "get"],
    LOAD_CPU,
    (SECONDS + 20) * 1_000,
  );
  const { requests = 0, failures = 0 } = JSON.parse(output.slice(output.lastIndexOf("\n{")));
  if (failures > 0) throw new Error(`${failures} failures`);
  return requests;
}

async function handshakes(port: number, kind: string): Promise<number> {
  const client = join(import.meta.dirname, "tls-client.ts");
  const command = [
    process.execPath,
    client,
    String(port),
    kind,
    String(SECONDS),
    join(directory, "client.json"),
  ];
  return Number(await run(command, LOAD_CPU, (SECONDS + 20) * 1_000));
}

async function startNginx(): Promise<{ port: number; pid: number } | undefined> {
  const nginx = findProgram("nginx");
  if (nginx === undefined) return undefined;
  const port = await freePort();
  const { key = "", cert = "" } = contextOf(leafFor("shop"));
  const files = { "key.pem": String(key), "cert.pem": String(cert), "root.pem": pemOf(root) };
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(directory, name), text, { mode: 0o600 });
  const config = `user root root; worker_processes 1; daemon off; error_log ${directory}/error.log crit;
pid ${directory}/nginx.pid; events { worker_connections 4096; }
http { access_log off; server { listen 127.0.0.1:${port} ssl reuseport;
  ssl_certificate ${directory}/cert.pem; ssl_certificate_key ${directory}/key.pem;
  ssl_client_certificate ${directory}/root.pem; ssl_verify_client on; ssl_verify_depth 3;
  ssl_protocols TLSv1.3; ssl_ecdh_curve prime256v1; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  ssl_session_cache shared:tls:10m; return 200 ok; } }`;
  writeFileSync(join(directory, "nginx.conf"), config);
  const child = start(
    [nginx, "-c", join(directory, "nginx.conf"), "-p", directory, "-e", join(directory, "error.log")],
    PROXY_CPU,
  );
  await waitForPort(port, child);
  return { port, pid: child.pid };
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
  writeFileSync(
    join(directory, "client.json"),
    JSON.stringify({ ...contextOf(leafFor("client")), ca: pemOf(root) }),
    { mode: 0o600 },
  );

  const shop = (tls: "mutual" | "none") => shopAt(server.inboundPort, { tls });
  say("connections  two hops, us of CPU a request: plain, mutual TLS (rounds)");
  for (const connections of CONNECTIONS) {
    const cost: { readonly none: number[]; readonly mutual: number[] } = { none: [], mutual: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const tls of ["none", "mutual"] as const) {
        await client.apply(shop(tls));
        cost[tls].push(await microseconds(() => requests(client.outboundPort, connections)));
      }
    }
    const rounds = cost.mutual.map((us) => us.toFixed(1)).join(" ");
    say(
      `${String(connections).padStart(11)}  ${median(cost.none).toFixed(1)}  ${median(cost.mutual).toFixed(1)} (${rounds})`,
    );
  }

  const nginx = await startNginx();
  say("handshakes that a CPU-second of a server pays for: Weft, nginx");
  for (const kind of ["full", "resumed"]) {
    const weft: number[] = [];
    const other: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      weft.push(1e6 / (await microseconds(() => handshakes(server.inboundPort, kind))));
      if (nginx === undefined) continue;
      const before = cpuNs(nginx.pid);
      const count = await handshakes(nginx.port, kind);
      other.push((count * 1e9) / (cpuNs(nginx.pid) - before));
    }
    say(`${kind.padStart(11)}  ${median(weft).toFixed(0)}  ${median(other).toFixed(0)}`);
  }
  await Promise.all([client.close(), server.close()]);
} finally {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
}
