import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runs } from "../../../test/harness/runs.ts";
import { isAuthority, splitAuthority } from "./authority.ts";

function accepts(text: string): boolean {
  const bytes = Buffer.from(`xx${text}yy`, "latin1");
  return isAuthority(bytes, 2, 2 + text.length);
}

describe("an authority", () => {
  it.each([
    ["shop", "shop", 0],
    ["shop:8080", "shop", 8080],
    ["Shop.Default.SVC", "shop.default.svc", 0],
    ["shop.default.svc.cluster.local.", "shop.default.svc.cluster.local", 0],
    ["shop.:80", "shop", 80],
    ["10.0.0.1:1", "10.0.0.1", 1],
    ["a:65535", "a", 65_535],
    ["a:00080", "a", 80],
    ["[::1]", "::1", 0],
    ["[::1]:443", "::1", 443],
    ["[2001:DB8::1]:80", "2001:db8::1", 80],
    ["[::ffff:10.0.0.1]", "::ffff:10.0.0.1", 0],
    ["under_score~x", "under_score~x", 0],
    ["xn--bcher-kva.example", "xn--bcher-kva.example", 0],
    ["__proto__", "__proto__", 0],
  ])("%s is %s, port %d", (text, host, port) => {
    expect(accepts(text)).toBe(true);
    expect(splitAuthority(text)).toEqual({ host, port });
  });

  it.each([
    ["nothing", ""],
    ["a colon", ":"],
    ["a port alone", ":80"],
    ["an empty port", "a:"],
    ["port 0", "a:0"],
    ["port 65536", "a:65536"],
    ["a port of six digits", "a:000080"],
    ["a port that is no number", "a:8x"],
    ["a signed port", "a:+80"],
    ["two ports", "a:80:80"],
    ["a user", "u@a"],
    ["a path", "a/b"],
    ["a query", "a?b"],
    ["a fragment", "a#b"],
    ["a list", "a,b"],
    ["a space", "a b"],
    ["a NUL", "a\0"],
    ["an escape", "a%41"],
    ["a byte over 127", "b\xfccher"],
    ["a backslash", "a\\b"],
    ["the root of the DNS", "."],
    ["the root, with a port", ".:15001"],
    ["an IPv6 address without brackets", "::1"],
    ["an open bracket", "[::1"],
    ["empty brackets", "[]"],
    ["brackets around a name", "[abc]"],
    ["brackets around an IPv4 address", "[10.0.0.1]"],
    ["too many groups", "[1:2:3:4:5:6:7:8:9]"],
    ["a group of five digits", "[12345::]"],
    ["colons alone", "[:::]"],
    ["a zone", "[fe80::1%eth0]"],
    ["an escaped zone", "[fe80::1%25eth0]"],
    ["a future address", "[v1.x]"],
    ["bytes behind the bracket", "[::1]x"],
    ["261 bytes", "a".repeat(261)],
  ])("%s is refused", (_name, text) => {
    expect(accepts(text)).toBe(false);
  });

  it("is judged by its own bytes alone, and splits into what it was made of", () => {
    const label = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,8}$/);
    const host = fc.oneof(
      fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join(".")),
      fc.ipV4(),
    );
    const port = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 65_535 }));
    const suffix = (port: number) => (port === 0 ? "" : `:${port}`);
    fc.assert(
      fc.property(host, fc.boolean(), fc.boolean(), port, (host, isUpper, hasDot, port) => {
        const text = `${isUpper ? host.toUpperCase() : host}${hasDot ? "." : ""}${suffix(port)}`;
        expect(accepts(text)).toBe(true);
        expect(splitAuthority(text)).toEqual({ host, port });
      }),
      runs(),
    );
    fc.assert(
      fc.property(fc.ipV6(), port, (address, port) => {
        expect(accepts(`[${address}]${suffix(port)}`)).toBe(true);
        expect(splitAuthority(`[${address}]${suffix(port)}`)).toEqual({ host: address.toLowerCase(), port });
      }),
      runs(),
    );
  });

  it("any bytes: what is accepted holds nothing that could end a line, a host or a URL's authority", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 12 }), (text) => {
        if (accepts(text)) expect(text).toMatch(/^(?:\[[0-9A-Fa-f:.]+\]|[-._~0-9A-Za-z]+)(?::\d{1,5})?$/);
      }),
      runs(5_000),
    );
  });
});
