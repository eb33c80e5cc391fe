import { beforeEach, describe, expect, it } from "vitest";
import { LeaseBook } from "./lease-book.ts";
import { SETTLE_MS } from "./lease-pot.ts";
import { type Lease, type LimitDemand, MAX_LEASED_KEYS, type RateLimitRules } from "./rate-limit.ts";

const LIMIT = "default/shop/0";
let now = 0;
let book: LeaseBook<string>;
beforeEach(() => {
  now = 0;
  book = new LeaseBook(() => now);
});

function rules(change: Partial<RateLimitRules> = {}): RateLimitRules {
  const numbers = { requests: 100, perMs: 1_000, burst: 100 };
  return { id: LIMIT, ports: [80], ...numbers, key: [], mesh: { instances: 2 }, ...change };
}

const KEYED = rules({ key: [{ kind: "identity" }] });

function tell(holder: string, change: Partial<LimitDemand> = {}, is = rules()): void {
  const demand = { limit: LIMIT, demand: 0, level: 0, returned: 0, flow: 50, isLent: false, ...change };
  book.report(holder, { part: 0, demands: [demand], dropped: [] }, (limit) =>
    limit === is.id ? is : undefined,
  );
}

/** The last that each is told. */
function told(): Record<string, Lease | undefined> {
  return Object.fromEntries([...book.flush()].map(([holder, leases]) => [holder, leases.at(-1)]));
}

describe("a limit without keys", () => {
  it("is all one's who is alone, and divided by demand among several", () => {
    tell("a");
    expect(told()["a"]).toMatchObject({ limit: LIMIT, flow: 100, cap: 100 });
    tell("b");
    tell("a", { demand: 300, isLent: true });
    tell("b", { demand: 100, isLent: true });
    const { a, b } = told();
    expect(a?.flow).toBeCloseTo(74.75);
    expect(b?.flow).toBeCloseTo(25.25);
  });

  it("goes to the others when one leaves or drops it", () => {
    tell("a");
    tell("b");
    told();
    book.left("b");
    expect(told()).toMatchObject({ a: { flow: 100 } });
    tell("b");
    told();
    book.report("b", { part: 0, demands: [], dropped: [LIMIT] }, () => undefined);
    expect(told()).toMatchObject({ a: { flow: 100 } });
  });

  it("is nobody's who has no right to it", () => {
    tell("a", { limit: "default/other/0" });
    expect(told()).toEqual({});
  });

  it("is not full again because its last holder has gone a moment before the next comes", () => {
    tell("a", { level: 100 });
    told();
    book.left("a");
    tell("b", { level: 0, demand: 500 });
    expect(told()["b"]?.grant).toBe(0);
    book.left("b");
    now += 2_000;
    tell("c", { level: 0, demand: 500 });
    expect(told()["c"]?.grant).toBeGreaterThan(90);
  });

  it("is told once more to one who has begun anew", () => {
    tell("a");
    tell("b");
    told();
    tell("a", { isLent: true, level: 90 });
    expect(told()).toEqual({});
    tell("a", { flow: 50 });
    expect(told()).toMatchObject({ a: { limit: LIMIT } });
  });

  it("begins anew when its numbers change", () => {
    tell("a", { level: 100 });
    told();
    tell("a", {}, rules({ requests: 10 }));
    expect(told()["a"]).toMatchObject({ flow: 10 });
  });
});

describe("a control plane that starts anew", () => {
  it("leaves those who were lent something what they have, until all can be back", () => {
    tell("a", { isLent: true, flow: 70, demand: 500 });
    expect(told()["a"]).toMatchObject({ flow: 70, grant: 0 });
    now += 1_000;
    tell("b", { flow: 50, demand: 500 });
    expect(told()).toMatchObject({ a: { flow: 70 }, b: { flow: 50 } });
    now += SETTLE_MS;
    tell("a", { isLent: true, demand: 500 });
    expect(told()).toMatchObject({ a: { flow: 50 } });
  });
});

describe("a limit with keys", () => {
  it("is divided evenly, but for keys that somebody is pressed for", () => {
    tell("a", {}, KEYED);
    tell("b", {}, KEYED);
    expect(told()).toMatchObject({ a: { flow: 50, cap: 50, grant: 0 }, b: { flow: 50, cap: 50, grant: 0 } });
    tell("a", { key: "x", demand: 200 }, KEYED);
    const { a, b } = told();
    expect(a).toMatchObject({ key: "x" });
    expect(a?.flow).toBeGreaterThan(95);
    expect(b).toMatchObject({ key: "x" });
    expect(b?.flow).toBeLessThan(5);
  });

  it("is told once more, with all keys, to one who has begun anew", () => {
    tell("a", {}, KEYED);
    tell("b", {}, KEYED);
    tell("a", { key: "x", demand: 200 }, KEYED);
    told();
    tell("b", {}, KEYED);
    expect(book.flush().get("b")).toMatchObject([{ flow: 50 }, { key: "x" }]);
  });

  it("leases a bounded number of keys, and forgets those that are full again", () => {
    tell("a", {}, KEYED);
    tell("b", {}, KEYED);
    for (let i = 0; i < MAX_LEASED_KEYS; i++) tell("a", { key: `k-${i}`, demand: 200 }, KEYED);
    told();
    tell("a", { key: "more", demand: 200 }, KEYED);
    expect(book.leasedKeys(LIMIT)).toBe(MAX_LEASED_KEYS);
    expect(told()).toEqual({});
    tell("a", { key: "k-7", demand: 0, level: 50 }, KEYED);
    told();
    now += 10_000;
    tell("a", { key: "more", demand: 200 }, KEYED);
    const over = book
      .flush()
      .get("b")
      ?.filter(({ isOver }) => isOver);
    expect(over).toEqual([{ limit: LIMIT, key: "k-7", flow: 50, cap: 50, grant: 0, isOver: true }]);
    expect(book.leasedKeys(LIMIT)).toBe(MAX_LEASED_KEYS);
  });
});

it("of keys 256 have leases at one time", () => {
  expect(MAX_LEASED_KEYS).toBe(256);
});
