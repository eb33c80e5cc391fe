/** Clients that flood, stall, or send what is no question. */
import dgram from "node:dgram";
import net from "node:net";
import { decode } from "dns-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Doors, MAX_CONNECTIONS } from "../../src/proxy/dns/doors.ts";
import { MAX_UNDER_WAY } from "../../src/proxy/dns/forwarder.ts";
import { framed } from "../../src/proxy/dns/frames.ts";
import { IDLE_MS } from "../../src/proxy/dns/tcp-client.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { MAX_NAMES } from "../../src/proxy/snapshot/hosts.ts";
import { addresses, answerTo, Bench, Client, questionBytes } from "./bench.ts";

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
  bench.knows("shop.default", { addresses: ["10.0.0.1"] });
});
afterEach(() => bench.close());

describe("floods", () => {
  it("of questions to a resolver that says nothing: so many wait, the others fail, and the mesh's names are answered", async () => {
    const resolver = await bench.resolver(() => null);
    const proxy = await bench.start(resolver);
    const client = bench.connect();
    const clients = Array.from({ length: 40 }, () => bench.connect());
    for (const [i, one] of clients.entries())
      for (let n = 0; n < 30; n++) one.socket.write(framed(questionBytes(`n${n}.c${i}.example`)));
    await expect
      .poll(() => clients.flatMap(({ answers }) => answers).length)
      .toBe(clients.length * 30 - MAX_UNDER_WAY);
    expect(proxy.counts.outcomes.get("failed")).toBe(clients.length * 30 - MAX_UNDER_WAY);
    client.socket.write(framed(questionBytes("shop")));
    await expect.poll(() => addresses(client.answers[0]?.answers)).toEqual(["10.0.0.1"]);
  });

  it("of names: the control plane is asked for so many at once, and so many are known", async () => {
    bench.isSilent = true;
    bench.zone = { ...bench.zone, timeoutMs: 60_000 };
    const proxy = await bench.start();
    const client = bench.connect();
    for (let i = 0; i < 32; i++) client.socket.write(framed(questionBytes(`n${i}.random`)));
    await expect.poll(() => bench.subscribed.length).toBe(32);
    expect(proxy.names).toBe(32);
    bench.isSilent = false;
    const other = bench.connect();
    for (let i = 0; i < MAX_NAMES + 100; i++) other.socket.write(framed(questionBytes(`m${i}.random`)));
    await expect.poll(() => other.answers.length, { timeout: 20_000 }).toBe(MAX_NAMES + 100);
    expect(proxy.names).toBe(MAX_NAMES);
  });

  it("by UDP leave the proxy answering", async () => {
    const proxy = await bench.start();
    const flood = dgram.createSocket("udp4");
    for (let i = 0; i < 5_000; i++) flood.send(questionBytes(`n${i}.example.org`), bench.port, "127.0.0.1");
    await expect.poll(() => proxy.counts.outcomes.get("failed")).toBeGreaterThan(0);
    // The kernel may drop the first ones: its queue is full.
    await expect
      .poll(async () => addresses((await bench.ask("shop"))?.answers), { timeout: 20_000 })
      .toEqual(["10.0.0.1"]);
    flood.close();
  });
});

it("questions that come back to the proxy, as netfilter would lead them, fail at once, and it says why", async () => {
  const resolver = await bench.resolver((_question, message) => {
    // The same port at another of this machine's addresses: as the proxy's own socket looks after a redirection.
    const redirected = dgram.createSocket("udp4");
    redirected.bind(resolver.seen.at(-1)?.port ?? 0, "127.0.0.2", () =>
      redirected.send(message, bench.port, "127.0.0.1", () => redirected.close()),
    );
    return null;
  });
  const proxy = await bench.start(resolver);
  for (let i = 0; i < 2; i++) expect((await bench.ask("www.example.com"))?.rcode).toBe("SERVFAIL");
  expect([...proxy.counts.tries]).toEqual([["loop", 4]]);
  expect(bench.warnings).toEqual([expect.stringContaining("comes back to this sidecar")]);
});

