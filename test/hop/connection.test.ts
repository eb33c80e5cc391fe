/** The life of a hop: retirement, keepalive, loss, and what breaks the protocol (docs/reference/hop-protocol.md). */
import { expect, it } from "vitest";
import {
  CREDIT,
  DATA,
  END,
  GOAWAY,
  INITIAL_WINDOW,
  MAX_PAYLOAD,
  PING,
  PONG,
  putHeader,
  RESET,
} from "../../src/proxy/hop/frame.ts";
import { KEEPALIVE_MS, KEEPALIVE_TIMEOUT_MS } from "../../src/proxy/hop/lifetime.ts";
import { NOT_SEEN } from "../../src/proxy/net/transport.ts";
import { HopPair } from "./wire.ts";

function frame(type: number, stream: number, payload: string | Buffer = "", flags = 0): Buffer {
  const body = Buffer.from(payload as string, "latin1");
  const head = Buffer.alloc(8);
  putHeader(head, 0, body.length, type, flags, stream);
  return Buffer.concat([head, body]);
}

const number = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const EIGHT = Buffer.alloc(8);

/** What the last frame of the server, a GOAWAY, gives as its reason. */
function lastGoaway(pair: HopPair): number {
  const bytes = pair.far.outgoing.subarray(-12);
  expect([...bytes.subarray(0, 8)]).toEqual([0, 4, GOAWAY, 0, 0, 0, 0, 0]);
  return bytes.readUInt32BE(8);
}

function sendToServer(pair: HopPair, ...frames: readonly Buffer[]): void {
  const bytes = Buffer.concat(frames);
  pair.server.onData(bytes, 0, bytes.length);
}

it("the side that takes streams asks for no more; what is open goes on, then both close", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(Buffer.from("question"));
  await pair.settle();
  pair.server.retire();
  await pair.settle();
  expect([pair.client.hasRoom, pair.client.isOpen, stream.expiresAt]).toEqual([false, true, 0]);
  pair.at(0).stream.write(Buffer.from("answer"));
  await pair.settle();
  expect(seen.text).toBe("answer");
  stream.close();
  await pair.settle();
  expect(pair.closed.toSorted()).toEqual(["client", "server"]);
  expect([pair.near.isOpen, pair.far.isOpen]).toEqual([false, false]);
});

it("a stream that was opened before the request to open no more arrived is served", async () => {
  const pair = new HopPair();
  pair.server.retire();
  const { stream, seen } = pair.open();
  stream.write(Buffer.from("question"));
  await pair.settle();
  pair.at(0).stream.write(Buffer.from("answer"));
  await pair.settle();
  expect(seen.text).toBe("answer");
});

it("the side that opens streams retires a connection by its age", async () => {
  const pair = new HopPair(60_000);
  const { stream } = pair.open();
  stream.write(Buffer.from("x"));
  for (let i = 0; i < 6; i++) {
    expect(pair.client.isRetired).toBe(false);
    pair.pass(10_000);
    await pair.settle();
  }
  pair.pass(20);
  expect(pair.client.isRetired).toBe(true);
  expect(pair.client.isOpen).toBe(true);
  stream.close();
  await pair.settle();
  expect(pair.closed.toSorted()).toEqual(["client", "server"]);
});

it("a connection without streams is closed after 30 s to 60 s", async () => {
  const pair = new HopPair();
  const { stream } = pair.open();
  stream.write(Buffer.from("x"));
  await pair.settle();
  stream.close();
  await pair.settle();
  for (let i = 0; i < 7; i++) {
    pair.pass(10_000);
    await pair.settle();
  }
  expect(pair.closed.toSorted()).toEqual(["client", "server"]);
});

it("silence of 30 s is asked about, and an answer keeps the connection (default keepalive)", async () => {
  const pair = new HopPair();
  pair.open().stream.write(Buffer.from("x"));
  await pair.settle();
  for (let i = 0; i < 20; i++) {
    pair.pass(KEEPALIVE_MS + 20);
    await pair.settle();
  }
  expect([pair.client.isOpen, pair.server.isOpen]).toEqual([true, true]);
});

it("a peer that does not answer for 10 s is gone (default keepalive timeout)", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(Buffer.from("x"));
  await pair.settle();
  stream.beginMessage();
  stream.write(Buffer.from("lost"));
  await pair.turn();
  pair.pass(KEEPALIVE_MS + 20);
  await pair.turn();
  expect(pair.client.isOpen).toBe(true);
  pair.pass(KEEPALIVE_TIMEOUT_MS + 20);
  await pair.turn();
  expect([pair.client.isOpen, seen.closes]).toEqual([false, ["EPROTO"]]);
});

it("a lost connection fails its streams, and tells which requests never left", async () => {
  const pair = new HopPair();
  const [sent, unsent, silent] = [pair.open(), pair.open(), pair.open()];
  for (const { stream } of [sent, unsent, silent]) {
    stream.beginMessage();
    stream.write(Buffer.from("first"));
  }
  await pair.settle();
  sent.stream.beginMessage();
  sent.stream.write(Buffer.from("second"));
  await pair.turn();
  unsent.stream.beginMessage();
  unsent.stream.write(Buffer.from("second"));
  pair.near.cut();
  await pair.turn();
  expect(sent.seen.closes).toEqual(["ECONNRESET"]);
  expect(unsent.seen.closes).toEqual([NOT_SEEN]);
  expect(silent.seen.closes).toEqual(["ECONNRESET"]);
  expect(pair.closed.toSorted()).toEqual(["client", "server"]);
});

