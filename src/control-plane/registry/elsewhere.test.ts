/** Registrants of other replicas, on a virtual clock: hand-overs lose nobody, double nobody, and let go of who has gone. */
import { describe, expect, it } from "vitest";
import type { Node } from "../../discovery/messages.ts";
import { RECONNECT_MS } from "../../discovery/server.ts";
import type { Resource } from "../../resources/resource.ts";
import { NO_INSTANCES } from "../compile/instances.ts";
import type { ReplicaWord } from "../shared-root.ts";
import { tellOf } from "./elsewhere.ts";
import { registrantOf } from "./registrant.ts";
import { Registrations } from "./registrations.ts";

const PORT = { name: "http", port: 80 };
const SERVICE = { kind: "Service", metadata: { name: "web", namespace: "default" }, spec: { ports: [PORT] } };
const DEAD_MS = 15_000;

function node(workload = "one", more: Partial<Node> = {}): Node {
  return {
    id: `default/${workload}`,
    namespace: "default",
    workload,
    service: "web",
    registers: true,
    serviceAccount: "web",
    labels: { version: "v2" },
    address: "10.0.0.7",
    version: "1",
    ports: { inbound: 15_006, outbound: 1, admin: 2, telemetry: 3, app: 8_080 },
    ...more,
  };
}

interface Replica {
  readonly registrations: Registrations;
  /** What it last wrote. */
  text: string;
  writtenAt: number;
  hasLeft: boolean;
}

/** Replicas that write and read as those of a cluster do, in steps of a second. */
class Mesh {
  now = 0;
  readonly #replicas = new Map<string, Replica>();
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  start(name: string): Registrations {
    const registrations = new Registrations({
      known: NO_INSTANCES,
      onChange: () => {},
      after: (ms, run) => {
        const timer = { at: this.now + ms, run };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
    });
    registrations.see([SERVICE as unknown as Resource]);
    this.#replicas.set(name, { registrations, text: "", writtenAt: Number.NaN, hasLeft: false });
    this.write(name);
    this.read(name);
    return registrations;
  }

  write(name: string, text = JSON.stringify(tellOf(this.#of(name).registrations.claims).registrants)): void {
    Object.assign(this.#of(name), { text, writtenAt: this.now });
  }

  read(name: string): void {
    const words = [...this.#replicas].filter(([other]) => other !== name).map(this.#word);
    this.#of(name).registrations.hear(words, this.now);
  }

  /** The replicas that run tell and hear each other. */
  exchange(...names: readonly string[]): void {
    for (const name of names) this.write(name);
    for (const name of names) this.read(name);
  }

  end(name: string): void {
    this.write(name);
    this.#of(name).hasLeft = true;
  }

  /** Lets seconds pass, with an exchange of these in each of them; `each`: after it. */
  pass(ms: number, names: readonly string[], each = () => {}): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 1_000;
      for (const timer of [...this.#timers].filter(({ at }) => at <= this.now)) {
        this.#timers.delete(timer);
        timer.run();
      }
      this.exchange(...names);
      each();
    }
  }

  /** Addresses by which callers of each of these replicas reach the Service. */
  at(...names: readonly string[]): string {
    const lists = names.map((name) => this.#of(name).registrations.at("default/web", PORT));
    return lists.map((list) => list.map(({ address }) => address).join("+") || "-").join(" ");
  }

  readonly #words = new Map<string, readonly [string, number, unknown]>();
  /** Each text is another value, as long as it is the same text. */
  readonly #word = ([replica, { text, writtenAt, hasLeft }]: [string, Replica]): ReplicaWord => {
    const known = this.#words.get(replica);
    const isKnown = known?.[0] === text && known[1] === writtenAt;
    const registrants = isKnown ? known[2] : parsed(text);
    this.#words.set(replica, [text, writtenAt, registrants]);
    return { replica, registrants, isOver: hasLeft || this.now - writtenAt >= DEAD_MS };
  };

  #of(name: string): Replica {
    const replica = this.#replicas.get(name);
    if (replica === undefined) throw new Error(`there is no ${name}`);
    return replica;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Two or three replicas that know each other; a registrant at `a`. */
function mesh(...names: readonly string[]): { mesh: Mesh; a: Registrations; b: Registrations; one: Node } {
  const all = new Mesh();
  const [a, b] = names.map((name) => all.start(name)) as [Registrations, Registrations];
  all.exchange(...names);
  all.exchange(...names);
  const one = node();
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
    expect(b.refusal(node("one", { serviceAccount: "web" }))).toBe(undefined);
    expect(b.refusal(node("one", { serviceAccount: "x" }))).toMatch(
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
    ["ends", (all: Mesh) => all.end("a"), 0],
    ["ends, and the sidecar comes late", (all: Mesh) => all.end("a"), 17_000],
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
    b.arrived(node("one", { address: "10.0.0.8" }));
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
    b.arrived(node("one", { address: "10.0.0.8" }));
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

  it("is believed of the living by a replica that starts", () => {
    const { mesh: all, b } = mesh("a", "b");
    b.arrived(node("one", { address: "10.0.0.8" }));
    all.exchange("b");
    all.start("c");
    all.pass(60_000, ["b", "c"]);
    expect(all.at("b", "c")).toBe("10.0.0.8 10.0.0.8");
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
      node: registrantOf(node(`web-${n}`, { labels })) ?? expect.fail(),
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
