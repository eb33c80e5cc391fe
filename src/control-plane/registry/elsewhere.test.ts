/** Registrants of other replicas, on a virtual clock: hand-overs lose nobody, double nobody, and let go of who has gone. */
import { describe, expect, it } from "vitest";
import { registering } from "../../../test/harness/node.ts";
import { PORT, ReplicaMesh, SERVICE } from "../../../test/harness/replica-mesh.ts";
import type { Node } from "../../discovery/messages.ts";
import { RECONNECT_MS } from "../../discovery/server.ts";
import type { Resource } from "../../resources/resource.ts";
import { tellOf } from "./elsewhere.ts";
import { registrantOf } from "./registrant.ts";
import type { Registrations } from "./registrations.ts";

/** Two or three replicas that know each other; a registrant at `a`. */
function mesh(...names: readonly string[]): {
  mesh: ReplicaMesh;
  a: Registrations;
  b: Registrations;
  one: Node;
} {
  const all = new ReplicaMesh();
  const [a, b] = names.map((name) => all.start(name)) as [Registrations, Registrations];
  all.exchange(...names);
  all.exchange(...names);
  const one = registering();
  a.arrived(one);
  all.pass(1_000, names);
  return { mesh: all, a, b, one };
}

describe("a registrant of another replica", () => {
  it("is an instance with all that the compiler needs, and nothing else of it is told", () => {
    const { mesh: all, b } = mesh("a", "b");
    expect(b.get("default/one")).toEqual({
      metadata: { name: "one", namespace: "default", labels: { version: "v2" } },
      spec: { address: "10.0.0.7", inboundPort: 15_006, serviceAccount: "web" },
    });
    expect(b.at("default/web", PORT)[0]?.port).toBe(8_080);
    expect(b.count("default/web")).toBe(1);
    expect([...b.take().services]).toEqual(["default/web"]);
    expect(b.claims).toEqual([]);
    expect(b.nodes).toEqual([]);
    all.pass(60_000, ["a", "b"]);
    expect(b.take().services.size).toBe(0);
  });

  it("is what the Services let it be", () => {
    const { mesh: all, b } = mesh("a", "b");
    const metadata = { name: "web", namespace: "default", annotations: { "weft.dev/join": "other" } };
    b.see([{ ...SERVICE, metadata } as unknown as Resource]);
    expect(all.at("a", "b")).toBe("10.0.0.7 -");
  });

  it("has its name alone: nobody of another account takes it", () => {
    const { b } = mesh("a", "b");
    expect(b.refusal(registering("one", { serviceAccount: "web" }))).toBe(undefined);
    expect(b.refusal(registering("one", { serviceAccount: "x" }))).toMatch(
      /there is a workload default\/one already/,
    );
  });

  it("that says good-bye is gone with the next exchange", () => {
    const { mesh: all, a, one } = mesh("a", "b");
    a.leaving(one);
    all.exchange("a", "b");
    expect(all.at("a", "b")).toBe("- -");
  });

  it("is waited for by its own replica where its stream is lost", () => {
    const { mesh: all, a, one } = mesh("a", "b");
    a.left(one);
    all.pass(RECONNECT_MS - 1_000, ["a", "b"]);
    expect(all.at("a", "b")).toBe("10.0.0.7 10.0.0.7");
    all.pass(1_000, ["a", "b"]);
    expect(all.at("a", "b")).toBe("- -");
  });
});

