import { type Answer, encode, type Packet, RECURSION_DESIRED, TRUNCATED_RESPONSE } from "dns-packet";
import { expect, it } from "vitest";
import { NegativeCache } from "./negative-cache.ts";
import { type Query, readQuery } from "./packet.ts";

const NXDOMAIN = 3;
let now = 0;

function soa(ttl: number, minimum: number): Answer {
  return { type: "SOA", name: "example", ttl, data: { mname: "ns.example", rname: "host.example", minimum } };
}
function query(name: string, type: "A" | "AAAA" = "A", additionals: Answer[] = []): Query {
  const reading = readQuery(
    encode({ type: "query", flags: RECURSION_DESIRED, questions: [{ type, name }], additionals }),
  );
  if (reading.kind !== "query") throw new Error(reading.kind);
  return reading.query;
}
function answer(name: string, more: Packet): Buffer {
  return encode({ type: "response", flags: NXDOMAIN, questions: [{ type: "A", name }], ...more });
}
function cacheWith(name: string, packet: Packet): NegativeCache {
  now = 0;
  const cache = new NegativeCache(() => now);
  cache.put(query(name), answer(name, packet));
  return cache;
}

it("keeps that a name is not there, for as long as the zone says, and counts that down", () => {
  const cache = cacheWith("no.example", { authorities: [soa(20, 10)] });
  expect(cache.find(query("NO.example"))).toMatchObject({ rcode: NXDOMAIN, authorities: [{ ttl: 10 }] });
  now = 4_000;
  expect(cache.find(query("no.example"))?.authorities).toMatchObject([{ ttl: 6 }]);
  now = 10_000;
  expect(cache.find(query("no.example"))).toBeUndefined();
  expect(cache.size).toBe(0);
});

it.each([
  [3_600, 3_600, 30],
  [7, 3_600, 7],
  [3_600, 7, 7],
])("a record that lasts %i s and says %i s holds for %i", (ttl, minimum, seconds) => {
  const cache = cacheWith("no.example", { authorities: [soa(ttl, minimum)] });
  expect(cache.find(query("no.example"))?.authorities).toMatchObject([{ ttl: seconds }]);
});

it("a kind that a name does not have says nothing of others", () => {
  const cache = cacheWith("no.example", { flags: 0, authorities: [soa(20, 20)] });
  expect(cache.find(query("no.example"))?.rcode).toBe(0);
  expect(cache.find(query("no.example", "AAAA"))).toBeUndefined();
});

it.each<[string, Packet]>([
  ["without the record that says how long", {}],
  ["that is not to be kept", { authorities: [soa(0, 60)] }],
  [
    "with an answer",
    { authorities: [soa(60, 60)], answers: [{ type: "CNAME", name: "no.example", data: "b" }] },
  ],
  ["of failure", { flags: 2, authorities: [soa(60, 60)] }],
  ["cut short", { flags: NXDOMAIN | TRUNCATED_RESPONSE, authorities: [soa(60, 60)] }],
  ["with a crowd of records", { authorities: Array.from({ length: 9 }, () => soa(60, 60)) }],
])("an answer %s is not kept", (_what, packet) => {
  expect(cacheWith("no.example", packet).size).toBe(0);
});

it("bytes that can't be read are not kept", () => {
  const whole = answer("no.example", { authorities: [soa(60, 60)] });
  for (let length = 12; length < whole.length; length++) {
    const cache = new NegativeCache(() => 0);
    cache.put(query("no.example"), whole.subarray(0, length));
    expect(cache.size).toBe(0);
  }
});

it("who wants proofs is not answered from here", () => {
  const cache = cacheWith("no.example", { authorities: [soa(60, 60)] });
  const opt = { type: "OPT", name: ".", udpPayloadSize: 1_232, extendedRcode: 0, ednsVersion: 0 } as const;
  const secured = query("no.example", "A", [{ ...opt, flags: 0x8000, flag_do: true, options: [] }]);
  expect(cache.find(secured)).toBeUndefined();
});

it("is bounded: the oldest makes room", () => {
  const cache = new NegativeCache(() => 0);
  for (let i = 0; i < 2_000; i++) {
    cache.put(query(`n${i}.example`), answer(`n${i}.example`, { authorities: [soa(60, 60)] }));
  }
  expect(cache.size).toBe(1_024);
  expect(cache.find(query("n1999.example"))).toBeDefined();
  expect(cache.find(query("n0.example"))).toBeUndefined();
});
