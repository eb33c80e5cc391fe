/** Automatic addresses: nobody shares one, everybody gets the same wherever it is worked out, and few move when others come and go. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { isAutomatic } from "../../discovery/host.ts";
import { AutomaticAddresses } from "./automatic.ts";
import type { ServiceInput } from "./inputs.ts";

/** Names whose first places are the same. */
const [FORMER, LATTER] = ["s9788", "s30983"] as const;
const FREE = (): boolean => false;

function service(name: string, spec: object = {}, creationTimestamp?: string): ServiceInput {
  const time = creationTimestamp === undefined ? {} : { creationTimestamp };
  return { metadata: { name, namespace: "default", ...time }, spec: { ports: [{ port: 80 }], ...spec } };
}

function assigned(services: readonly ServiceInput[], isTaken = FREE): Map<string, string | undefined> {
  const addresses = new AutomaticAddresses(services, isTaken);
  return new Map(services.map((one) => [one.metadata.name, addresses.of(one)]));
}

it("10,000 Services have 10,000 addresses of 240.0.0.0/4, whatever their order, and each leads back", () => {
  const services = Array.from({ length: 10_000 }, (_, i) => service(`service-${i}`));
  const addresses = new AutomaticAddresses(services, FREE);
  const all = services.map((one) => addresses.of(one) ?? "");
  expect(new Set(all).size).toBe(10_000);
  expect(all.every(isAutomatic)).toBe(true);
  expect(all).not.toContain("240.0.0.0");
  expect(all).not.toContain("255.255.255.255");
  for (const one of services) expect(addresses.at(addresses.of(one) ?? "")).toBe(one);
  expect(assigned(services.toReversed())).toEqual(assigned(services));
});

it("coming and going moves nobody but those who meet", () => {
  const name = fc.integer({ min: 0, max: 60_000 }).map((n) => `s${n}`);
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 400 }), name, (names, more) => {
      const before = assigned(names.map((one) => service(one)));
      const after = assigned([...new Set([...names, more])].map((one) => service(one)));
      const moved = names.filter((one) => before.get(one) !== after.get(one));
      // One place has room for one: whoever gave way to the newcomer, and whoever gave way to those.
      expect(moved.length).toBeLessThanOrEqual(1);
      expect(new Set(after.values()).size).toBe(after.size);
    }),
    { numRuns: 40 },
  );
});

it("of two that meet the older stays, without times the first by name, and the other always goes to the same place", () => {
  const alone = new Map([FORMER, LATTER].map((name) => [name, assigned([service(name)]).get(name)]));
  expect(alone.get(FORMER)).toBe(alone.get(LATTER));
  const byName = assigned([service(FORMER), service(LATTER)]);
  // "s30983" is before "s9788".
  expect(byName.get(LATTER)).toBe(alone.get(LATTER));
  expect(byName.get(FORMER)).not.toBe(alone.get(FORMER));
  const [old, young] = ["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"];
  const byAge = assigned([service(LATTER, {}, young), service(FORMER, {}, old)]);
  expect(byAge.get(FORMER)).toBe(alone.get(FORMER));
  expect(byAge.get(LATTER)).not.toBe(alone.get(LATTER));
  expect(assigned([service(FORMER), service(LATTER)].toReversed())).toEqual(byName);
});

it("addresses that somebody has for another reason are passed over", () => {
  const [only] = assigned([service("a")]).values();
  const next = assigned([service("a")], ((address: string) => address === only) as typeof FREE).get("a");
  expect(next).not.toBe(only);
  expect(isAutomatic(next ?? "")).toBe(true);
});

it("only what is called by name alone has one", () => {
  const specs = {
    plain: {},
    empty: { clusterIP: "" },
    addressed: { clusterIP: "10.0.0.1" },
    headless: { clusterIP: "None" },
    alias: { type: "ExternalName" },
    portless: { ports: [] },
  };
  const services = Object.entries(specs).map(([name, spec]) => service(name, spec));
  const with_ = [...assigned(services)].filter(([, address]) => address !== undefined);
  expect(with_.map(([name]) => name)).toEqual(["plain", "empty"]);
});

it("what is different is known when somebody has asked, and not worked out before", () => {
  const [before, after] = [[service("a")], [service("b")]].map((list) => new AutomaticAddresses(list, FREE));
  if (before === undefined || after === undefined) throw new Error("unreachable");
  expect([...before.differences(after)]).toEqual([]);
  expect([before.isKnown, after.isKnown]).toEqual([false, false]);
  const address = before.of(service("a"));
  expect([...before.differences(after)].sort()).toEqual([address, after.of(service("b"))].sort());
});
