import { beforeEach, describe, expect, it } from "vitest";
import type { DiscoveryRequest, DiscoveryResponse, Node, ResourceType } from "./messages.ts";
import { DiscoveryServer } from "./server.ts";
import type { ServerStream } from "./server-stream.ts";

const NODE: Node = {
  id: "default/web",
  namespace: "default",
  workload: "web",
  serviceAccount: "default",
  labels: {},
  address: "127.0.0.1",
  ports: { inbound: 1, outbound: 2, admin: 3, telemetry: 4 },
  version: "0",
};

let versions: Map<string, string>;
let server: DiscoveryServer;
let change: number;
let sent: DiscoveryResponse[];
let closed: string[];
let stream: ServerStream;

beforeEach(() => {
  versions = new Map();
  change = 0;
  server = new DiscoveryServer({
    // Only names and versions matter here.
    get: (type, name) => {
      const version = versions.get(`${type} ${name}`);
      return version === undefined ? undefined : { name, version, resource: { name } as never };
    },
    names: (type) =>
      [...versions.keys()]
        .filter((key) => key.startsWith(`${type} `))
        .map((key) => key.slice(type.length + 1)),
  });
  server.ready();
  connect();
});

function connect(): void {
  const responses: DiscoveryResponse[] = [];
  const reasons: string[] = [];
  stream = server.open(
    (message) => message.kind === "discovery" && responses.push(message.response),
    (reason) => reasons.push(reason),
  );
  sent = responses;
  closed = reasons;
}

function set(type: ResourceType, name: string, version: string | undefined): void {
  if (version === undefined) versions.delete(`${type} ${name}`);
  else versions.set(`${type} ${name}`, version);
  server.changed([{ type, name }], ++change);
}

const say = (request: DiscoveryRequest) => stream.receive({ kind: "discovery", request });
const hello = (request: Omit<DiscoveryRequest, "node">) => say({ node: NODE, ...request });
const take = () => sent.splice(0);
const brief = (responses: readonly DiscoveryResponse[]) =>
  responses.map(({ type, resources, removed }) =>
    [type, ...resources.map((r) => `${r.name}=${r.version}`), ...removed.map((n) => `-${n}`)].join(" "),
  );
const ack = ({ type, nonce }: DiscoveryResponse) => say({ type, nonce });

describe("the first request", () => {
  it("must say who is there", () => {
    say({ type: "route", subscribe: ["a"] });
    expect(closed).toEqual(["the first request must say which node it is"]);
    say({ node: NODE, type: "route", subscribe: ["a"] });
    expect(sent).toEqual([]);
  });

  it("of a sidecar that is connected already ends its older stream", () => {
    hello({ type: "route" });
    const older = closed;
    connect();
    hello({ type: "route" });
    expect(older).toEqual(["replaced by a newer stream of the same sidecar"]);
    expect(closed).toEqual([]);
  });
});

describe("a subscription", () => {
  it("brings what is there, and says what is not", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["a", "none"] });
    expect(brief(take())).toEqual(["route a=1 -none"]);
  });

  it("brings changes of what it names and of nothing else", () => {
    hello({ type: "endpoints", subscribe: ["a"] });
    take().forEach(ack);
    set("endpoints", "b", "1");
    expect(take()).toEqual([]);
    set("endpoints", "a", "1");
    expect(brief(take())).toEqual(["endpoints a=1"]);
  });

  it("that is given up brings nothing more, and everything again when it is taken up", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["a"] });
    take().forEach(ack);
    say({ type: "route", unsubscribe: ["a"] });
    set("route", "a", "2");
    expect(take()).toEqual([]);
    say({ type: "route", subscribe: ["a"] });
    expect(brief(take())).toEqual(["route a=2"]);
  });

  it("that is given up before the answer is not held by it, nor refused", () => {
    for (const name of ["a", "b"]) set("route", name, "1");
    hello({ type: "route", subscribe: ["a", "b"] });
    const [first] = take();
    say({ type: "route", unsubscribe: ["a", "b"] });
    const errors = [{ code: "invalid", message: "bad", resource: "b" }] as const;
    if (first !== undefined) say({ type: "route", nonce: first.nonce, errors });
    expect(server.sidecars()[0]).toMatchObject({ state: "synced", nacks: [] });
    say({ type: "route", subscribe: ["a", "b"] });
    expect(brief(take())).toEqual(["route a=1 b=1"]);
  });

  it("that is given up and taken up again before the answer brings everything again after it", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["a", "none"] });
    const [first] = take();
    say({ type: "route", unsubscribe: ["a", "none"] });
    say({ type: "route", subscribe: ["a", "none"] });
    expect(take()).toEqual([]);
    if (first !== undefined) ack(first);
    expect(brief(take())).toEqual(["route a=1 -none"]);
  });

  it("to all, given up and taken up again before the answer, brings everything again after it", () => {
    for (const name of ["a", "b"]) set("route", name, "1");
    hello({ type: "route", subscribe: ["*", "b"] });
    const [first] = take();
    say({ type: "route", unsubscribe: ["*"] });
    if (first !== undefined) ack(first);
    set("route", "a", "2");
    set("route", "b", "2");
    const second = take();
    expect(brief(second)).toEqual(["route b=2"]);
    second.forEach(ack);
    say({ type: "route", subscribe: ["*"] });
    expect(brief(take())).toEqual(["route a=2"]);
  });

  it("to one of all that is given up brings it anew", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["*", "a"] });
    take().forEach(ack);
    say({ type: "route", unsubscribe: ["a"] });
    expect(brief(take())).toEqual(["route a=1"]);
  });

  it("to all brings what is there and what comes", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["*"] });
    const [first] = take();
    expect(first && brief([first])).toEqual(["route a=1"]);
    if (first !== undefined) ack(first);
    set("route", "b", "1");
    expect(brief(take())).toEqual(["route b=1"]);
  });

  it("to all does not bring routes by automatic addresses", () => {
    hello({ type: "route", subscribe: ["*"] });
    set("route", "240.1.2.3:80", "1");
    expect(take()).toEqual([]);
    say({ type: "route", subscribe: ["240.1.2.3:80"] });
    expect(brief(take())).toEqual(["route 240.1.2.3:80=1"]);
  });

  it("is bounded", () => {
    hello({ type: "route", subscribe: Array.from({ length: 100_001 }, (_, i) => `r${i}`) });
    expect(closed).toEqual(["more than 100000 subscriptions"]);
  });
});