describe("a hand-over", () => {
  const once = "10.0.0.7";

  it.each([
    ["ends", (all: ReplicaMesh) => all.end("a"), 0],
    ["ends, and the sidecar comes late", (all: ReplicaMesh) => all.end("a"), 17_000],
    ["dies", () => {}, 1_000],
    ["dies, and the sidecar comes late", () => {}, 17_000],
  ])("when its replica %s", (_what, end, ms) => {
    const { mesh: all, b, one } = mesh("a", "b", "c");
    const rest = ["b", "c"];
    const isOnce = () => expect(all.at(...rest)).toBe(`${once} ${once}`);
    end(all);
    all.pass(ms, rest, isOnce);
    b.arrived(one);
    isOnce();
    all.pass(60_000, rest, isOnce);
    b.leaving(one);
    all.exchange(...rest);
    expect(all.at(...rest)).toBe("- -");
    all.pass(60_000, rest, () => expect(all.at(...rest)).toBe("- -"));
  });

  it("that does not come about is given up, after a while", () => {
    const { mesh: all } = mesh("a", "b");
    all.end("a");
    all.pass(RECONNECT_MS, ["b"]);
    expect(all.at("b")).toBe(once);
    all.pass(1_000, ["b"]);
    expect(all.at("b")).toBe("-");
  });

  it("between replicas that go on: the one that waits for it does so no longer", () => {
    const { mesh: all, a, b, one } = mesh("a", "b", "c");
    const rest = ["a", "b", "c"];
    a.left(one);
    b.arrived(registering("one", { address: "10.0.0.8" }));
    all.pass(1_000, rest);
    expect(all.at(...rest)).toBe("10.0.0.8 10.0.0.8 10.0.0.8");
    expect([a.nodes, b.nodes].map(({ length }) => length)).toEqual([0, 1]);
    all.pass(60_000, rest, () => expect(all.at(...rest)).toBe("10.0.0.8 10.0.0.8 10.0.0.8"));
    const [held] = b.nodes as [Node];
    b.leaving(held);
    all.exchange(...rest);
    expect(all.at(...rest)).toBe("- - -");
  });

  it("is not undone by a stream that its old replica believes in", () => {
    const { mesh: all, a, b, one } = mesh("a", "b", "c");
    b.arrived(registering("one", { address: "10.0.0.8" }));
    all.pass(30_000, ["a", "b", "c"], () => expect(all.at("b", "c")).toBe("10.0.0.8 10.0.0.8"));
    a.left(one);
    all.pass(30_000, ["a", "b", "c"], () => expect(all.at("b", "c")).toBe("10.0.0.8 10.0.0.8"));
    expect(all.at("a")).toBe("10.0.0.8");
  });

  it("reaches a replica that starts in the midst of it, but the dead leave nothing for long", () => {
    const { mesh: all, b, one } = mesh("a", "b");
    all.end("a");
    all.start("c");
    expect(all.at("c")).toBe(once);
    all.pass(5_000, ["b", "c"], () => expect(all.at("c")).toBe(once));
    b.arrived(one);
    all.pass(5_000, ["b", "c"], () => expect(all.at("c")).toBe(once));
    b.leaving(one);
    all.exchange("b", "c");
    expect(all.at("b", "c")).toBe("- -");
    all.start("d");
    expect(all.at("d")).toBe(once);
    all.pass(RECONNECT_MS, ["b", "c", "d"]);
    expect(all.at("b", "c", "d")).toBe("- - -");
  });

  it.each([
    ["a", "b"],
    ["b", "a"],
  ])("from %s, which has died, to %s is soon believed by a replica that starts", (dead, living) => {
    const all = new ReplicaMesh();
    const [old, late] = [registering("late"), registering("one", { address: "10.0.0.8" })];
    for (const name of ["a", "b"]) all.start(name);
    for (const node of [registering(), old]) all.registrations(dead).arrived(node);
    all.exchange("a", "b");
    all.registrations(living).arrived(late);
    all.exchange(living);
    all.start("c");
    all.pass(6_000, [living, "c"]);
    expect(all.at("c")).toBe("10.0.0.7+10.0.0.8");
    // Nobody knows where the other one is.
    all.pass(RECONNECT_MS - 6_000, [living, "c"]);
    expect(all.at("c")).toBe("10.0.0.8");
  });

  it("that two wait for is relied on by neither", () => {
    const { mesh: all, a, one } = mesh("a", "b");
    a.left(one);
    all.write("a");
    const c = all.start("c");
    c.restore([registering()]);
    all.pass(RECONNECT_MS - 1_000, ["a", "b", "c"], () =>
      expect(all.at("a", "b", "c")).toBe("10.0.0.7 10.0.0.7 10.0.0.7"),
    );
  });

  it.each([
    ["died", () => {}],
    ["ended", (all: ReplicaMesh) => all.end("a")],
  ])("from one that did not know of it, and %s, is not remembered after a good-bye", (_what, end) => {
    const { mesh: all, b, one } = mesh("a", "b", "c");
    b.arrived(one);
    all.pass(6_000, ["a", "b", "c"]);
    b.leaving(one);
    all.exchange("b", "c");
    end(all);
    all.pass(60_000, ["b", "c"], () => expect(all.at("b", "c")).toBe("- -"));
  });
});

