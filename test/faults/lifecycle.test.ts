/** A sidecar that is killed, started again, or asked to go while it works (hostile.md 54, 55). */
import net from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { counting, exchangeBytes, type RawOrigin, rawOrigin } from "../harness/raw.ts";
import { cpuMs, type SidecarProcess, startSidecarProcess } from "../harness/sidecar-process.ts";

const LAST = "GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n";
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function start(origin: RawOrigin, ...flags: string[]): Promise<SidecarProcess> {
  const sidecar = await startSidecarProcess(origin.port, [], { flags });
  closers.push(
    () => origin.close(),
    () => sidecar.stop(),
  );
  const answer = () => exchangeBytes(sidecar.outboundPort, [LAST]);
  await expect.poll(answer, { timeout: 20_000 }).toMatch(/^HTTP\/1.1 200/);
  return sidecar;
}

interface Client {
  readonly socket: net.Socket;
  readonly received: () => string;
  readonly isClosed: () => boolean;
}
function client(port: number, text: string): Client {
  const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
  let received = "";
  let isClosed = false;
  socket.on("data", (chunk) => {
    received += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    isClosed = true;
  });
  socket.write(text);
  return { socket, received: () => received, isClosed: () => isClosed };
}

/** Streams for as long as the test lets it: `/stream` gets a byte at each `tick`, an Upgrade gets an echo. */
async function streaming(): Promise<RawOrigin & { tick(): void; end(): void }> {
  const streams = new Set<net.Socket>();
  const answer = counting();
  const origin = await rawOrigin((seen, socket, text) => {
    if (seen.includes("Upgrade")) {
      if (text.includes("Upgrade")) {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
      } else socket.write(text);
    } else if (seen.includes("/stream")) {
      streams.add(socket);
      socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    } else answer(seen, socket, text);
  });
  return Object.assign(origin, {
    tick: () => {
      for (const socket of streams) socket.write("1\r\nb\r\n");
    },
    end: () => {
      for (const socket of streams) socket.write("0\r\n\r\n");
    },
  });
}

const STREAM = "GET /stream HTTP/1.1\r\nHost: web\r\n\r\n";
const UPGRADE = "GET / HTTP/1.1\r\nHost: web\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

describe("SIGTERM", () => {
  it("finishes a streaming response and a tunnel, says close meanwhile, and exits with 0", async () => {
    const origin = await streaming();
    const sidecar = await start(origin, "--drain-grace", "500ms", "--drain-timeout", "10s");
    const stream = client(sidecar.outboundPort, STREAM);
    const tunnel = client(sidecar.outboundPort, UPGRADE);
    await expect.poll(stream.received).toContain("1\r\na\r\n");
    await expect.poll(tunnel.received).toContain("101");
    sidecar.child.kill("SIGTERM");
    const health = () => exchangeBytes(sidecar.telemetryPort, ["GET /healthz/ready HTTP/1.0\r\n\r\n"]);
    await expect.poll(health).toMatch(/^HTTP\/1.1 503/);
    const late = "GET / HTTP/1.1\r\nHost: web\r\n\r\n";
    const answer = await exchangeBytes(sidecar.outboundPort, [late]);
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(answer.toLowerCase()).toContain("connection: close");
    origin.tick();
    tunnel.socket.write("ping");
    await expect.poll(stream.received).toContain("1\r\nb\r\n");
    await expect.poll(tunnel.received).toContain("ping");
    origin.end();
    tunnel.socket.end();
    await expect.poll(stream.isClosed).toBe(true);
    expect(stream.received()).toMatch(/0\r\n\r\n$/);
    expect(await sidecar.ended).toBe(0);
  });

  it("cuts what is still open when its time is up, visibly, and exits with 0", async () => {
    const origin = await streaming();
    const sidecar = await start(origin, "--drain-grace", "0s", "--drain-timeout", "500ms");
    const stream = client(sidecar.outboundPort, STREAM);
    await expect.poll(stream.received).toContain("1\r\na\r\n");
    sidecar.child.kill("SIGTERM");
    expect(await sidecar.ended).toBe(0);
    await expect.poll(stream.isClosed).toBe(true);
    expect(stream.received()).not.toContain("0\r\n\r\n");
    expect(sidecar.stderr()).toMatch(/1 connections? (?:was|were) cut off/);
  });
});

describe("kill -9", () => {
  it("ends requests visibly; a sidecar in its place serves after less than 2 s of work", async () => {
    const origin = await streaming();
    const sidecar = await start(origin);
    const stream = client(sidecar.outboundPort, STREAM);
    await expect.poll(stream.received).toContain("1\r\na\r\n");
    sidecar.child.kill("SIGKILL");
    await expect.poll(stream.isClosed).toBe(true);
    expect(stream.received()).not.toContain("0\r\n\r\n");
    const next = await start(origin);
    expect(cpuMs(next.pid)).toBeLessThan(2_000);
  });
});

describe("an upstream that is killed within its response", () => {
  const HEADS = {
    "Content-Length": "Content-Length: 100\r\n\r\nhalf",
    chunked: "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    "until close": "Connection: close\r\n\r\nhalf",
  };
  for (const [framing, rest] of Object.entries(HEADS)) {
    for (const [fate, kill] of [
      ["RST", (socket: net.Socket) => socket.resetAndDestroy()],
      ["FIN", (socket: net.Socket) => socket.end()],
    ] as const) {
      // An end by FIN is how a body until close ends rightly.
      if (framing === "until close" && fate === "FIN") continue;
      it(`${framing}, ${fate}: no clean end, and the next request passes`, async () => {
        const answer = counting();
        const origin = await rawOrigin((seen, socket, text) => {
          if (!text.includes("/cut")) answer(seen, socket, text);
          else socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => setTimeout(() => kill(socket), 50));
        });
        const sidecar = await start(origin);
        const ended = Promise.withResolvers<NodeJS.ErrnoException | null>();
        const socket = net.connect({ port: sidecar.outboundPort, host: "127.0.0.1" });
        let received = "";
        let error: NodeJS.ErrnoException | null = null;
        socket.on("data", (chunk) => {
          received += chunk.toString("latin1");
        });
        socket.on("error", (e) => {
          error = e;
        });
        socket.on("close", () => ended.resolve(error));
        socket.write("GET /cut HTTP/1.1\r\nHost: web\r\n\r\n");
        const how = await ended.promise;
        expect(received).toContain("half");
        expect(received).not.toContain("\r\n0\r\n\r\n");
        if (framing === "until close") expect(how?.code).toBe("ECONNRESET");
        expect(await exchangeBytes(sidecar.outboundPort, [LAST])).toMatch(/^HTTP\/1.1 200/);
      });
    }
  }
});
