import { describe, expect, it } from "vitest";
import { requestHead } from "../../../test/harness/head.ts";
import type { RouteMatch, RouteRule } from "../../discovery/route.ts";
import { VirtualHost } from "./virtual-host.ts";

function host(matches: readonly RouteMatch[], rules: readonly RouteRule[]): VirtualHost {
  return new VirtualHost({
    name: "shop.default:80",
    service: { name: "shop", namespace: "default" },
    port: 80,
    matches,
    rules,
  });
}

const forward: RouteRule["action"] = {
  kind: "forward",
  backends: [{ weight: 1, cluster: "shop.default:80" }],
};
const at = (value: string, rule: number): RouteMatch => ({
  path: { kind: "prefix", value },
  rule,
  source: value,
});

describe("a virtual host", () => {
  it("takes the first match that holds, in the order given, and none where none holds", () => {
    const rules = [
      { name: "one", action: forward },
      { name: "two", action: forward },
    ];
    const shop = host([at("/a/b", 1), at("/a", 0), at("/a/c", 1)], rules);
    const select = (path: string) => shop.select(requestHead(`GET ${path} HTTP/1.1`, "Host: shop"));
    expect(select("/a/b")).toMatchObject({ source: "/a/b", rule: { name: "two" } });
    expect(select("/a/c")).toMatchObject({ source: "/a", rule: { name: "one" } });
    expect(select("/b")).toBeNull();
  });

  it("one rule's rewrite follows each of its matches' prefixes", () => {
    const path = { kind: "replacePrefixMatch", value: "/x" } as const;
    const action: RouteRule["action"] = {
      kind: "forward",
      backends: [{ weight: 1, cluster: "c" }],
      rewrite: { path },
    };
    const shop = host([at("/long/prefix", 0), at("/a", 0)], [{ name: "r", action }]);
    const lengths = ["/long/prefix/y", "/a/y"].map((target) => {
      const selected = shop.select(requestHead(`GET ${target} HTTP/1.1`, "Host: shop"));
      return selected?.rule.action.kind === "forward"
        ? selected.rule.action.backends[0]?.requestEdit?.path?.prefixLength
        : undefined;
    });
    expect(lengths).toEqual([12, 2]);
  });

  it("timeouts that are not named are none, mirrors are shares", () => {
    const mirrors = [
      { cluster: "m", numerator: 1, denominator: 4 },
      { cluster: "n", numerator: 1, denominator: 0 },
    ];
    const shop = host(
      [{ rule: 0, source: "all" }],
      [{ name: "r", action: { kind: "forward", backends: [{ weight: 1, reason: "gone" }], mirrors } }],
    );
    expect(shop.select(requestHead("GET / HTTP/1.1", "Host: shop"))?.rule).toMatchObject({
      requestTimeoutMs: 0,
      backendRequestTimeoutMs: 0,
      action: {
        backends: [{ cluster: null, reason: "gone", requestEdit: null, responseEdit: null }],
        mirrors: [{ share: 0.25 }, { share: 0 }],
      },
    });
  });

  it("a match that names no rule is refused", () => {
    expect(() => host([at("/", 3)], [])).toThrow(/names rule 3/);
  });
});
