/**
 * `node bench/micro/first-byte.ts`: how long after its connection a Node program sends the first byte of its first request, on an idle
 * machine and beside busy loops: what share of HTTP a time-out of protocol detection would take for something else
 * (docs/decisions/0013-late-first-bytes.md). Some 20 s for each line.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";

const STARTS = 40;
const LIMITS_MS = [100, 1_000];
const CLIENTS = {
  fetch: (url: string) => `await (await fetch("${url}")).text()`,
  "node:http": (url: string) => `require("node:http").get("${url}", (response) => response.resume())`,
} as const;

const delays: number[] = [];
const server = http.createServer((_request, response) => response.end("ok"));
server.on("connection", (socket: net.Socket) => {
  const since = performance.now();
  socket.once("data", () => delays.push(performance.now() - since));
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`;

for (const [name, code] of Object.entries(CLIENTS)) {
  for (const busy of [0, 16, 32, 64]) {
    const loops = Array.from({ length: busy }, () => run("for (;;);"));
    delays.length = 0;
    for (let i = 0; i < STARTS; i++) await once(run(code(url)), "exit");
    for (const loop of loops) loop.kill("SIGKILL");
    const sorted = delays.toSorted((a, b) => a - b);
    const late = LIMITS_MS.map((ms) => `${sorted.filter((delay) => delay > ms).length} over ${ms} ms`);
    const middle = sorted[STARTS >> 1] ?? 0;
    console.log(
      `${name} beside ${busy} loops: p50 ${middle.toFixed(1)} ms, longest ${sorted.at(-1)?.toFixed(0)} ms, ${late.join(", ")} of ${sorted.length}`,
    );
  }
}
server.close();

function run(code: string): ChildProcess {
  return spawn(process.execPath, ["-e", code], { stdio: "ignore" });
}
