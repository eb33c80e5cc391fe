import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { Pool, type PooledConnection } from "./pool.ts";

const IDLE_MS = 60_000;

/** A connection as the pool sees it: open until abandoned or closed by its upstream. */
class Probe implements PooledConnection {
  requests = 0;
  retireAt = 0;
  isUsable = true;
  idleSince = 0;
  promisedIdleMs = 0;
  isAbandoned = false;
  isPooled = false;
  abandon(): void {
    this.isUsable = false;
    this.isAbandoned = true;
    this.isPooled = false;
  }
}

class Model {
  now = 0;
  readonly pool = new Pool<Probe>();
  readonly all: Probe[] = [];
  readonly busy: Probe[] = [];
  get pooled(): Probe[] {
    return this.all.filter((probe) => probe.isPooled);
  }
}

type Real = Record<string, never>;
type Command = fc.Command<Model, Real>;

function command(name: string, run: (model: Model) => void): Command {
  return {
    check: () => true,
    run: (model) => {
      run(model);
      expect(model.pool.size).toBe(model.pooled.length);
      for (const probe of model.busy) expect(probe.isPooled).toBe(false);
    },
    toString: () => name,
  };
}

const take = command("take", (model) => {
  const before = model.pooled;
  const taken = model.pool.take(model.now);
  if (taken !== undefined) {
    expect(before).toContain(taken);
    expect(model.busy).not.toContain(taken);
    expect(taken.isUsable).toBe(true);
    if (taken.promisedIdleMs > 0)
      expect(model.now - taken.idleSince).toBeLessThan(Math.max(1, taken.promisedIdleMs - 1_000));
    taken.isPooled = false;
    model.busy.push(taken);
    return;
  }
  // Nothing was handed out: whatever lay there was dead, or too old, and is closed now.
  for (const probe of before) expect(probe.isAbandoned).toBe(true);
  const fresh = new Probe();
  model.all.push(fresh);
  model.busy.push(fresh);
});

const give = (promisedIdleMs: number) =>
  command(`give ${promisedIdleMs}`, (model) => {
    const probe = model.busy.shift();
    if (probe === undefined) return;
    probe.promisedIdleMs = promisedIdleMs;
    probe.isPooled = true;
    model.pool.put(probe, model.now);
    expect(probe.idleSince).toBe(model.now);
  });

/** The upstream closes: known at once through `remove`, or only by its state when the end is yet to be read. */
const close = (index: number, isKnown: boolean) =>
  command(`close ${index} ${isKnown}`, (model) => {
    const probe = model.pooled[index % Math.max(1, model.pooled.length)];
    if (probe === undefined) return;
    probe.isUsable = false;
    if (!isKnown) return;
    probe.isPooled = false;
    model.pool.remove(probe);
  });

const wait = (ms: number) =>
  command(`wait ${ms}`, (model) => {
    model.now += ms;
  });

const sweep = command("sweep", (model) => {
  const remains = model.pool.sweep(model.now, IDLE_MS);
  expect(remains).toBe(model.pooled.length > 0);
  for (const probe of model.pooled) expect(model.now - probe.idleSince).toBeLessThan(IDLE_MS);
});

const clear = command("clear", (model) => {
  const before = model.pooled;
  model.pool.clear();
  for (const probe of before) expect(probe.isAbandoned).toBe(true);
});

describe("pool", () => {
  it("never hands out what is closed, busy or expired, and its size adds up", () => {
    const commands = fc.commands(
      [
        fc.constant(take),
        fc.constantFrom(0, 0, 500, 1_500, 5_000).map(give),
        fc.tuple(fc.nat(20), fc.boolean()).map(([index, isKnown]) => close(index, isKnown)),
        fc.constantFrom(0, 1, 500, 1_000, 4_000, 30_000).map(wait),
        fc.constant(sweep),
        fc.constant(clear),
      ],
      { maxCommands: 60 },
    );
    fc.assert(
      fc.property(commands, (commands) => fc.modelRun(() => ({ model: new Model(), real: {} }), commands)),
      runs(500),
    );
  });

  it("hands out the latest first, so that the others age", () => {
    const pool = new Pool<Probe>();
    const [first, second] = [new Probe(), new Probe()];
    pool.put(first, 0);
    pool.put(second, 10);
    expect(pool.take(20)).toBe(second);
    expect(pool.take(20)).toBe(first);
    expect(pool.take(20)).toBeUndefined();
  });

  it.each([
    ["no promise: any age", 0, 3_599_999, true],
    ["a second before the upstream's promise ends", 5_000, 3_999, true],
    ["within that second", 5_000, 4_000, false],
    ["a promise of one second is none to rely on", 1_000, 0, false],
  ])("%s", (_name, promised, age, isTaken) => {
    const pool = new Pool<Probe>();
    const probe = new Probe();
    probe.promisedIdleMs = promised;
    pool.put(probe, 100);
    expect(pool.take(100 + age)).toBe(isTaken ? probe : undefined);
    expect(probe.isAbandoned).toBe(!isTaken);
  });
});
