/**
 * `node bench/dns.ts`: how long a name takes at the sidecar's DNS proxy, by UDP on loopback, one question at a time: one of the mesh that is
 * known, one that a resolver has said is not there, and one that is passed on to a resolver beside it. And that resolver without the proxy.
 */
import { type ChildProcess, spawn } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Answer, decode, encode, RECURSION_AVAILABLE, RECURSION_DESIRED } from "dns-packet";
import { build } from "./built.ts";

const QUESTIONS = 3_000;
const WARM_UP = 500;
const WEFT = build();
const MESH = `apiVersion: v1
kind: Service
metadata: { name: shop }
spec: { ports: [{ name: http, port: 80 }] }
`;
const SOA: Answer = {
  ...{ type: "SOA", name: "example", ttl: 60 },
  data: { mname: "ns.example", rname: "host.example", minimum: 60 },
};

const directory = mkdtempSync(join(tmpdir(), "weft-bench-dns-"));
writeFileSync(join(directory, "mesh.yaml"), MESH);
const resolver = await startResolver();
const { port } = resolver.address();
const { sidecar, dnsPort } = await startSidecar(port);
try {
  for (const [what, name, at] of [
    ["a name of the mesh", "shop.default.svc.cluster.local", dnsPort],
    ["known not to be there", "no.such.example", dnsPort],
    ["passed on", "www.there.example", dnsPort],
    ["the resolver itself", "www.there.example", port],
  ] as const) {
    const { p50, p99 } = await measure(name, at);
    console.log(
      `${what.padEnd(24)} p50 ${p50.toFixed(0).padStart(5)} µs  p99 ${p99.toFixed(0).padStart(5)} µs`,
    );
  }
} finally {
  sidecar.kill();
  resolver.close();
  rmSync(directory, { recursive: true });
}

async function measure(name: string, at: number): Promise<{ p50: number; p99: number }> {
  const socket = dgram.createSocket("udp4");
  const took: number[] = [];
  for (let i = 0; i < WARM_UP + QUESTIONS; i++) {
    const question = { type: "A", name } as const;
    const message = encode({
      type: "query",
      id: i & 0xffff,
      flags: RECURSION_DESIRED,
      questions: [question],
    });
    const started = process.hrtime.bigint();
    socket.send(message, at, "127.0.0.1");
    await once(socket, "message");
    if (i >= WARM_UP) took.push(Number(process.hrtime.bigint() - started) / 1_000);
  }
  socket.close();
  took.sort((a, b) => a - b);
  const quantile = (share: number): number => took[Math.floor(took.length * share)] ?? 0;
  return { p50: quantile(0.5), p99: quantile(0.99) };
}

async function startResolver(): Promise<dgram.Socket> {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (message, from) => {
    const { id = 0, questions = [] } = decode(message);
    const [{ name } = { name: "" }] = questions;
    const isThere = name.endsWith("there.example");
    const records: { answers?: Answer[]; authorities?: Answer[] } = isThere
      ? { answers: [{ type: "A", name, ttl: 60, data: "192.0.2.1" }] }
      : { authorities: [SOA] };
    const flags = RECURSION_AVAILABLE | (isThere ? 0 : 3);
    socket.send(encode({ type: "response", id, flags, questions, ...records }), from.port, from.address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}

async function startSidecar(resolverPort: number): Promise<{ sidecar: ChildProcess; dnsPort: number }> {
  const ports = ["outbound", "inbound", "admin", "telemetry", "dns"].flatMap((name) => [
    `--${name}-port`,
    "0",
  ]);
  const args = ["sidecar", "--config", directory, "--service", "shop", ...ports];
  const sidecar = spawn(process.execPath, [WEFT, ...args, "--dns-servers", `127.0.0.1:${resolverPort}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface(sidecar.stdout), "line")) as [string];
  return { sidecar, dnsPort: (JSON.parse(line) as { dnsPort: number }).dnsPort };
}
