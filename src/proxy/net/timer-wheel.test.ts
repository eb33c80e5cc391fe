import fc from "fast-check";
import { expect, it } from "vitest";
import { SLOT_MS, Timed, TimerWheel } from "./timer-wheel.ts";

class Probe extends Timed {
  firedAt = -1;
  override onDeadline(now: number): void {
    this.firedAt = now;
  }
}

function wheelAt(start: number): { wheel: TimerWheel; at: (ms: number) => void } {
  let now = start;
  const wheel = new TimerWheel(() => now);
  return {
    wheel,
    at: (ms) => {
      now = ms;
      wheel.advance();
    },
  };
}

it("fires in the slot after the deadline, not before", () => {
  const { wheel, at } = wheelAt(5);
  const probe = new Probe();
  wheel.set(probe, 104);
  at(100);
  expect(probe.firedAt).toBe(-1);
  at(110);
  expect(probe.firedAt).toBe(110);
});

it("a deadline moved later fires at the later time only", () => {
  const { wheel, at } = wheelAt(0);
  const probe = new Probe();
  wheel.set(probe, 50);
  wheel.set(probe, 500);
  at(60);
  expect(probe.firedAt).toBe(-1);
  at(510);
  expect(probe.firedAt).toBe(510);
});

it("a deadline moved earlier fires at the earlier time", () => {
  const { wheel, at } = wheelAt(0);
  const probe = new Probe();
  wheel.set(probe, 300_000);
  wheel.set(probe, 50);
  at(60);
  expect(probe.firedAt).toBe(60);
});

it("cleared and removed entries do not fire", () => {
  const { wheel, at } = wheelAt(0);
  const cleared = new Probe();
  const removed = new Probe();
  wheel.set(cleared, 50);
  wheel.set(removed, 50);
  wheel.clear(cleared);
  wheel.remove(removed);
  at(100);
  expect([cleared.firedAt, removed.firedAt]).toEqual([-1, -1]);
});

it("reaches deadlines beyond the wheel's span", () => {
  const { wheel, at } = wheelAt(0);
  const probe = new Probe();
  wheel.set(probe, 3_600_000);
  for (let ms = 0; ms < 3_600_000; ms += 9_000) at(ms);
  expect(probe.firedAt).toBe(-1);
  at(3_600_010);
  expect(probe.firedAt).toBe(3_600_010);
});

it("after a stall of more than a round, deadlines are kept to the slot again", () => {
  const { wheel, at } = wheelAt(0);
  const probe = new Probe();
  wheel.set(probe, 300_000);
  at(299_900);
  expect(probe.firedAt).toBe(-1);
  at(300_000);
  expect(probe.firedAt).toBe(300_000);
});

it("what is set while others fire keeps its own time, however far the clock has jumped", () => {
  const { wheel, at } = wheelAt(0);
  const late = new Probe();
  class Setter extends Timed {
    override onDeadline(now: number): void {
      wheel.set(late, now + 50);
    }
  }
  wheel.set(new Setter(), 100);
  at(60_000);
  expect(late.firedAt).toBe(-1);
  at(60_050);
  expect(late.firedAt).toBe(60_050);
});

it("entries that set, clear and remove each other while they fire: each fires when it was last told, and no other time", () => {
  const action = fc.record({
    on: fc.nat(5),
    kind: fc.constantFrom("set", "set", "clear", "remove"),
    ms: fc.constantFrom(1, 5, 12, 95, 400, 10_300, 25_000),
  });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(action, fc.array(action, { maxLength: 3 })), { minLength: 1, maxLength: 12 }),
      fc.array(fc.constantFrom(3, 10, 90, 1_000, 12_000), { minLength: 1, maxLength: 20 }),
      (script, steps) => {
        let now = 0;
        const wheel = new TimerWheel(() => now);
        /** What each entry is due at; 0: never. */
        const due = new Array<number>(6).fill(0);
        const reactions = script.map(([, list]) => list);
        class Actor extends Timed {
          readonly index: number;
          constructor(index: number) {
            super();
            this.index = index;
          }
          override onDeadline(at: number): void {
            expect(due[this.index]).toBeGreaterThan(0);
            expect(due[this.index]).toBeLessThanOrEqual(at);
            due[this.index] = 0;
            for (const one of reactions.shift() ?? []) act(one);
          }
        }
        const actors = due.map((_, index) => new Actor(index));
        const act = ({ on, kind, ms }: { on: number; kind: string; ms: number }) => {
          const actor = actors[on];
          if (actor === undefined) return;
          due[on] = kind === "set" ? now + ms : 0;
          if (kind === "set") wheel.set(actor, now + ms);
          else if (kind === "clear") wheel.clear(actor);
          else wheel.remove(actor);
        };
        for (const [first] of script) act(first);
        for (const step of steps) {
          now += step;
          wheel.advance();
          // Nothing is more than a slot late.
          for (const at of due) if (at > 0) expect(at).toBeGreaterThan(now - 2 * SLOT_MS);
        }
      },
    ),
    { seed: 3, numRuns: 1_000 },
  );
});

it("every entry fires once, within a slot of its deadline, whatever the steps", () => {
  const deadline = fc.integer({ min: 1, max: 40_000 });
  fc.assert(
    fc.property(
      fc.array(deadline, { maxLength: 30 }),
      fc.array(fc.integer({ min: 1, max: 900 })),
      (deadlines, steps) => {
        const { wheel, at } = wheelAt(0);
        const probes = deadlines.map((ms) => {
          const probe = new Probe();
          wheel.set(probe, ms);
          return probe;
        });
        let now = 0;
        const visited: number[] = [];
        for (const step of [...steps, ...new Array<number>(100).fill(450)]) {
          now += step;
          visited.push(now);
          at(now);
        }
        for (const [i, probe] of probes.entries()) {
          const due = deadlines[i] ?? 0;
          const first = visited.find((ms) => Math.floor(ms / SLOT_MS) >= Math.ceil(due / SLOT_MS));
          expect(probe.firedAt).toBe(first);
        }
      },
    ),
    { seed: 2, numRuns: 100 },
  );
});
