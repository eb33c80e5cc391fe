/** Streams of the hop: bytes, ends, credit and turns (docs/reference/hop-protocol.md). */
import { expect, it } from "vitest";
import { INITIAL_WINDOW, MAX_STREAMS } from "../../src/proxy/hop/frame.ts";
import { WIDE_WINDOW, WIDENING_BUDGET } from "../../src/proxy/hop/window.ts";
import { NOT_SEEN } from "../../src/proxy/net/transport.ts";
import { HopPair } from "./wire.ts";

const bytes = (count: number, fill = "x") => Buffer.alloc(count, fill);

it("what is written in one turn leaves in one write", async () => {
  const pair = new HopPair();
  for (let i = 0; i < 20; i++) pair.open().stream.write(bytes(100));
  expect(pair.near.writes).toBe(0);
  await pair.turn();
  expect(pair.near.writes).toBe(1);
  await pair.settle();
  expect(pair.accepted.map((a) => a.seen.received.length)).toEqual(Array(20).fill(100));
});

it("a stream carries bytes both ways and ends each way by itself", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  expect(stream.write(Buffer.from("question"))).toBe(true);
  stream.end();
  await pair.settle();
  const other = pair.at(0);
  expect([other.seen.text, other.seen.ends, other.stream.isOpen]).toEqual(["question", 1, true]);
  other.stream.write(Buffer.from("answer"));
  other.stream.end();
  await pair.settle();
  expect([seen.text, seen.ends, seen.closes]).toEqual(["answer", 1, [null]]);
  expect(other.seen.closes).toEqual([null]);
  expect([pair.client.size, pair.server.size]).toEqual([0, 0]);
});

it("an end waits for what was written before it", async () => {
  const pair = new HopPair();
  const { stream } = pair.open();
  expect(stream.write(bytes(INITIAL_WINDOW + 10))).toBe(false);
  stream.end();
  await pair.settle();
  expect(pair.at(0).seen.received.length).toBe(INITIAL_WINDOW + 10);
  expect(pair.at(0).seen.ends).toBe(1);
});

it("a sender stops at 65,536 bytes that nobody has read (default window), and the reader holds no more", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(bytes(1));
  await pair.settle();
  pair.at(0).stream.pause();
  expect(stream.write(bytes(INITIAL_WINDOW * 3))).toBe(false);
  await pair.settle();
  expect(pair.at(0).seen.received.length).toBe(1);
  expect(pair.at(0).stream.bytesRead).toBe(INITIAL_WINDOW);
  expect(stream.queuedBytes).toBe(INITIAL_WINDOW * 2 + 1);
  expect(seen.drains).toBe(0);
  pair.at(0).stream.resume();
  await pair.settle();
  expect(pair.at(0).seen.received.length).toBe(INITIAL_WINDOW * 3 + 1);
  expect([stream.queuedBytes, seen.drains]).toEqual([0, 1]);
});

it("a stalled stream stops no other", async () => {
  const pair = new HopPair();
  const slow = pair.open();
  slow.stream.write(bytes(1));
  await pair.settle();
  pair.at(0).stream.pause();
  slow.stream.write(bytes(1_000_000));
  const quick = pair.open();
  for (let i = 0; i < 50; i++) {
    quick.stream.write(bytes(20_000));
    await pair.settle();
  }
  expect(pair.at(1).seen.received.length).toBe(1_000_000);
});

it("streams share a full socket in turns", async () => {
  const pair = new HopPair();
  const streams = [pair.open(), pair.open(), pair.open(), pair.open()];
  for (const { stream } of streams) stream.write(bytes(1));
  await pair.settle();
  for (const { stream } of streams) stream.write(bytes(60_000));
  await pair.turn();
  // Two fill the write that is on its way and the next; the rest comes as room does, a frame of each in turn.
  while (pair.at(2).seen.received.length < 45_000) {
    pair.near.deliver(8_000);
    await pair.turn();
  }
  expect(pair.at(3).seen.received.length).toBeGreaterThan(16_000);
  await pair.settle();
  expect(pair.accepted.map((a) => a.seen.received.length)).toEqual(Array(4).fill(60_001));
});

