import { beforeEach, describe, expect, it } from "vitest";
import { requestHead } from "../../../test/harness/head.ts";
import { request, viewOf } from "../../../test/policy/view.ts";
import type { RateLimitRules } from "../../discovery/rate-limit.ts";
import { Limiter } from "./limiter.ts";
import { TICK_MS } from "./meter.ts";

const LIMIT = "default/shop/0";
const rules = (change: Partial<RateLimitRules> = {}): RateLimitRules => ({
  ...{ id: LIMIT, ports: [8080], requests: 100, perMs: 1_000, burst: 100, key: [], mesh: { instances: 4 } },
  ...change,
});
const KEYED = rules({ key: [{ kind: "header", name: "k" }] });
const head = requestHead("GET / HTTP/1.1", "Host: s");

let limiter: Limiter;
let now = 0;
beforeEach(() => {
  limiter = new Limiter(1, 0, () => ({ passed() {}, limited() {} }));
  now = 0;
});

function ask(count: number, key = ""): void {
  const view = viewOf(request({ headers: [["k", key]] }, { port: 8080 }));
  for (let i = 0; i < count; i++) limiter.decide(view, head, now);
}

/** What is said at the next tick. */
function tick() {
  now += TICK_MS;
  return limiter.meter.report(now);
}

describe("a meter", () => {
  it("joins at once with its part of the limit, and then says nothing while nothing comes", () => {
    limiter.configure([rules()], now);
    expect(tick()).toEqual({
      part: 0,
      demands: [{ limit: LIMIT, demand: 0, level: 25, returned: 0, flow: 25, isLent: false }],
      dropped: [],
    });
    for (let i = 0; i < 50; i++) expect(tick()).toBeNull();
  });

  it("says what comes once a second, and at once when the store runs low", () => {
    limiter.configure([rules()], now);
    tick();
    limiter.lend([{ limit: LIMIT, flow: 50, cap: 25, grant: 0 }], now);
    let reports = 0;
    for (let i = 0; i < 30; i++) {
      ask(2);
      if (tick() !== null) reports++;
    }
    expect(reports).toBe(3);
    ask(20);
    expect(tick()?.demands[0]?.demand).toBeCloseTo(110);
  });

  it("says so when what comes has become much less than what it holds is for", () => {
    limiter.configure([rules()], now);
    limiter.lend([{ limit: LIMIT, flow: 90, cap: 90, grant: 0 }], now);
    ask(50);
    expect(tick()?.demands[0]?.demand).toBe(500);
    expect(tick()?.demands[0]?.demand).toBe(250);
  });

  it("gives back what there is no room for any more", () => {
    limiter.configure([rules()], now);
    tick();
    limiter.lend([{ limit: LIMIT, flow: 25, cap: 25, grant: 0 }], now);
    tick();
    limiter.lend([{ limit: LIMIT, flow: 1, cap: 5, grant: 0 }], now);
    expect(tick()?.demands[0]).toMatchObject({ level: 5, isLent: true });
  });

  it("names keys that a request was refused for, by their digests, and no others", () => {
    limiter.configure([KEYED], now);
    tick();
    ask(10, "calm");
    ask(40, "hot");
    const demands = tick()?.demands ?? [];
    expect(demands).toHaveLength(1);
    expect(demands[0]?.key).toMatch(/^[\w-]{22}$/);
    expect(tick()).toBeNull();
  });

  it("names at most 64 new keys in a report", () => {
    limiter.configure([KEYED], now);
    tick();
    for (let i = 0; i < 100; i++) ask(30, `k-${i}`);
    expect(tick()?.demands).toHaveLength(64);
  });

  it("says which limits are no longer kept, and then is not needed", () => {
    limiter.configure([rules()], now);
    tick();
    limiter.configure([], now);
    expect(limiter.meter.isNeeded).toBe(true);
    expect(tick()).toEqual({ part: 0, demands: [], dropped: [LIMIT] });
    expect(limiter.meter.isNeeded).toBe(false);
  });

  it("joins anew when whoever lends is another one", () => {
    limiter.configure([rules()], now);
    tick();
    limiter.lend([{ limit: LIMIT, flow: 40, cap: 30, grant: 0 }], now);
    limiter.meter.rejoin();
    expect(tick()?.demands[0]).toMatchObject({ flow: 40, isLent: true });
  });
});

it("limits of one sidecar with one traffic loop are nobody else's business", () => {
  const { mesh: _, ...own } = rules();
  limiter.configure([own], now);
  expect(limiter.meter.isNeeded).toBe(false);
  limiter.lend([{ limit: LIMIT, flow: 1, cap: 1, grant: 1_000 }], now);
  ask(100);
  expect(limiter.decide(viewOf(request({}, { port: 8080 })), head, now)?.isAllowed).toBe(false);
});
