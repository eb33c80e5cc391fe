import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Arrival, Schedule, seededRandom } from "./schedule.ts";

function times(count: number, rate: number, arrival: Arrival, seed = 1, start = 0): number[] {
  const schedule = new Schedule({ rate, arrival, seed, start });
  return Array.from({ length: count }, () => schedule.take());
}

describe("uniform arrivals", () => {
  it("are equally far apart from the start on", () => {
    expect(times(4, 100, "uniform", 1, 5)).toEqual([5, 15, 25, 35]);
  });

  it("do not drift: the millionth of 3 a second is where it belongs", () => {
    const schedule = new Schedule({ rate: 3, arrival: "uniform", seed: 1, start: 0 });
    for (let i = 0; i < 1_000_000; i++) schedule.take();
    expect(schedule.next).toBeCloseTo(1e9 / 3, 3);
  });

  it("hold as many requests as rate × seconds, from whatever whole millisecond they start", () => {
    const rate = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(rate, fc.integer({ min: 1, max: 3 }), fc.nat(1e9), (rate, seconds, start) => {
        const schedule = new Schedule({ rate, arrival: "uniform", seed: 1, start });
        const end = start + seconds * 1_000;
        expect(schedule.countBefore(end)).toBe(rate * seconds);
        for (let i = 0; i < rate * seconds; i++) schedule.take();
        expect(schedule.next).toBe(end);
      }),
      { numRuns: 50 },
    );
  });

  it("depend on the clock only for what is due, never for when", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 1e6, noNaN: true }),
        fc.array(fc.nat(50), { maxLength: 40 }),
        (rate, steps) => {
          const schedule = new Schedule({ rate, arrival: "uniform", seed: 1, start: 0 });
          const seen: number[] = [];
          let now = 0;
          for (const step of steps) {
            now += step;
            for (let burst = 0; burst < 500 && schedule.isDue(now); burst++) seen.push(schedule.take());
          }
          expect(seen).toEqual(times(seen.length, rate, "uniform"));
        },
      ),
    );
  });
});

describe("Poisson arrivals", () => {
  it("repeat with the seed and differ with another", () => {
    expect(times(50, 1_000, "poisson", 7)).toEqual(times(50, 1_000, "poisson", 7));
    expect(times(50, 1_000, "poisson", 7)).not.toEqual(times(50, 1_000, "poisson", 8));
  });

  it("have exponential gaps: mean 1/rate, standard deviation the same, 63 % under the mean", () => {
    const all = times(100_001, 1_000, "poisson", 42);
    const gaps = all.slice(1).map((time, i) => time - (all[i] ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    expect(mean).toBeGreaterThan(0.98);
    expect(mean).toBeLessThan(1.02);
    expect(deviation / mean).toBeGreaterThan(0.97);
    expect(deviation / mean).toBeLessThan(1.03);
    expect(gaps.filter((gap) => gap < mean).length / gaps.length).toBeCloseTo(1 - Math.exp(-1), 2);
  });

  it("never go backwards", () => {
    const all = times(10_000, 1e6, "poisson", 3);
    expect(all.every((time, i) => i === 0 || time >= (all[i - 1] ?? 0))).toBe(true);
  });
});

describe("countBefore", () => {
  it.each([
    { end: 0, count: 0 },
    { end: 10, count: 1 },
    { end: 10.1, count: 2 },
    { end: 100, count: 10 },
  ])("counts $count at 100/s before $end ms", ({ end, count }) => {
    expect(new Schedule({ rate: 100, arrival: "uniform", seed: 1, start: 0 }).countBefore(end)).toBe(count);
  });
});

it("seededRandom stays from 0 to below 1 and is even", () => {
  const random = seededRandom(99);
  const numbers = Array.from({ length: 100_000 }, random);
  expect(Math.min(...numbers.slice(0, 50_000))).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers.slice(0, 50_000))).toBeLessThan(1);
  expect(numbers.reduce((sum, n) => sum + n, 0) / numbers.length).toBeCloseTo(0.5, 2);
});