it("a peer that gives a stream up says how much of it it has seen", async () => {
  const pair = new HopPair();
  const [crossing, seenOne] = [pair.open(), pair.open()];
  for (const { stream } of [crossing, seenOne]) {
    stream.beginMessage();
    stream.write(Buffer.from("first"));
  }
  await pair.settle();
  pair.at(0).stream.close();
  // On its way while the peer gives up.
  crossing.stream.beginMessage();
  crossing.stream.write(Buffer.from("second"));
  seenOne.stream.beginMessage();
  seenOne.stream.write(Buffer.from("second"));
  await pair.turn();
  pair.near.deliver();
  pair.at(1).stream.close();
  await pair.settle();
  expect(crossing.seen.closes).toEqual([NOT_SEEN]);
  expect(seenOne.seen.closes).toEqual(["ECONNRESET"]);
});

it.each<[string, number, readonly Buffer[]]>([
  ["a payload over 16,384 bytes", 1, [frame(DATA, 1, Buffer.alloc(MAX_PAYLOAD + 1))]],
  ["an empty frame of data", 1, [frame(DATA, 1)]],
  ["an unknown flag", 1, [frame(DATA, 1, "x", 2)]],
  ["data of no stream", 1, [frame(DATA, 0, "x")]],
  ["an unknown type", 1, [frame(6, 1, EIGHT), EIGHT]],
  ["a reset of the wrong size", 1, [frame(RESET, 1, "1234"), EIGHT]],
  ["a reset of no stream", 1, [frame(RESET, 0, EIGHT)]],
  ["a reset of a stream that never was", 1, [frame(RESET, 1, EIGHT)]],
  ["credit for a stream that never was", 1, [frame(CREDIT, 9, number(1)), EIGHT]],
  ["a ping of a stream", 1, [frame(PING, 1, EIGHT)]],
  ["a flag on a ping", 1, [frame(PING, 0, EIGHT, END)]],
  ["a second end", 1, [frame(DATA, 1, "x", END), frame(DATA, 1, "", END)]],
  [
    "a stream after the promise to open none",
    1,
    [frame(DATA, 1, "x"), frame(GOAWAY, 0, number(0)), frame(DATA, 2, "x"), EIGHT],
  ],
  ["data after the end", 2, [frame(DATA, 1, "x", END), frame(DATA, 1, "x")]],
  ["credit of nothing", 2, [frame(DATA, 1, "x"), frame(CREDIT, 1, number(0)), EIGHT]],
  ["more credit than 2^31 - 1", 2, [frame(DATA, 1, "x"), frame(CREDIT, 1, number(0x7fff_ffff)), EIGHT]],
])("%s ends the connection (GOAWAY %i), and nothing else", async (_what, code, frames) => {
  const pair = new HopPair();
  sendToServer(pair, ...frames);
  expect(lastGoaway(pair)).toBe(code);
  expect(pair.server.isOpen).toBe(false);
  await pair.turn();
  for (const { seen } of pair.accepted) expect(seen.closes).toEqual(["EPROTO"]);
});

it("more data than was allowed ends the connection", () => {
  const pair = new HopPair();
  sendToServer(pair, frame(DATA, 1, "x"));
  pair.at(0).stream.pause();
  const full = frame(DATA, 1, Buffer.alloc(MAX_PAYLOAD));
  sendToServer(pair, full, full, full);
  expect(pair.server.isOpen).toBe(true);
  sendToServer(pair, full);
  expect(lastGoaway(pair)).toBe(2);
  expect(pair.at(0).stream.bytesRead).toBeLessThanOrEqual(INITIAL_WINDOW);
});

it.each<[string, () => Buffer]>([
  ["pings", () => frame(PING, 0, EIGHT)],
  ["answers to no ping", () => frame(PONG, 0, EIGHT)],
  ["requests to open no more", () => frame(GOAWAY, 0, number(0))],
  ["resets of one stream", () => frame(RESET, 1, EIGHT)],
])("a flood of %s ends the connection", async (_what, flood) => {
  const pair = new HopPair();
  sendToServer(pair, frame(DATA, 1, "x"));
  for (let i = 0; i < 2_000 && pair.server.isOpen; i++) sendToServer(pair, flood());
  expect(pair.server.isOpen).toBe(false);
  expect(lastGoaway(pair)).toBe(3);
});

it("a flood of streams that end at once, without data, ends the connection", () => {
  const pair = new HopPair();
  for (let id = 1; id < 3_000 && pair.server.isOpen; id++) sendToServer(pair, frame(DATA, id, "", END));
  expect(pair.server.isOpen).toBe(false);
});

it("a peer that makes answers due and does not read them is closed, and holds little memory", async () => {
  const pair = new HopPair();
  let id = 0;
  while (pair.server.isOpen && id < 1_000_000) {
    // Each stream that is refused or given up makes an answer due.
    const frames: Buffer[] = [];
    for (let i = 0; i < 1_000; i++) frames.push(frame(DATA, ++id, "x"));
    sendToServer(pair, ...frames);
    for (const { stream } of pair.accepted.splice(0)) stream.close();
    await pair.turn();
  }
  expect(pair.server.isOpen).toBe(false);
  expect(pair.far.outgoing.length).toBeLessThan(2_000_000);
});

it("a GOAWAY with a reason ends the connection", async () => {
  const pair = new HopPair();
  pair.open().stream.write(Buffer.from("x"));
  await pair.settle();
  sendToServer(pair, frame(GOAWAY, 0, number(1)));
  expect(pair.server.isOpen).toBe(false);
  await pair.settle();
  expect(pair.closed.toSorted()).toEqual(["client", "server"]);
});
