/**
 * Any sequence of what users of streams, sockets and the event loop may do, against a model: every byte arrives once and in
 * order, no reader gets more than it was ready for, each stream is closed once, and nothing is left at the end.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { HopStream } from "../../src/proxy/hop/stream.ts";
import { WIDENING_BUDGET } from "../../src/proxy/hop/window.ts";
import { HopPair, type Seen } from "./wire.ts";

type Step =
  | { readonly kind: "open" }
  | { readonly kind: "write"; readonly side: number; readonly stream: number; readonly count: number }
  | { readonly kind: "end" | "pause" | "resume" | "close"; readonly side: number; readonly stream: number }
  | { readonly kind: "deliver"; readonly side: number; readonly count: number }
  | { readonly kind: "turn" };

const side = fc.integer({ min: 0, max: 1 });
const stream = fc.integer({ min: 0, max: 5 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<Step>({ kind: "open" }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      side,
      stream,
      count: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 100_000 })),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("end" as const, "pause" as const, "resume" as const, "resume" as const),
      side,
      stream,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("close" as const), side, stream }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("deliver" as const),
      side,
      count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 200_000 })),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: "turn" }) },
);

/** One end of one stream, and what it has written so far. */
interface End {
  readonly stream: HopStream;
  readonly seen: Seen;
  written: number;
  hasEnded: boolean;
  gaveUp: boolean;
}

/** The byte at a place of what an end writes: a wrong order or a gap shows. */
const patternOf = (from: number, count: number) =>
  Buffer.from(Array.from({ length: count }, (_, i) => (from + i) * 7 + ((from + i) >> 8)));

async function run(steps: readonly Step[]): Promise<void> {
  const pair = new HopPair();
  const near: End[] = [];
  const far: End[] = [];
  const both = [near, far] as const;
  const wires = [pair.near, pair.far] as const;
  const adopt = () => {
    for (const { stream, seen } of pair.accepted.slice(far.length))
      far.push({ stream, seen, written: 0, hasEnded: false, gaveUp: false });
  };
  for (const s of steps) {
    if (s.kind === "open") near.push({ ...pair.open(), written: 0, hasEnded: false, gaveUp: false });
    else if (s.kind === "turn") await pair.turn();
    else if (s.kind === "deliver") wires[s.side]?.deliver(s.count);
    else {
      const end = both[s.side]?.[s.stream];
      if (end === undefined) continue;
      if (s.kind === "write") {
        if (end.hasEnded || !end.stream.isOpen) continue;
        end.stream.write(patternOf(end.written, s.count));
        end.written += s.count;
      } else if (s.kind === "end") {
        end.hasEnded = true;
        end.stream.end();
      } else if (s.kind === "close") {
        end.gaveUp = true;
        end.stream.close();
      } else if (s.kind === "pause") end.stream.pause();
      else end.stream.resume();
    }
    adopt();
  }
  for (const end of [...near, ...far]) end.stream.resume();
  await pair.settle();
  adopt();
  for (const end of [...near, ...far]) {
    end.stream.resume();
    end.hasEnded = true;
    end.stream.end();
  }
  await pair.settle();
  adopt();
  for (const end of far) end.stream.end();
  await pair.settle();
  for (const [i, mine] of near.entries()) {
    const other = far.find(({ stream }) => stream.id === mine.stream.id);
    check(mine, other);
    if (other !== undefined) check(other, mine);
    else expect(mine.written === 0 || mine.gaveUp, `stream ${i} never arrived`).toBe(true);
  }
  expect([pair.client.isOpen, pair.server.isOpen]).toEqual([true, true]);
  expect([pair.client.size, pair.server.size]).toEqual([0, 0]);
  expect(pair.budget.left).toBe(WIDENING_BUDGET);
}

/** What `reader` has seen of `writer`. */
function check(reader: End, writer: End | undefined): void {
  const { received, closes, ends } = reader.seen;
  expect(received.equals(patternOf(0, received.length))).toBe(true);
  expect(closes.length).toBe(1);
  if (writer === undefined || writer.gaveUp || reader.gaveUp) return;
  expect([received.length, ends]).toEqual([writer.written, 1]);
}

it("streams keep what they promise", { timeout: 60_000 }, async () => {
  const steps = fc.array(step, { minLength: 5, maxLength: 80 });
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 400 });
});
