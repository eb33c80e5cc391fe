import { describe, expect, it } from "vitest";
import type { HostResource } from "../../discovery/host.ts";
import type { VersionedResource } from "../../discovery/messages.ts";
import { Hosts, MAX_NAMES, MAX_UNANSWERED } from "./hosts.ts";

function host(name: string, version = "1", ...addresses: string[]): VersionedResource<HostResource> {
  const service = { name: "shop", namespace: "default" };
  return { name, version, resource: { name, service, addresses, ports: [] } };
}

class Bench {
  readonly link: string[] = [];
  changes = 0;
  readonly hosts = new Hosts(
    {
      subscribe: (type, names) => this.link.push(`+${type} ${names.join(",")}`),
      unsubscribe: (type, names) => this.link.push(`-${type} ${names.join(",")}`),
    },
    () => this.changes++,
  );

  receive(resources: VersionedResource[], removed: string[] = []) {
    return this.hosts.receive({ type: "host", resources, removed, nonce: "1", systemVersion: "1" });
  }

  asked(): string[] {
    return this.link.splice(0);
  }
}

describe("a name", () => {
  it("is asked for once, whoever waits, and they are told once", () => {
    const bench = new Bench();
    const told: string[] = [];
    expect(bench.hosts.find("shop.default")).toBeUndefined();
    expect(bench.hosts.ask("shop.default", () => told.push("one"))).toBe(true);
    expect(bench.hosts.ask("shop.default", () => told.push("two"))).toBe(true);
    expect(bench.asked()).toEqual(["+host shop.default"]);
    expect(bench.receive([host("shop.default", "1", "10.0.0.1")])).toEqual([]);
    bench.receive([host("shop.default", "2", "10.0.0.2")]);
    expect(told).toEqual(["one", "two"]);
    expect(bench.hosts.find("shop.default")).toMatchObject({ addresses: ["10.0.0.2"] });
    expect(bench.hosts.versions()).toEqual({ "shop.default": "2" });
  });

  it("whose answer is late is waited for no more, until it comes", () => {
    const bench = new Bench();
    const told: string[] = [];
    const one = () => told.push("one");
    bench.hosts.ask("shop.default", one);
    bench.hosts.leave("shop.default", one);
    expect(bench.hosts.ask("shop.default", one)).toBe(false);
    bench.receive([host("shop.default")]);
    expect([told, bench.hosts.find("shop.default")?.name]).toEqual([[], "shop.default"]);
  });

  it("that the mesh does not have is known as such, and may come", () => {
    const bench = new Bench();
    bench.hosts.ask("no.default", () => {});
    bench.receive([], ["no.default"]);
    expect([bench.hosts.find("no.default"), bench.hosts.versions()]).toEqual([null, {}]);
    bench.receive([host("no.default")]);
    expect(bench.hosts.find("no.default")).toBeTruthy();
  });

  it("whose meaning no answer could be made of is refused, and what was known stays", () => {
    const bench = new Bench();
    bench.hosts.ask("shop.default", () => {});
    expect(bench.receive([host("shop.default", "1", "no address")])).toMatchObject([
      { code: "invalid", resource: "shop.default", field: "addresses" },
    ]);
    expect(bench.hosts.find("shop.default")).toBeNull();
    bench.receive([host("shop.default", "2", "10.0.0.1")]);
    bench.receive([host("shop.default", "3", "fe80::1%eth0")]);
    expect(bench.hosts.find("shop.default")).toMatchObject({ addresses: ["10.0.0.1"] });
  });

  it("that nobody asked for is not kept", () => {
    const bench = new Bench();
    bench.receive([host("other.default")], ["another.default"]);
    expect(bench.hosts.size).toBe(0);
  });

  it("is forgotten after a sweep in which nobody used it", () => {
    const bench = new Bench();
    for (const name of ["a.default", "b.default"]) bench.hosts.ask(name, () => {});
    bench.receive([host("a.default"), host("b.default")]);
    bench.hosts.sweep();
    bench.hosts.find("a.default");
    bench.asked();
    bench.hosts.sweep();
    expect(bench.asked()).toEqual(["-host b.default"]);
    expect([bench.hosts.find("a.default")?.name, bench.hosts.find("b.default")]).toEqual([
      "a.default",
      undefined,
    ]);
  });

  it("of an earlier run is known at once, and followed", () => {
    const bench = new Bench();
    bench.hosts.restore([host("a.default", "7"), host("bad.default", "1", "x")]);
    expect(bench.asked()).toEqual(["+host a.default"]);
    expect(bench.hosts.versions()).toEqual({ "a.default": "7" });
  });
});

describe("bounds", () => {
  it("so many names may be without an answer; then others can be asked for again", () => {
    const bench = new Bench();
    for (let i = 0; i < MAX_UNANSWERED; i++) expect(bench.hosts.ask(`n${i}.default`, () => {})).toBe(true);
    expect(bench.hosts.ask("more.default", () => {})).toBe(false);
    expect(bench.hosts.ask("n0.default", () => {})).toBe(true);
    bench.receive([], ["n0.default"]);
    expect(bench.hosts.ask("more.default", () => {})).toBe(true);
  });

  it("the name unused for longest makes room", () => {
    const bench = new Bench();
    for (let i = 0; i < MAX_NAMES; i++) {
      bench.hosts.ask(`n${i}.default`, () => {});
      bench.receive([], [`n${i}.default`]);
    }
    bench.hosts.find("n0.default");
    bench.asked();
    bench.hosts.ask("more.default", () => {});
    expect(bench.asked()).toEqual(["-host n1.default", "+host more.default"]);
    expect([bench.hosts.size, bench.hosts.find("n0.default")]).toEqual([MAX_NAMES, null]);
  });
});
