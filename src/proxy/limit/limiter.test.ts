import { describe, expect, it } from "vitest";
import { requestHead } from "../../../test/harness/head.ts";
import { request, viewOf } from "../../../test/policy/view.ts";
import type { RateLimitRules } from "../../discovery/rate-limit.ts";
import { limitLines, retryAfter } from "./fields.ts";
import { Limiter } from "./limiter.ts";

const PORT = 8080;
const rules = (change: Partial<RateLimitRules> = {}): RateLimitRules => ({
  ...{ id: "default/shop/all", ports: [PORT], requests: 2, perMs: 10_000, burst: 2, key: [] },
  ...change,
});

class Counts {
  ok = 0;
  over = 0;
  passed = () => void this.ok++;
  limited = () => void this.over++;
}

function limiterOf(...all: readonly RateLimitRules[]) {
  const counts = new Map<string, Counts>();
  const limiter = new Limiter(1, 0, (limit) => {
    const found = counts.get(limit) ?? new Counts();
    counts.set(limit, found);
    return found;
  });
  limiter.configure(all, 0);
  const decide = (path = "/", now = 0, port = PORT) =>
    limiter.decide(viewOf(request({ path }, { port })), requestHead(`GET ${path} HTTP/1.1`, "Host: s"), now);
  return { limiter, decide, counts };
}

describe("limits", () => {
  it("let pass so many requests, and one more when it is time", () => {
    const { decide, counts } = limiterOf(rules());
    expect([decide(), decide(), decide()].map((v) => v?.isAllowed)).toEqual([true, true, false]);
    expect(decide("/", 4_999)?.isAllowed).toBe(false);
    expect(decide("/", 5_000)?.isAllowed).toBe(true);
    expect(counts.get("default/shop/all")).toMatchObject({ ok: 3, over: 2 });
  });

  it("say what is left, and when there is more (draft-ietf-httpapi-ratelimit-headers-11)", () => {
    const { decide } = limiterOf(rules());
    const [first, , third] = [decide(), decide(), decide("/", 1_500)];
    expect(first && limitLines(first)).toBe(
      'ratelimit-policy: "shop/all";q=2;w=10\r\nratelimit: "shop/all";r=1;t=5\r\n',
    );
    expect(third && [limitLines(third), retryAfter(third)]).toEqual([
      'ratelimit-policy: "shop/all";q=2;w=10\r\nratelimit: "shop/all";r=0;t=4\r\n',
      4,
    ]);
  });

  it("name no window that is no whole number of seconds, and never a time of 0 s", () => {
    const verdict = limiterOf(rules({ requests: 1_000, perMs: 1_500 })).decide();
    expect(verdict && limitLines(verdict)).toContain('"shop/all";q=1000\r\n');
    expect(verdict && retryAfter(verdict)).toBe(1);
  });

  it("do not concern other ports, and requests that nothing matches", () => {
    const match = { path: { kind: "prefix", value: "/a" }, rule: 0, source: "test" } as const;
    const { decide } = limiterOf(rules({ matches: [match, { ...match, method: "PUT", path: undefined! }] }));
    expect(decide("/b")).toBeNull();
    expect(decide("/a", 0, 9_090)).toBeNull();
    expect(decide("/a/x")?.isAllowed).toBe(true);
  });

  it("all hold, and what one refuses costs nothing in another", () => {
    const wide = rules({ id: "default/shop/wide", requests: 3, burst: 3 });
    const { decide, counts } = limiterOf(wide, rules());
    expect([decide(), decide(), decide(), decide()].map((v) => v?.isAllowed)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect(decide("/", 5_000)?.isAllowed).toBe(true);
    expect(counts.get("default/shop/wide")).toMatchObject({ ok: 3, over: 0 });
    expect(decide("/", 5_001)?.limit.name).toBe("shop/all");
  });

  it("keep their buckets when others change, and begin anew when they do", () => {
    const { limiter, decide } = limiterOf(rules());
    decide();
    decide();
    limiter.configure([rules({ id: "default/a/0", requests: 50, burst: 50 }), rules()], 0);
    expect(decide()?.isAllowed).toBe(false);
    limiter.configure([rules({ burst: 1 })], 0);
    expect([decide(), decide()].map((v) => v?.isAllowed)).toEqual([true, false]);
    limiter.configure([], 0);
    expect(decide()).toBeNull();
  });

  it.each<[string, Partial<RateLimitRules>]>([
    ["no requests", { requests: 0 }],
    ["a time that is none", { perMs: Number.NaN }],
    ["no burst", { burst: -1 }],
  ])("with %s can't be compiled", (_what, change) => {
    expect(() => limiterOf(rules(change))).toThrow(RangeError);
  });
});

it("a limit of two traffic loops is half a limit in each until they are lent more", () => {
  const limiter = new Limiter(2, 1, () => new Counts());
  limiter.configure([rules({ requests: 10, perMs: 1_000, burst: 10 })], 0);
  const view = viewOf(request({}, { port: PORT }));
  const head = requestHead("GET / HTTP/1.1", "Host: s");
  const passed = () => Array.from({ length: 20 }, () => limiter.decide(view, head, 0)?.isAllowed);
  expect(passed().filter(Boolean)).toHaveLength(5);
  limiter.lend([{ limit: "default/shop/all", flow: 10, cap: 10, grant: 3 }], 0);
  expect(passed().filter(Boolean)).toHaveLength(3);
  expect(limiter.meter.report(100)).toMatchObject({ part: 1, demands: [{ isLent: true, demand: 400 }] });
});
