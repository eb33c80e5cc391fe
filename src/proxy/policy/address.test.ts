import { BlockList, isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlockSet, parseAddress } from "./address.ts";

describe("addresses", () => {
  it.each<[string, ReturnType<typeof parseAddress>]>([
    ["0.0.0.0", { v4: 0, v6: "" }],
    ["255.255.255.255", { v4: 0xffffffff, v6: "" }],
    ["::ffff:10.0.0.1", { v4: 0x0a000001, v6: "" }],
    ["::ffff:a00:1", { v4: 0x0a000001, v6: "" }],
    ["::", { v4: -1, v6: "\0".repeat(16) }],
    ["::1", { v4: -1, v6: `${"\0".repeat(15)}\x01` }],
    ["fe80::1%eth0", null],
    ["10.0.0", null],
    ["", null],
    ["unix:", null],
  ])("%j", (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it("an IPv4 client on a dual-stack socket is in its IPv4 ranges", () => {
    const client = parseAddress("::ffff:10.1.2.3");
    expect(new BlockSet(["10.0.0.0/8"]).has(client)).toBe(true);
    expect(new BlockSet(["::ffff:10.0.0.0/104"]).has(client)).toBe(true);
    expect(new BlockSet(["11.0.0.0/8", "::/0"]).has(client)).toBe(false);
    expect(new BlockSet(["0.0.0.0/0"]).has(null)).toBe(false);
  });

  it.each(["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "::/129", "web", "/8"])("%s is refused", (block) => {
    expect(() => new BlockSet([block])).toThrow(RangeError);
  });
});

it("ranges hold what Node's do", () => {
  const v4 = fc.ipV4();
  const v6 = fc.ipV6().filter((text) => parseAddress(text)?.v6 !== "");
  const one = fc.oneof(
    fc.record({ base: v4, other: v4, length: fc.nat(32) }),
    fc.record({ base: v6, other: v6, length: fc.nat(128) }),
  );
  fc.assert(
    fc.property(one, fc.boolean(), ({ base, other, length }, isSame) => {
      const family = isIP(base) === 4 ? "ipv4" : "ipv6";
      const asked = isSame ? base : other;
      const list = new BlockList();
      list.addSubnet(base, length, family);
      expect(new BlockSet([`${base}/${length}`]).has(parseAddress(asked))).toBe(list.check(asked, family));
    }),
    { numRuns: 2_000 },
  );
});
