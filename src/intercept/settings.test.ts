import { expect, it } from "vitest";
import { nameservers, parseIds, parsePorts, parseRanges, parseServers } from "./settings.ts";

it("reads lists", () => {
  expect(parsePorts(" 80, 8000-8080,")).toEqual([
    { first: 80, last: 80 },
    { first: 8_000, last: 8_080 },
  ]);
  expect(parseRanges("10.0.0.0/8,192.0.2.1,fd00::/8,::1")).toEqual([
    { family: "ipv4", cidr: "10.0.0.0/8" },
    { family: "ipv4", cidr: "192.0.2.1/32" },
    { family: "ipv6", cidr: "fd00::/8" },
    { family: "ipv6", cidr: "::1/128" },
  ]);
  expect(parseIds("0,1337")).toEqual([0, 1_337]);
  expect(parseServers("10.0.0.2,fd00::2")).toEqual(["10.0.0.2", "fd00::2"]);
  for (const parse of [parsePorts, parseRanges, parseIds, parseServers]) expect(parse("")).toEqual([]);
});

it.each([
  [parsePorts, "0"],
  [parsePorts, "65536"],
  [parsePorts, "90-80"],
  [parsePorts, "*"],
  [parsePorts, "80; drop"],
  [parsePorts, "80 81"],
  [parseRanges, "10.0.0.0/33"],
  [parseRanges, "10.0.0/8"],
  [parseRanges, "fe80::1%eth0"],
  [parseRanges, "10.0.0.0/8/8"],
  [parseRanges, "10.0.0.0/"],
  [parseRanges, "example.com"],
  [parseIds, "root"],
  [parseIds, "-1"],
  [parseIds, "4294967295"],
  [parseServers, "10.0.0.0/8"],
] as const)("%o refuses %j", (parse, text) => {
  expect(() => parse(text)).toThrow(RangeError);
});

it("finds resolvers", () => {
  const text =
    "# nameserver 1.1.1.1\nsearch a b\nnameserver 10.96.0.10\n nameserver fd00::a # c\nnameserver fe80::1%eth0\n";
  expect(nameservers(text)).toEqual(["10.96.0.10", "fd00::a"]);
});
