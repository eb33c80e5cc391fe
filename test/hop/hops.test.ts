/** Which connection a stream goes on, with real handshakes: sharing, fallback, giving up, age. */
import net from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HopConnection, type HopContext } from "../../src/proxy/hop/connection.ts";
import { HOP_PROTOCOL } from "../../src/proxy/hop/frame.ts";
import { Hops, MAX_AGE_MS } from "../../src/proxy/hop/hops.ts";
import { Turn } from "../../src/proxy/hop/turn.ts";
import { WindowBudget } from "../../src/proxy/hop/window.ts";
import { Credentials, Keyring } from "../../src/proxy/net/credentials.ts";
import { Listener } from "../../src/proxy/net/listener.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Acceptor } from "../../src/proxy/net/tls-accept.ts";
import { Origination, type TlsTarget } from "../../src/proxy/net/tls-connect.ts";
import { TlsConnection } from "../../src/proxy/net/tls-connection.ts";
import type { Transport } from "../../src/proxy/net/transport.ts";
import { contextOf } from "../identity/pki.ts";
import { targetAt } from "../tls/in-process.ts";
import { leafFor, secretFor, until } from "../tls/pair.ts";
import { strangeServer } from "../tls/stranger.ts";
import { Seen } from "./wire.ts";

let now: number;
let wheel: TimerWheel;
let context: HopContext;
let counts: { opened: number; closed: number; full: number; failed: string[] };
let taken: HopConnection[];
let hops: Hops;
let closing: (() => void)[];

beforeEach(() => {
  now = 1_000;
  wheel = new TimerWheel(() => now);
  context = { wheel, turn: new Turn(), budget: new WindowBudget(() => now) };
  counts = { opened: 0, closed: 0, full: 0, failed: [] };
  taken = [];
  closing = [];
  const keyring = new Keyring();
  keyring.credentials = new Credentials(secretFor("client"));
  const origination = new Origination(keyring, {
    completed: () => void counts.full++,
    failed: (fault) => void counts.failed.push(fault),
  });
  const counter = { opened: () => void counts.opened++, closed: () => void counts.closed++ };
  hops = new Hops({ ...context, origination, random: () => 0.5, counts: counter });
});

afterEach(() => {
  for (const close of closing) close();
});

/** A sidecar that answers what it gets. */
async function startTaker(): Promise<number> {
  const keyring = new Keyring();
  keyring.credentials = new Credentials(secretFor("shop"));
  const acceptor = new Acceptor<null>({
    wheel: new TimerWheel(),
    keyring,
    counts: { completed() {}, failed() {} },
    takesPlaintext: () => false,
    onConnection(transport) {
      if (!(transport instanceof TlsConnection)) throw new TypeError("TLS");
      expect(transport.protocol).toBe(HOP_PROTOCOL);
      const onStream = (stream: Transport) => {
        const seen = new Seen();
        seen.onData = (buf, start, end) => stream.write(buf.subarray(start, end));
        stream.sink = seen;
      };
      taken.push(new HopConnection(transport, { onStream, onClosed() {} }, context));
    },
  });
  const listener = new Listener((socket, server) => acceptor.accept(socket, server, null));
  closing.push(() => {
    listener.close();
    acceptor.closeAll();
    for (const hop of taken) hop.close();
  });
  return listener.listen({ host: "127.0.0.1", port: 0, reusePort: false });
}

interface Opened {
  readonly seen: Seen;
  /** What there is to close: first of the attempt, then of the connection. */
  transport: Transport;
  isConnected: boolean;
}

function connect(target: TlsTarget): Opened {
  const seen = new Seen();
  const opened: Opened = {
    seen,
    isConnected: false,
    transport: hops.connect(
      seen,
      target,
      () => false,
      (transport) => {
        opened.transport = transport;
        opened.isConnected = true;
        transport.write(Buffer.from("hello"));
      },
    ),
  };
  return opened;
}