it("a quick stream gets a window of up to 256 KiB, all together 8 MiB more than they began with", async () => {
  const pair = new HopPair();
  const { stream } = pair.open();
  for (let i = 0; i < 10; i++) {
    stream.write(bytes(300_000));
    await pair.settle();
  }
  pair.at(0).stream.pause();
  stream.write(bytes(1_000_000));
  await pair.settle();
  const held = pair.at(0).stream.bytesRead - pair.at(0).seen.received.length;
  expect(held).toBeGreaterThan(INITIAL_WINDOW);
  expect(held).toBeLessThanOrEqual(WIDE_WINDOW);
  expect(pair.budget.left).toBe(WIDENING_BUDGET - (WIDE_WINDOW - INITIAL_WINDOW));
  stream.close();
  await pair.settle();
  expect(pair.budget.left).toBe(WIDENING_BUDGET);
});

it("a stream that is given up ends alone", async () => {
  const pair = new HopPair();
  const given = pair.open();
  const kept = pair.open();
  given.stream.write(bytes(10));
  kept.stream.write(bytes(10));
  await pair.settle();
  given.stream.close();
  await pair.settle();
  expect(given.seen.closes).toEqual([null]);
  expect(pair.at(0).seen.closes).toEqual(["ECONNRESET"]);
  kept.stream.write(bytes(10));
  await pair.settle();
  expect(pair.at(1).seen.received.length).toBe(20);
  expect([pair.client.size, pair.server.size]).toEqual([1, 1]);
});

it("what came before a stream was given up is read before its end is told", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(bytes(1));
  await pair.settle();
  stream.pause();
  pair.at(0).stream.write(Buffer.from("the answer"));
  pair.at(0).stream.close();
  await pair.settle();
  expect([seen.text, seen.closes]).toEqual(["", []]);
  stream.resume();
  await pair.settle();
  expect([seen.text, seen.closes]).toEqual(["the answer", ["ECONNRESET"]]);
});

it("bytes for a stream that is over are ignored", async () => {
  const pair = new HopPair();
  const { stream } = pair.open();
  stream.write(bytes(10));
  await pair.settle();
  stream.write(bytes(10));
  await pair.turn();
  pair.at(0).stream.close();
  await pair.settle();
  expect([pair.client.isOpen, pair.server.isOpen]).toEqual([true, true]);
});

it("the 257th stream at once is refused, and none of the others (limit of streams: 256)", async () => {
  const pair = new HopPair();
  for (let i = 0; i < MAX_STREAMS; i++) pair.open().stream.write(bytes(1));
  expect(pair.client.hasRoom).toBe(false);
  const more = pair.open();
  more.stream.beginMessage();
  more.stream.write(bytes(1));
  await pair.settle();
  expect(more.seen.closes).toEqual([NOT_SEEN]);
  expect([pair.accepted.length, pair.server.size]).toEqual([MAX_STREAMS, MAX_STREAMS]);
});

it("a closed stream takes nothing and says nothing more", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(bytes(1));
  await pair.settle();
  pair.at(0).stream.write(bytes(5));
  stream.close();
  stream.close();
  stream.end();
  expect(stream.write(bytes(1))).toBe(true);
  await pair.settle();
  expect([seen.received.length, seen.ends, seen.closes]).toEqual([0, 0, [null]]);
});

it("a close within a read stops the read", async () => {
  const pair = new HopPair();
  const { stream, seen } = pair.open();
  stream.write(bytes(1));
  await pair.settle();
  stream.pause();
  pair.at(0).stream.write(bytes(20_000));
  await pair.settle();
  seen.onData = (buf, start, end) => {
    seen.received = Buffer.from(buf.subarray(start, end));
    stream.close();
  };
  stream.resume();
  await pair.settle();
  expect(seen.closes).toEqual([null]);
  expect(pair.client.size).toBe(0);
});
