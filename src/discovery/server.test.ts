import { describe, expect, it } from "vitest";
import type {
  DiscoveryRequest,
  DiscoveryResponse,
  Node,
  ResourceType,
  VersionedResource,
} from "./messages.ts";
import { NO_OBSERVER } from "./observer.ts";
import type { ChangeProgress } from "./progress.ts";
import { DiscoveryServer } from "./server.ts";

const PORTS = { inbound: 1, outbound: 2, admin: 3, telemetry: 4 };
const node = (id: string): Node => ({
  ...{ id, namespace: "default", workload: id, serviceAccount: "default", labels: {} },
  ...{ address: "127.0.0.1", ports: PORTS, version: "0" },
});

/** A server over versions that the test sets, on a clock that it moves. */
class Bench {
  now = 0;
  change = 0;
  readonly versions = new Map<string, string>();
  readonly settled: ChangeProgress[] = [];
  readonly server = new DiscoveryServer(
    { get: (type, name) => this.#resource(type, name), names: () => [] },
    { ...NO_OBSERVER, settled: (progress) => void this.settled.push(progress) },
    () => this.now,
  );

  constructor() {
    this.server.ready();
  }

  set(type: ResourceType, name: string, version: string): void {
    this.versions.set(`${type} ${name}`, version);
    this.server.changed([{ type, name }], ++this.change);
  }

  connect(id: string): Sidecar {
    return new Sidecar(this.server, id);
  }

  state(id: string): string | undefined {
    return this.server.sidecars().find((sidecar) => sidecar.id === id)?.state;
  }

  #resource(type: ResourceType, name: string): VersionedResource | undefined {
    const version = this.versions.get(`${type} ${name}`);
    // Only names and versions matter to the server.
    return version === undefined ? undefined : { name, version, resource: { name } as never };
  }
}

class Sidecar {
  readonly responses: DiscoveryResponse[] = [];
  readonly stream;

  constructor(server: DiscoveryServer, id: string) {
    this.stream = server.open(
      (message) => message.kind === "discovery" && this.responses.push(message.response),
      () => {},
    );
    this.request({ node: node(id), type: "cluster", subscribe: ["a"] });
    this.request({ type: "route", subscribe: ["a"] });
  }

  request(request: DiscoveryRequest): void {
    this.stream.receive({ kind: "discovery", request });
  }

  /** Answers all that has come; `refuse` is refused. */
  answer(...refuse: string[]): string[] {
    const got = this.responses.splice(0);
    for (const { type, nonce, resources } of got) {
      const errors = resources
        .filter(({ name }) => refuse.includes(`${type} ${name}`))
        .map(({ name }) => ({ code: "invalid", message: "no", resource: name }) as const);
      this.request(errors.length > 0 ? { type, nonce, errors } : { type, nonce });
    }
    return got.flatMap(({ type, resources }) =>
      resources.map(({ name, version }) => `${type} ${name} ${version}`),
    );
  }
}

describe("what a sidecar refuses", () => {
  it("because of another resource is sent again when that is mended", () => {
    const bench = new Bench();
    bench.set("cluster", "a", "1");
    bench.set("route", "a", "1");
    const sidecar = bench.connect("s");
    sidecar.answer();
    bench.set("cluster", "a", "2");
    bench.set("route", "a", "2");
    expect(sidecar.answer("cluster a", "route a")).toEqual(["cluster a 2", "route a 2"]);
    expect(bench.state("s")).toBe("rejected");
    expect(bench.server.sidecars()[0]?.nacks.map(({ resource }) => resource)).toEqual([
      "cluster a",
      "route a",
    ]);
    bench.set("cluster", "a", "3");
    expect(sidecar.answer()).toEqual(["cluster a 3"]);
    expect(sidecar.answer()).toEqual(["route a 2"]);
    expect(bench.state("s")).toBe("synced");
    expect(bench.server.sidecars()[0]?.nacks).toEqual([]);
  });

  it("gives way to what it holds, when that is the latest again", () => {
    const bench = new Bench();
    bench.set("cluster", "a", "1");
    bench.set("route", "a", "1");
    const sidecar = bench.connect("s");
    sidecar.answer();
    bench.set("cluster", "a", "2");
    bench.set("route", "a", "2");
    sidecar.answer("cluster a", "route a");
    bench.set("cluster", "a", "1");
    expect(sidecar.answer()).toEqual(["cluster a 1"]);
    expect(sidecar.answer()).toEqual(["route a 2"]);
    expect(bench.state("s")).toBe("synced");
  });

  it("for its own sake is not sent again before it changes", () => {
    const bench = new Bench();
    const sidecar = bench.connect("s");
    sidecar.answer();
    bench.set("route", "a", "1");
    sidecar.answer("route a");
    bench.set("cluster", "a", "1");
    expect(sidecar.answer()).toEqual(["cluster a 1"]);
    expect(sidecar.responses).toEqual([]);
    expect(bench.state("s")).toBe("rejected");
  });
});

