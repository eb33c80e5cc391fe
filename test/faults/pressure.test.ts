/**
 * Peers that do not read, do not write, or drip, in numbers: the sidecar's memory stays what it was, and the requests of
 * others pass (hostile.md 17, 47, 51, 53).
 */
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { counting, exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";
import { anonymousMb, metric, type SidecarProcess, startSidecarProcess } from "../harness/sidecar-process.ts";

const GET = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
const LAST = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
const MB = 1_048_576;
/** For what takes a second, and much longer where others use the cores. */
const SLOW = { timeout: 60_000, interval: 200 };

let sidecar: SidecarProcess;
const closers: (() => unknown)[] = [];
const sockets: net.Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(origin: RawOrigin, spec?: object): Promise<void> {
  const config = { apiVersion: "weft.dev/v1alpha1", kind: "MeshConfig", metadata: { name: "default" }, spec };
  sidecar = await startSidecarProcess(origin.port, spec === undefined ? [] : [config]);
  closers.push(
    () => origin.close(),
    () => sidecar.stop(),
  );
  await expect.poll(async () => exchangeBytes(sidecar.outboundPort, [LAST])).toMatch(/^HTTP\/1.1 200/);
}

function open(onData: (socket: net.Socket) => void = () => {}): Promise<net.Socket> {
  return new Promise((resolve) => {
    const socket = net.connect({ port: sidecar.outboundPort, host: "127.0.0.1", noDelay: true });
    sockets.push(socket);
    socket.on("error", () => {});
    socket.once("connect", () => resolve(socket));
    onData(socket);
  });
}

/** Writes until nothing moves for a while, and says how much was taken. */
async function fill(socket: net.Socket, chunk: Buffer, most: number): Promise<number> {
  let sent = 0;
  let movedAt = performance.now();
  const pump = () => {
    movedAt = performance.now();
    while (sent < most && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on("drain", pump);
  pump();
  while (performance.now() - movedAt < 300) await sleep(20);
  socket.off("drain", pump);
  return sent;
}

/** The memory that stays in use, in MB: garbage that was not yet collected is not the point. */
async function growth(before: number): Promise<number> {
  let least = anonymousMb(sidecar.pid) - before;
  for (let i = 0; i < 10; i++) {
    await sleep(50);
    least = Math.min(least, anonymousMb(sidecar.pid) - before);
  }
  return least;
}

/** Requests of somebody else, one after the other: how many were answered with 200. */
async function others(count: number): Promise<number> {
  let good = 0;
  for (let i = 0; i < count; i++) {
    if ((await exchangeBytes(sidecar.outboundPort, [LAST])).startsWith("HTTP/1.1 200")) good++;
  }
  return good;
}

const connections = () => metric(sidecar, "weft_downstream_connections_active", { listener: "outbound" });

/** Answers requests for `/`; anything else gets no answer and is not read. */
function stalling(): Promise<RawOrigin> {
  const answer = counting();
  return rawOrigin((seen, socket, text) => {
    if (/POST|GET \/slow/.test(seen)) socket.pause();
    else answer(seen, socket, text);
  });
}

describe("a client that pipelines 10,000 requests and reads nothing", () => {
  it("has one of them under way, and costs no memory", { timeout: 60_000 }, async () => {
    const origin = await stalling();
    await start(origin);
    const before = anonymousMb(sidecar.pid);
    const socket = await open((s) => s.pause());
    await fill(socket, Buffer.from("GET /slow HTTP/1.1\r\nHost: web\r\n\r\n".repeat(10_000)), 1);
    expect(await growth(before)).toBeLessThan(4);
    expect(origin.received.match(/GET \/slow/g)).toHaveLength(1);
    expect(await others(20)).toBe(20);
  });

  it("is answered as far as it has room, by a quick upstream", { timeout: 90_000 }, async () => {
    const origin = await rawOrigin(counting());
    await start(origin);
    const before = anonymousMb(sidecar.pid);
    const socket = await open((s) => s.pause());
    await fill(socket, Buffer.from(GET.repeat(10_000)), 1);
    expect(await growth(before)).toBeLessThan(16);
    expect(await others(20)).toBe(20);
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.resume();
    await expect.poll(() => received.match(/HTTP\/1.1 200/g)?.length, SLOW).toBe(10_000);
  });
});

describe("an upstream that does not read", () => {
  it("stops a 1 GiB upload: at most 4 MB are held", { timeout: 60_000 }, async () => {
    await start(await stalling());
    const before = anonymousMb(sidecar.pid);
    const socket = await open();
    socket.write(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${1024 * MB}\r\n\r\n`);
    const sent = await fill(socket, Buffer.alloc(65_536, "x"), 1024 * MB);
    expect(sent).toBeLessThan(64 * MB);
    expect(await growth(before)).toBeLessThan(4);
    expect(await others(20)).toBe(20);
  });

  it("stops 500 uploads of 10 MB: 256 KiB each at most", { timeout: 120_000 }, async () => {
    await start(await stalling());
    const before = anonymousMb(sidecar.pid);
    const chunk = Buffer.alloc(65_536, "x");
    const all = Array.from({ length: 500 }, async () => {
      const socket = await open();
      socket.write(`POST / HTTP/1.1\r\nHost: web\r\nContent-Length: ${10 * MB}\r\n\r\n`);
      return fill(socket, chunk, 10 * MB);
    });
    await Promise.all(all);
    expect(await growth(before)).toBeLessThan(500 / 4);
    expect(await others(20)).toBe(20);
  });
});

describe("clients that do not read what never ends", () => {
  it("hold 256 KiB each at most, and are cut when nothing moves", { timeout: 120_000 }, async () => {
    const chunk = Buffer.alloc(65_536, "y");
    let asked = 0;
    const origin = await rawOrigin((_seen, socket, text) => {
      if (!text.startsWith("GET /big")) {
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        return;
      }
      asked++;
      // Much more than the kernel's buffers hold on the way.
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1024 * MB}\r\n\r\n`);
      const pump = () => {
        while (socket.writable && socket.write(chunk));
      };
      socket.on("drain", pump);
      pump();
    });
    await start(origin, { timeouts: { streamIdle: "3s" } });
    const before = anonymousMb(sidecar.pid);
    let closed = 0;
    for (let i = 0; i < 50; i++) {
      const socket = await open((s) => s.pause());
      socket.write("GET /big HTTP/1.1\r\nHost: web\r\n\r\n");
      socket.on("close", () => closed++);
      // One by one: a response that has not begun in that time is a 504, and its connection stays.
      await expect.poll(() => asked, { interval: 5 }).toBe(i + 1);
    }
    await sleep(1_000);
    expect(await growth(before)).toBeLessThan(50 / 4);
    expect(await others(20)).toBe(20);
    await expect.poll(connections, SLOW).toBe(0);
    for (const socket of sockets) socket.resume();
    await expect.poll(() => closed, SLOW).toBe(50);
  });
});

describe("500 clients that drip", () => {
  it("are cut at the head's deadline; the others never notice", { timeout: 120_000 }, async () => {
    await start(await rawOrigin(counting()), { timeouts: { headers: "1500ms" } });
    let cut = 0;
    const answers: string[] = [];
    const began = performance.now();
    for (let i = 0; i < 500; i++) {
      const socket = await open();
      socket.on("data", (chunk) => answers.push(chunk.toString("latin1")));
      socket.on("close", () => cut++);
      socket.write("GET / HTTP/1.1\r\nHost: web\r\nX-Drip: ");
    }
    const drip = setInterval(() => {
      for (const socket of sockets) socket.write("z");
    }, 100);
    closers.push(() => clearInterval(drip));
    let good = 0;
    let asked = 0;
    while ((cut < 500 || asked < 100) && performance.now() - began < 40_000) {
      asked += 10;
      good += await others(10);
    }
    expect([cut, good]).toEqual([500, asked]);
    expect(asked).toBeGreaterThanOrEqual(100);
    expect(new Set(answers.map((answer) => answer.slice(0, 12)))).toEqual(new Set(["HTTP/1.1 408"]));
  });

  it("with bodies are cut when streamIdle has passed without a byte", { timeout: 120_000 }, async () => {
    await start(await stalling(), { timeouts: { streamIdle: "1s" } });
    let cut = 0;
    for (let i = 0; i < 200; i++) {
      const socket = await open();
      socket.on("data", () => {});
      socket.on("close", () => cut++);
      socket.write("POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 100\r\n\r\nabc");
    }
    await expect.poll(() => cut, SLOW).toBe(200);
    expect(await others(20)).toBe(20);
  });
});