describe("TCP", () => {
  it("hundreds of questions at once on one connection are answered each", async () => {
    await bench.start();
    const client = bench.connect();
    const asked = Array.from({ length: 500 }, () => questionBytes("shop"));
    client.socket.write(Buffer.concat(asked.map(framed)));
    await expect.poll(() => client.answers.length).toBe(500);
    expect(client.answers.map(({ id }) => id).toSorted()).toEqual(
      asked.map((one) => decode(one).id).toSorted(),
    );
  });

  it("questions in single bytes, and more after the client has said that it will say no more", async () => {
    await bench.start(await bench.resolver((_question, message) => answerTo(message, [])));
    const client = bench.connect();
    const all = Buffer.concat([questionBytes("shop"), questionBytes("www.example.com")].map(framed));
    client.socket.setNoDelay(true);
    for (const byte of all) client.socket.write(Buffer.from([byte]));
    client.socket.end();
    await client.closed;
    expect(client.answers.map(({ questions }) => questions?.[0]?.name)).toEqual(["shop", "www.example.com"]);
  });

  it.each([
    ["too long a message", framed(Buffer.alloc(4_097))],
    ["an answer", framed(answerTo(questionBytes("shop"), []))],
    ["an empty message", Buffer.from([0, 0])],
  ])("%s ends the connection", async (_what, bytes) => {
    await bench.start();
    const client = bench.connect();
    client.socket.write(bytes);
    await client.closed;
    expect(client.answers).toEqual([]);
  });

  it("who does not read its answers is not read from, and closed in the end", async () => {
    let now = 0;
    const wheel = new TimerWheel(() => now);
    const doors = await Doors.open(0, wheel);
    let answered = 0;
    doors.serve(async () => {
      answered++;
      return Buffer.alloc(65_000);
    });
    const socket = net.connect(doors.port, "127.0.0.1");
    socket.pause();
    socket.on("error", () => {});
    const question = framed(questionBytes("shop"));
    const isClosed = new Promise((resolve) => socket.once("close", resolve));
    for (let i = 0; i < 20_000; i++) socket.write(question);
    const before = await steady(() => answered);
    expect(before).toBeLessThan(2_000);
    now += IDLE_MS + 20;
    wheel.advance();
    await expect.poll(() => doors.connections).toBe(0);
    socket.resume();
    await isClosed;
    await doors.close();
  });

  it("who stalls in the middle of a question is closed, and so is who says nothing", async () => {
    let now = 0;
    const wheel = new TimerWheel(() => now);
    const doors = await Doors.open(0, wheel);
    doors.serve(async (message) => answerTo(message, []));
    const clients = Array.from({ length: 2 }, () => new Client(net.connect(doors.port, "127.0.0.1")));
    clients[0]?.socket.write(framed(questionBytes("shop")).subarray(0, 9));
    await expect.poll(() => doors.connections).toBe(2);
    now += IDLE_MS - 20;
    wheel.advance();
    expect(doors.connections).toBe(2);
    now += 40;
    wheel.advance();
    await Promise.all(clients.map(({ closed }) => closed));
    await doors.close();
  });

  it("so many connections are open at once", async () => {
    const doors = await Doors.open(0, new TimerWheel());
    const sockets = Array.from({ length: MAX_CONNECTIONS + 20 }, () => net.connect(doors.port, "127.0.0.1"));
    for (const socket of sockets) socket.on("error", () => {});
    await expect.poll(() => sockets.filter(({ destroyed }) => destroyed).length).toBe(20);
    expect(doors.connections).toBe(MAX_CONNECTIONS);
    for (const socket of sockets) socket.destroy();
    await doors.close();
  });
});

/** A number that has stopped to grow. */
async function steady(read: () => number): Promise<number> {
  let last = -1;
  await expect
    .poll(
      () => {
        const isSame = read() > 0 && read() === last;
        last = read();
        return isSame;
      },
      { interval: 100 },
    )
    .toBe(true);
  return last;
}
