/** More connections than the process may open files: some are shed, nothing spins, and all is well when they go (hostile.md 52). */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { counting, exchangeBytes, rawOrigin } from "../harness/raw.ts";
import { cpuMs, startSidecarProcess } from "../harness/sidecar-process.ts";

const LAST = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";

it("256 descriptors and 2,000 connections: no busy loop, and 200 again when they are gone", {
  timeout: 90_000,
}, async () => {
  const origin = await rawOrigin(counting());
  const sidecar = await startSidecarProcess(origin.port, [], { descriptors: 256 });
  const sockets: net.Socket[] = [];
  try {
    const ask = () => exchangeBytes(sidecar.outboundPort, [LAST]);
    await expect.poll(ask).toMatch(/^HTTP\/1.1 200/);
    for (let i = 0; i < 2_000; i++) {
      const socket = net.connect({ port: sidecar.outboundPort, host: "127.0.0.1" });
      socket.on("error", () => {});
      sockets.push(socket);
      if (i % 100 === 99) await sleep(5);
    }
    // Once it has turned away those that came, it has nothing to do: under a fifth of a core.
    const usedInOneSecond = async () => {
      const before = cpuMs(sidecar.pid);
      await sleep(1_000);
      return cpuMs(sidecar.pid) - before;
    };
    await expect.poll(usedInOneSecond, { timeout: 30_000 }).toBeLessThan(200);
    // With every descriptor taken, requests on the connections there are can't reach the upstream by a new one.
    const answers: string[] = [];
    for (const socket of sockets.slice(0, 50)) {
      socket.on("data", (chunk) => answers.push(chunk.toString("latin1").slice(0, 12)));
      socket.write("GET / HTTP/1.1\r\nHost: web\r\n\r\n");
    }
    await expect.poll(() => answers.length).toBe(50);
    expect(answers.filter((answer) => !/^HTTP\/1.1 (?:200|503)/.test(answer))).toEqual([]);
    for (const socket of sockets) socket.destroy();
    await expect.poll(ask).toMatch(/^HTTP\/1.1 200/);
    expect(sidecar.child.exitCode).toBe(null);
  } finally {
    for (const socket of sockets) socket.destroy();
    await sidecar.stop();
    await origin.close();
  }
});
