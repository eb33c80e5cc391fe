import { describe, expect, it } from "vitest";
import { request, viewOf } from "../../../test/policy/view.ts";
import type { RateLimitKey } from "../../discovery/rate-limit.ts";
import { keyReader } from "./key.ts";

type Changes = Parameters<typeof request>;

const read = (key: RateLimitKey | readonly RateLimitKey[], http: Changes[0] = {}, change: Changes[1] = {}) =>
  keyReader([key].flat())(viewOf(request(http, change)));

describe("a key", () => {
  it.each<[string, string]>([
    ["/users/7", "/7"],
    ["/users/7/orders/8", "/7"],
    ["/users/7;v=1", "/7"],
    ["/USERS/7", "/7"],
    ["/users", ""],
    ["/other/7", ""],
    ["/", ""],
  ])("of the template /users/{id} in %s is %j", (path, expected) => {
    expect(read({ kind: "pathTemplate", template: "/users/{id}" }, { path })).toBe(expected);
  });

  it("of two variables holds both", () => {
    const template = "/a/{x}/b/{y}/";
    expect(read({ kind: "pathTemplate", template }, { path: "/a/1/b/2/c" })).toBe("/1/2");
    expect(read({ kind: "pathTemplate", template }, { path: "/a/1/c/2" })).toBe("");
  });

  it("is who the caller has proven to be; nobody is one key", () => {
    expect(read({ kind: "identity" })).toBe("cluster.local/ns/default/sa/web");
    expect(read({ kind: "identity" }, {}, { principal: null })).toBe("");
  });

  it("is an IPv4 address, or 64 bits of an IPv6 one: who has one has them all", () => {
    const of = (address: string) => read({ kind: "sourceAddress" }, {}, { address });
    expect(of("10.0.0.1")).not.toBe(of("10.0.0.2"));
    expect(of("::ffff:10.0.0.1")).toBe(of("10.0.0.1"));
    expect(of("2001:db8:0:1::1")).toBe(of("2001:db8:0:1:ffff::2"));
    expect(of("2001:db8:0:1::1")).not.toBe(of("2001:db8:0:2::1"));
  });

  it("is a header's value, all of its fields; a long one is digested", () => {
    const of = (...values: string[]) =>
      read({ kind: "header", name: "x-key" }, { headers: values.map((value) => ["x-key", value] as const) });
    expect(of("a")).toBe("a");
    expect(of("a", "b")).not.toBe(of("a"));
    expect(of()).toBe("");
    expect(of("x".repeat(60_000)).length).toBeLessThan(64);
    expect(of("x".repeat(60_000))).not.toBe(of("x".repeat(60_001)));
  });

  it("of several parts tells which is which", () => {
    const parts = [
      { kind: "header", name: "a" },
      { kind: "header", name: "b" },
    ] as const;
    const of = (...headers: [string, string][]) => read(parts, { headers });
    expect(of(["a", "x"])).not.toBe(of(["b", "x"]));
  });

  it("of another kind is refused", () => {
    expect(() => keyReader([{ kind: "colour" } as never])).toThrow(RangeError);
  });
});
