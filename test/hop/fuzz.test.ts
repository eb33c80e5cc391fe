/** What a peer may send, right and wrong, cut anywhere: read the same, and never an exception. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { END, putHeader } from "../../src/proxy/hop/frame.ts";
import { type FrameHandler, FrameReader } from "../../src/proxy/hop/frame-reader.ts";
import { seededRandom } from "../harness/random.ts";
import { HopPair } from "./wire.ts";

interface Read {
  readonly events: string[];
  readonly fault: string | null;
}

/** The events of these bytes, read in pieces that end at `cuts`; pieces of data are joined. */
function read(bytes: Buffer, cuts: readonly number[]): Read {
  const events: string[] = [];
  const handler: FrameHandler = {
    onStreamData: (stream, buf, start, end) => {
      const text = buf.toString("hex", start, end);
      const last = events.at(-1);
      if (last?.startsWith(`data ${stream} `)) events[events.length - 1] = last + text;
      else events.push(`data ${stream} ${text}`);
    },
    onStreamEnd: (stream) => events.push(`end ${stream}`),
    onStreamReset: (stream, code, received) => events.push(`reset ${stream} ${code} ${received}`),
    onCredit: (stream, count) => events.push(`credit ${stream} ${count}`),
    onGoaway: (code) => events.push(`goaway ${code}`),
    onPing: (first, second) => events.push(`ping ${first} ${second}`),
    onPong: () => events.push("pong"),
  };
  const reader = new FrameReader(handler);
  let at = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = Buffer.from(bytes.subarray(at, cut));
    at = cut;
    const fault = reader.read(piece, 0, piece.length);
    if (fault !== null) return { events, fault };
  }
  return { events, fault: null };
}

const frame = fc
  .record({
    type: fc.integer({ min: 0, max: 6 }),
    stream: fc.oneof(fc.integer({ min: 0, max: 4 }), fc.nat()),
    flags: fc.constantFrom(0, 0, 0, END, 2),
    length: fc.constantFrom(0, 1, 4, 4, 8, 8, 8, 30),
  })
  .map(({ type, stream, flags, length }) => {
    const bytes = Buffer.alloc(8 + length, stream & 0xff);
    putHeader(bytes, 0, length, type, flags, stream);
    return bytes;
  });
const wire = fc.array(frame, { maxLength: 12 }).map((frames) => Buffer.concat(frames));

it("frames read the same wherever reads cut them", () => {
  fc.assert(
    fc.property(wire, (bytes) => {
      const whole = read(bytes, []);
      for (let cut = 1; cut < bytes.length; cut++) expect(read(bytes, [cut])).toEqual(whole);
      const everywhere = Array.from({ length: bytes.length }, (_, i) => i);
      expect(read(bytes, everywhere)).toEqual(whole);
    }),
    { numRuns: 300 },
  );
});

it("any bytes at all are read, or refused with a reason", () => {
  const any = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(any, (bytes) => {
      const { fault } = read(Buffer.from(bytes), []);
      expect([null, "protocol"]).toContain(fault);
    }),
    { numRuns: 2_000 },
  );
});

/** A conversation that two sides have; `damage` may change what one of them reads. */
async function converse(random: () => number, damage: (bytes: Buffer) => Buffer): Promise<HopPair> {
  const pair = new HopPair();
  const ends = [pair.near, pair.far];
  for (let round = 0; round < 12; round++) {
    if (random() < 0.6 && pair.client.hasRoom)
      pair.open().stream.write(Buffer.alloc(1 + Math.floor(random() * 40_000), round));
    for (const { stream } of pair.accepted) {
      const choice = random();
      if (choice < 0.3) stream.write(Buffer.alloc(1 + Math.floor(random() * 40_000), round));
      else if (choice < 0.4) stream.end();
      else if (choice < 0.5) stream.close();
      else if (choice < 0.6) stream.pause();
      else if (choice < 0.8) stream.resume();
    }
    await pair.turn();
    for (const end of ends) {
      end.outgoing = damage(end.outgoing);
      end.deliver(Math.floor(random() * 90_000));
    }
  }
  await pair.settle();
  return pair;
}

it.each(["client", "server"] as const)("damage to what the %s reads ends the hop at most", async (side) => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = seededRandom(seed);
    let isNear = false;
    const pair = await converse(random, (bytes) => {
      isNear = !isNear;
      const isMine = isNear === (side === "server");
      if (!isMine || bytes.length === 0 || random() < 0.7) return bytes;
      const copy = Buffer.from(bytes);
      copy[Math.floor(random() * copy.length)] = Math.floor(random() * 256);
      return copy;
    });
    // Either side may have given up; where one has, so has the other, and every stream has heard of it.
    expect(pair.client.isOpen).toBe(pair.server.isOpen);
    if (pair.client.isOpen) continue;
    expect([pair.client.size, pair.server.size]).toEqual([0, 0]);
    for (const { stream } of pair.accepted) stream.resume();
    await pair.settle();
    for (const { seen } of pair.accepted) expect(seen.closes.length).toBe(1);
  }
});