it("a change that comes back to what is refused is refused, unasked", () => {
  const bench = new Bench();
  const sidecar = bench.connect("s");
  sidecar.answer();
  bench.set("route", "a", "1");
  sidecar.answer("route a");
  bench.set("route", "a", "1");
  expect(sidecar.responses).toEqual([]);
  const rejected = [{ sidecar: "s", resource: "route a", message: "no" }];
  expect(bench.server.progress(2)).toMatchObject({ state: "rejected", applied: 0, rejected });
});

it("the latest change that a sidecar has applied as a whole is known", () => {
  const bench = new Bench();
  const change = () => bench.server.sidecars()[0]?.change;
  bench.set("cluster", "a", "1");
  const sidecar = bench.connect("s");
  expect(change()).toBe(0);
  sidecar.answer();
  expect(change()).toBe(1);
  bench.set("cluster", "other", "1");
  expect(change()).toBe(2);
  bench.set("cluster", "a", "2");
  bench.set("route", "a", "1");
  expect(change()).toBe(2);
  sidecar.answer("cluster a");
  expect(change()).toBe(2);
  bench.set("cluster", "a", "3");
  sidecar.answer();
  expect(change()).toBe(5);
});

describe("a sidecar that has gone", () => {
  it("is listed for ten minutes, or until it is back", () => {
    const bench = new Bench();
    bench.connect("gone").stream.ended("connection lost");
    bench.connect("back").stream.ended("connection lost");
    bench.connect("back").answer();
    expect(bench.server.sidecars()).toMatchObject([
      { id: "back", state: "synced" },
      { id: "gone", state: "disconnected", disconnectedSince: expect.stringMatching(/^\d{4}-/) },
    ]);
    bench.now = 599_999;
    expect(bench.state("gone")).toBe("disconnected");
    bench.now = 600_000;
    expect(bench.state("gone")).toBeUndefined();
  });

  it("is not listed where it has said good-bye", () => {
    const bench = new Bench();
    const { stream } = bench.connect("done");
    stream.receive({ kind: "leaving" });
    expect(bench.state("done")).toBe("stale");
    stream.ended("connection lost");
    expect(bench.state("done")).toBeUndefined();
    expect(bench.server.lacking("secret", "mesh", "2")).toEqual([]);
  });

  it("is not listed beside the newer stream that replaced it", () => {
    const bench = new Bench();
    bench.connect("s");
    bench.connect("s").answer();
    expect(bench.server.sidecars().map(({ state }) => state)).toEqual(["synced"]);
  });

  it("counts among at most a thousand", () => {
    const bench = new Bench();
    for (let n = 0; n < 1_001; n++) bench.connect(`s${n}`).stream.ended("lost");
    expect(bench.server.sidecars()).toHaveLength(1_000);
    expect(bench.state("s0")).toBeUndefined();
  });
});

describe("a change is settled", () => {
  it("once, when the last of those concerned has applied it", () => {
    const bench = new Bench();
    const [one, two] = [bench.connect("one"), bench.connect("two")];
    one.answer();
    two.answer();
    bench.now = 5;
    bench.set("cluster", "a", "1");
    one.answer();
    expect(bench.settled).toEqual([]);
    bench.now = 12;
    two.answer();
    const done = { change: 1, state: "applied", concerned: 2, applied: 2, rejected: [], elapsedMs: 7 };
    expect(bench.settled).toEqual([done]);
    expect(bench.server.progress(1)).toEqual(done);
  });

  it("at once, when it concerns nobody", () => {
    const bench = new Bench();
    bench.set("cluster", "a", "1");
    expect(bench.settled).toMatchObject([{ change: 1, state: "applied", concerned: 0 }]);
  });

  it("at the first refusal, and does not count who refused as having applied it", () => {
    const bench = new Bench();
    const [one, two] = [bench.connect("one"), bench.connect("two")];
    one.answer();
    two.answer();
    bench.set("cluster", "a", "1");
    one.answer("cluster a");
    expect(bench.settled).toMatchObject([{ state: "rejected", concerned: 2, applied: 0 }]);
    two.answer();
    expect(bench.server.progress(1)).toMatchObject({ state: "rejected", concerned: 2, applied: 1 });
    expect(bench.settled).toHaveLength(1);
  });

  it("without those who have given up the name, asked or yet to be asked", () => {
    const bench = new Bench();
    const sidecar = bench.connect("s");
    bench.set("cluster", "a", "1");
    bench.set("cluster", "a", "2");
    bench.set("route", "a", "1");
    expect(bench.settled).toEqual([]);
    sidecar.request({ type: "cluster", unsubscribe: ["a"] });
    expect(bench.settled).toMatchObject([
      { change: 1, state: "applied" },
      { change: 2, state: "applied" },
    ]);
    sidecar.answer();
    sidecar.request({ type: "route", unsubscribe: ["a"] });
    expect(bench.settled).toMatchObject([{ change: 1 }, { change: 2 }, { change: 3, state: "applied" }]);
  });

  it("without those who have left", () => {
    const bench = new Bench();
    const sidecar = bench.connect("s");
    sidecar.answer();
    bench.set("cluster", "a", "1");
    sidecar.stream.ended("lost");
    expect(bench.settled).toMatchObject([{ state: "applied", concerned: 0 }]);
  });
});