it("those who ask while a connection is being made share it, and those who ask later", async () => {
  const target = targetAt(await startTaker(), "shop");
  const first = [connect(target), connect(target), connect(target)];
  await until(() => first.every((o) => o.seen.text === "hello"), "three answers");
  const later = connect({ ...target });
  expect(later.isConnected).toBe(false);
  await until(() => later.seen.text === "hello", "an answer");
  expect(counts).toEqual({ opened: 1, closed: 0, full: 1, failed: [] });
  expect([hops.size, taken.length, taken[0]?.size]).toEqual([1, 1, 4]);
  expect(target.protocol).toBe(HOP_PROTOCOL);
});

it("another workload at the same place is another connection, or none", async () => {
  const port = await startTaker();
  const right = connect(targetAt(port, "shop"));
  await until(() => right.seen.text === "hello", "an answer");
  const wrong = connect(targetAt(port, "stock"));
  await until(() => wrong.seen.closes.length === 1, "a refusal");
  expect([wrong.isConnected, wrong.seen.closes, counts.failed]).toEqual([
    false,
    ["EPEERREFUSED"],
    ["wrong_identity"],
  ]);
});

it("what is no sidecar gets a connection for each, at once and later", async () => {
  const stranger = await strangeServer(contextOf(leafFor("shop")), { ALPNProtocols: ["http/1.1"] });
  closing.push(() => void stranger.close());
  const target = targetAt(stranger.port, "shop");
  const first = [connect(target), connect(target), connect(target)];
  await until(() => first.every((o) => o.isConnected), "three connections");
  const later = [connect(target), connect(target)];
  await until(() => later.every((o) => o.isConnected), "five connections");
  expect([stranger.connections, target.protocol, hops.size, counts.opened]).toEqual([5, "http/1.1", 0, 0]);
  await until(() => stranger.received === "hello".repeat(5), "five words");
  for (const { transport } of [...first, ...later]) transport.close();
});

it("all who wait hear that there is no connection", async () => {
  const server = net.createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  closing.push(() => void server.close());
  await until(() => server.listening, "a port");
  const target = targetAt((server.address() as net.AddressInfo).port, "shop");
  const all = [connect(target), connect(target)];
  await until(() => all.every((o) => o.seen.closes.length === 1), "two failures");
  expect(all.map((o) => [o.isConnected, o.seen.closes])).toEqual(Array(2).fill([false, ["ETLSFAILED"]]));
});

it("a connection that nobody waits for any more is given up; one that takes 10 s fails (default)", async () => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => void sockets.push(socket.resume())).listen(0, "127.0.0.1");
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await until(() => server.listening, "a port");
  const target = targetAt((server.address() as net.AddressInfo).port, "shop");
  const [one, two] = [connect(target), connect(target)];
  await until(() => sockets.length === 1, "a connection");
  one.transport.close();
  await until(() => one.seen.closes.length === 1, "its close");
  expect([one.seen.closes, two.seen.closes, sockets[0]?.closed]).toEqual([[null], [], false]);
  two.transport.close();
  await until(() => sockets[0]?.closed === true, "the connection is closed");
  const three = connect(target);
  await until(() => sockets.length === 2, "another connection");
  now += 9_900;
  wheel.advance();
  expect(three.seen.closes).toEqual([]);
  now += 200;
  wheel.advance();
  expect(three.seen.closes).toEqual(["ETLSFAILED"]);
});

it("after an hour new streams get a new connection (default age 1 h, give or take a tenth)", async () => {
  const target = targetAt(await startTaker(), "shop");
  const old = connect(target);
  await until(() => old.seen.text === "hello", "an answer");
  // The keepalive's own timers see an answer in time.
  for (const end = now + MAX_AGE_MS; now < end; ) {
    old.transport.write(Buffer.from("x"));
    const before = old.seen.received.length;
    await until(() => old.seen.received.length > before, "an echo");
    now += 600_000;
    wheel.advance();
  }
  const fresh = connect(target);
  await until(() => fresh.seen.text === "hello", "an answer");
  expect([hops.size, counts.opened, old.transport.isOpen]).toEqual([2, 2, true]);
  old.transport.close();
  await until(() => hops.size === 1, "the old one is closed");
});
