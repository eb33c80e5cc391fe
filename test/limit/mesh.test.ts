/** Many sidecars keep one limit: in numbers, whatever the load and however it moves. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../harness/random.ts";
import { runs } from "../harness/runs.ts";
import { rulesOf, SimulatedMesh } from "./simulated-mesh.ts";

const WINDOW_MS = 10_000;
const DELAY_MS = 20;

/** A limit of `rate` a second, and replicas whose shares of the load are one over a power of their place. */
function skewed(count: number, skew: number, offset = 0): number[] {
  const weights = Array.from({ length: count }, (_, i) => (((i + offset) % count) + 1) ** -skew);
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

const phase = fc.record({
  ms: fc.integer({ min: 20, max: 50 }).map((tenths) => tenths * 100),
  /** Demand as a multiple of the limit. */
  load: fc.double({ min: 0, max: 4, noNaN: true }),
  skew: fc.double({ min: 0, max: 6, noNaN: true }),
  offset: fc.nat(19),
  event: fc.constantFrom("join", "leave", "none", "none"),
});

const scenario = fc.record({
  seed: fc.nat(),
  count: fc.integer({ min: 1, max: 20 }),
  rate: fc.integer({ min: 50, max: 1_500 }),
  burst: fc.constantFrom(1, 0.5, 0.1),
  phases: fc.array(phase, { minLength: 6, maxLength: 10 }),
});

describe("a limit of the whole mesh", () => {
  it("is kept within 10 % over any 10 s, with 1 to 20 sidecars, uneven and changing load", () => {
    fc.assert(
      fc.property(scenario, ({ seed, count, rate, burst: share, phases }) => {
        const burst = Math.max(1, Math.round(rate * share));
        const mesh = new SimulatedMesh(rulesOf({ requests: rate, burst }), seededRandom(seed), DELAY_MS);
        for (let i = 0; i < count; i++) mesh.join(count);
        for (const { ms, load, skew, offset, event } of phases) {
          const shares = skewed(mesh.replicas.length, skew, offset);
          mesh.run(
            ms,
            shares.map((part) => part * load * rate),
          );
          if (event === "join" && mesh.replicas.length < 20) mesh.join();
          if (event === "leave" && mesh.size > 1) mesh.leave(mesh.replicas.findIndex((one) => one !== null));
        }
        const limit = (rate * WINDOW_MS) / 1_000;
        for (const { passed, ideal, from } of mesh.windows(WINDOW_MS)) {
          expect(passed, `from ${from}`).toBeLessThanOrEqual((limit + burst) * 1.1);
          // One bucket would have let pass this, and of that what is within the limit.
          expect(passed, `from ${from}`).toBeGreaterThanOrEqual(Math.min(ideal, limit) - 0.1 * limit);
        }
      }),
      runs(40),
    );
  });

  it.each([0, 1, 3])("under steady load two times as high it is kept within 1 %%, skew %d", (skew) => {
    const mesh = new SimulatedMesh(rulesOf({ requests: 1_000, burst: 1_000 }), seededRandom(1), DELAY_MS);
    for (let i = 0; i < 20; i++) mesh.join(20);
    const rates = skewed(20, skew).map((part) => part * 2_000);
    mesh.run(5_000, rates);
    mesh.messages = 0;
    mesh.run(20_000, rates);
    for (const { passed, from } of mesh.windows(WINDOW_MS)) {
      if (from >= 5_000) expect(Math.abs(passed - 10_000)).toBeLessThan(100);
    }
    // Both ways together.
    expect(mesh.messages / 20 / 20).toBeLessThan(5);
  });

  it("says nothing while nothing comes", () => {
    const mesh = new SimulatedMesh(rulesOf(), seededRandom(1), DELAY_MS);
    for (let i = 0; i < 5; i++) mesh.join(5);
    mesh.run(5_000, []);
    mesh.messages = 0;
    mesh.run(10_000, []);
    expect(mesh.messages).toBe(0);
  });

  it("of an hour gives its burst to the one replica that all requests come to", () => {
    const rules = rulesOf({ requests: 3_600, perMs: 3_600_000, burst: 1_000 });
    const mesh = new SimulatedMesh(rules, seededRandom(1), DELAY_MS);
    for (let i = 0; i < 10; i++) mesh.join(10);
    mesh.run(2_000, []);
    mesh.run(10_000, [200]);
    const passed = mesh.passed.reduce((a, b) => a + b, 0);
    expect(passed).toBeGreaterThan(900);
    expect(passed).toBeLessThanOrEqual(1_012 + 10);
  });

  it("stays divided as it is while the control plane is away, and after it", () => {
    const rules = rulesOf({ requests: 500, burst: 100 });
    const mesh = new SimulatedMesh(rules, seededRandom(1), DELAY_MS);
    for (let i = 0; i < 4; i++) mesh.join(4);
    const rates = skewed(4, 1).map((part) => part * 1_000);
    mesh.run(10_000, rates);
    mesh.planeAway();
    mesh.run(20_000, rates);
    mesh.planeBack();
    mesh.run(15_000, rates);
    for (const { passed } of mesh.windows(WINDOW_MS)) {
      expect(passed).toBeLessThanOrEqual(5_100 * 1.05);
      expect(passed).toBeGreaterThan(4_500);
    }
  });

  it("is never none: a sidecar that was lent nothing yet has its part of it", () => {
    const mesh = new SimulatedMesh(rulesOf({ requests: 400, burst: 400 }), seededRandom(1), DELAY_MS);
    mesh.planeAway();
    for (let i = 0; i < 4; i++) mesh.join(4);
    mesh.run(10_000, [4_000, 0, 0, 0]);
    const passed = mesh.passed.reduce((a, b) => a + b, 0);
    expect(Math.abs(passed - 1_100)).toBeLessThan(5);
  });
});

describe("a limit of the whole mesh with keys", () => {
  const rules = rulesOf({ requests: 50, burst: 50, key: [{ kind: "header", name: "x-key" }] });

  it("is kept for each key, also one that all come with to one replica", () => {
    const mesh = new SimulatedMesh(rules, seededRandom(1), DELAY_MS);
    for (let i = 0; i < 5; i++) mesh.join(5);
    mesh.run(20_000, [500, 0, 0, 0, 0], () => "hot");
    const late = mesh.windows(WINDOW_MS).at(-1);
    expect(late?.passed).toBeGreaterThan(450);
    expect(late?.passed).toBeLessThanOrEqual(550);
  });

  it("is kept for ten keys at five replicas", () => {
    const mesh = new SimulatedMesh(rules, seededRandom(1), DELAY_MS);
    for (let i = 0; i < 5; i++) mesh.join(5);
    mesh.run(
      20_000,
      skewed(5, 2).map((part) => part * 2_000),
      (random) => `key-${Math.floor(random * 10)}`,
    );
    for (const { passed, from } of mesh.windows(WINDOW_MS)) {
      expect(passed).toBeLessThanOrEqual(5_500 * 1.05);
      if (from > 3_000) expect(passed).toBeGreaterThan(4_500);
    }
  });
});