describe("what is sent", () => {
  it("waits while a response of the type is under way, and is then the newest alone", () => {
    hello({ type: "route", subscribe: ["a"] });
    const [first] = take();
    for (const version of ["1", "2", "3"]) set("route", "a", version);
    expect(take()).toEqual([]);
    if (first !== undefined) ack(first);
    expect(brief(take())).toEqual(["route a=3"]);
  });

  it("goes in the order in which it is applied, whatever was asked first", () => {
    const backwards = ["route", "listener", "endpoints", "cluster"] as const;
    hello({ type: "policy" });
    for (const type of backwards) say({ type, subscribe: ["a"] });
    take().forEach(ack);
    for (const type of backwards) versions.set(`${type} a`, "1");
    server.changed(
      backwards.map((type) => ({ type, name: "a" })),
      1,
    );
    expect(take().map(({ type }) => type)).toEqual(["cluster", "endpoints", "listener", "route"]);
  });

  it("is nothing before the source has been read", () => {
    server = new DiscoveryServer({ get: () => undefined, names: () => [] });
    connect();
    hello({ type: "route", subscribe: ["a"], initialVersions: { a: "1" } });
    expect(take()).toEqual([]);
    server.ready();
    expect(brief(take())).toEqual(["route -a"]);
  });
});

describe("an answer", () => {
  it("to another nonce than the one under way changes nothing", () => {
    set("route", "a", "1");
    hello({ type: "route", subscribe: ["a"] });
    const [first] = take();
    say({ type: "route", nonce: "999" });
    set("route", "a", "2");
    expect(take()).toEqual([]);
    if (first !== undefined) ack(first);
    expect(brief(take())).toEqual(["route a=2"]);
  });

  it("that refuses one resource takes the others", () => {
    for (const name of ["a", "b", "c"]) set("route", name, "1");
    hello({ type: "route", subscribe: ["a", "b", "c"] });
    const [first] = take();
    say({
      type: "route",
      nonce: first?.nonce ?? "",
      errors: [{ code: "invalid", message: "bad", resource: "b", field: "rules[0]" }],
    });
    const [status] = server.sidecars();
    expect(status).toMatchObject({
      state: "rejected",
      nacks: [{ resource: "route b", message: "bad", field: "rules[0]", version: "1" }],
    });
    for (const name of ["a", "b", "c"]) set("route", name, "1");
    expect(take()).toEqual([]);
    set("route", "b", "2");
    const [second] = take();
    expect(second && brief([second])).toEqual(["route b=2"]);
    if (second !== undefined) ack(second);
    expect(server.sidecars()[0]).toMatchObject({ state: "synced", nacks: [] });
  });

  it("that refuses without naming a resource refuses the whole response", () => {
    for (const name of ["a", "b"]) set("route", name, "1");
    hello({ type: "route", subscribe: ["a", "b"] });
    say({ type: "route", nonce: take()[0]?.nonce ?? "", errors: [{ code: "internal", message: "no" }] });
    expect(server.sidecars()[0]?.nacks.map(({ resource }) => resource)).toEqual(["route a", "route b"]);
  });
});

describe("a stream that resumes", () => {
  it("gets nothing where nothing changed, what changed, and what is gone", () => {
    for (const name of ["same", "newer"]) set("route", name, "2");
    hello({
      type: "route",
      subscribe: ["same", "newer", "gone"],
      initialVersions: { same: "2", newer: "1", gone: "1" },
    });
    expect(brief(take())).toEqual(["route newer=2 -gone"]);
  });

  it("to all hears of what is gone as well", () => {
    set("route", "same", "1");
    hello({ type: "route", subscribe: ["*"], initialVersions: { same: "1", gone: "1" } });
    expect(brief(take())).toEqual(["route -gone"]);
  });
});
