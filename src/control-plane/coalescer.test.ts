import { beforeEach, expect, it } from "vitest";
import { Coalescer } from "./coalescer.ts";

let now = 0;
let due: { at: number; fire: () => void } | undefined;
let reactions: { at: number; since: number }[] = [];

const clock = {
  now: () => now,
  after: (ms: number, fire: () => void) => {
    const timer = { at: now + ms, fire };
    due = timer;
    return () => {
      if (due === timer) due = undefined;
    };
  },
};

function advanceTo(time: number): void {
  while (due !== undefined && due.at <= time) {
    const { at, fire } = due;
    due = undefined;
    now = at;
    fire();
  }
  now = time;
}

let coalescer: Coalescer;
beforeEach(() => {
  now = 0;
  due = undefined;
  reactions = [];
  coalescer = new Coalescer((since) => reactions.push({ at: now, since }), clock);
});

it("reacts 10 ms after a change", () => {
  now = 5;
  coalescer.touch();
  advanceTo(14);
  expect(reactions).toEqual([]);
  advanceTo(1_000);
  expect(reactions).toEqual([{ at: 15, since: 5 }]);
});

it("reacts once to a burst, 10 ms after its end", () => {
  for (const at of [0, 3, 9, 18]) {
    advanceTo(at);
    coalescer.touch();
  }
  advanceTo(1_000);
  expect(reactions).toEqual([{ at: 28, since: 0 }]);
});

it("reacts every 100 ms to changes without an end", () => {
  for (let at = 0; at < 250; at += 5) {
    advanceTo(at);
    coalescer.touch();
  }
  advanceTo(1_000);
  expect(reactions).toEqual([
    { at: 100, since: 0 },
    { at: 200, since: 100 },
    { at: 255, since: 200 },
  ]);
});

it("does not react after it was closed", () => {
  coalescer.touch();
  coalescer.close();
  advanceTo(1_000);
  expect(reactions).toEqual([]);
});

it("looks later at what is about to change, and at once when it does", () => {
  coalescer.touch(100);
  advanceTo(1_000);
  coalescer.touch(100);
  advanceTo(1_020);
  coalescer.touch();
  advanceTo(2_000);
  expect(reactions).toEqual([
    { at: 100, since: 0 },
    { at: 1_030, since: 1_000 },
  ]);
});