describe("what takes nobody away", () => {
  it("an API server that is away", () => {
    const { mesh: all } = mesh("a", "b");
    all.pass(600_000, []);
    expect(all.at("b")).toBe("10.0.0.7");
    // It hears before the others have been able to write.
    all.read("b");
    expect(all.at("b")).toBe("10.0.0.7");
    all.pass(60_000, ["a", "b"], () => expect(all.at("b")).toBe("10.0.0.7"));
  });

  it("one that is away in the midst of a hand-over", () => {
    const { mesh: all, one } = mesh("a", "b", "c");
    all.end("a");
    all.pass(2_000, ["b", "c"]);
    all.registrations("c").arrived(one);
    all.pass(600_000, []);
    all.read("b");
    expect(all.at("b")).toBe("10.0.0.7");
    all.pass(60_000, ["b", "c"], () => expect(all.at("b")).toBe("10.0.0.7"));
  });

  it.each([
    "",
    "[",
    "7",
    "null",
    '"x"',
    "[]",
    '{"default/one": 7}',
    '{"default/one": {"ports": [1, "x"], "labels": 3}}',
    '{"default/one": {"service": "web", "serviceAccount": "web", "labels": {}, "address": "x", "ports": {}}}',
  ])("a report of %s", (text) => {
    const { mesh: all } = mesh("a", "b");
    for (let n = 0; n < 40; n++) {
      all.write("a", text);
      all.pass(1_000, ["b"]);
    }
    expect(all.at("b")).toBe("10.0.0.7");
    all.exchange("a", "b");
    expect(all.at("b")).toBe("10.0.0.7");
  });

  it("names that are none", () => {
    const { mesh: all } = mesh("a", "b");
    const entry = { service: "web", serviceAccount: "web", labels: {}, address: "10.0.0.9" };
    const full = { ...entry, ports: { inbound: 1, app: 2 } };
    all.write("a", JSON.stringify({ "": full, "/": full, one: full, "a/b/c": full, "other/x": full }));
    all.read("b");
    expect(all.at("b")).toBe("-");
  });
});

describe("what is told", () => {
  const claims = (count: number, labels = {}) =>
    Array.from({ length: count }, (_, n) => ({
      node: registrantOf(registering(`web-${n}`, { labels })) ?? expect.fail(),
      isLost: false,
    }));

  it("is bounded, and says how many are left out", () => {
    const few = tellOf(claims(200, { app: "web", version: "v2" }));
    expect(few.leftOut).toBe(0);
    expect(Object.keys(few.registrants)).toHaveLength(200);
    const many = tellOf(claims(5_000, { app: "web", version: "v2" }));
    const told = Object.keys(many.registrants).length;
    expect(told).toBeGreaterThan(200);
    expect(told + many.leftOut).toBe(5_000);
    expect(JSON.stringify(many.registrants).length).toBeLessThan(50_000);
  });

  it("leaves out whoever would take the place of others", () => {
    const fat = claims(1, { note: "ä".repeat(500) });
    expect(tellOf([...fat, ...claims(2)])).toMatchObject({ leftOut: 1 });
  });
});
