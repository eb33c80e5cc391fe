import { beforeEach, describe, expect, it } from "vitest";
import { DiscoveryClient, type TransportHandlers } from "./client.ts";
import type { DiscoveryError, DiscoveryRequest, Node, UpstreamMessage } from "./messages.ts";

const NODE = { id: "default/web" } as Node;

/** A transport that the test plays the server of. */
interface Stream {
  readonly handlers: TransportHandlers;
  readonly said: UpstreamMessage[];
  isClosed: boolean;
}

let streams: Stream[];
/** What the client waits for: how long, and what then. */
let waits: { ms: number; run: () => void }[];
let random: number;
let held: Record<string, string>;
let states: boolean[];
/** Ends the hand-over of the responses received, in order. */
let applied: ((errors: readonly DiscoveryError[]) => void)[];
let client: DiscoveryClient;

beforeEach(() => {
  streams = [];
  waits = [];
  random = 1;
  held = {};
  states = [];
  applied = [];
  client = new DiscoveryClient(
    (handlers) => {
      const stream: Stream = { handlers, said: [], isClosed: false };
      streams.push(stream);
      return {
        send: (message) => stream.said.push(message),
        close: () => {
          stream.isClosed = true;
        },
      };
    },
    {
      node: NODE,
      versions: (type) => (type === "route" ? held : {}),
      receive: () => new Promise((resolve) => applied.push(resolve)),
      connectionChanged: (isConnected) => states.push(isConnected),
    },
    {
      random: () => random,
      after: (ms, run) => {
        const wait = { ms, run };
        waits.push(wait);
        return () => {
          waits = waits.filter((other) => other !== wait);
        };
      },
    },
  );
});

function wake(): number {
  const [next] = waits.splice(0);
  if (next === undefined) throw new Error("nobody waits");
  next.run();
  return next.ms;
}
const latest = () => streams.at(-1) as Stream;
const open = () => {
  wake();
  latest().handlers.onOpen();
};
const requests = (): DiscoveryRequest[] =>
  latest()
    .said.splice(0)
    .flatMap((message) => (message.kind === "discovery" ? message.request : []));
const respond = (nonce: string) =>
  latest().handlers.onMessage({
    kind: "discovery",
    response: { type: "route", resources: [], removed: [], nonce, systemVersion: "1" },
  });
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("the first request of a stream", () => {
  it("says who is there, and none after it", () => {
    client.subscribe("cluster", ["a"]);
    client.subscribe("route", ["a"]);
    open();
    expect(requests()).toEqual([
      { node: NODE, type: "cluster", subscribe: ["a"], initialVersions: {} },
      { type: "route", subscribe: ["a"], initialVersions: {} },
    ]);
  });

  it("comes without any subscription too", () => {
    open();
    expect(requests()).toEqual([{ node: NODE, type: "cluster", subscribe: [], initialVersions: {} }]);
  });
});

describe("subscriptions", () => {
  it("are said as they come while the stream is open", () => {
    open();
    requests();
    client.subscribe("route", ["a", "b"]);
    client.unsubscribe("route", ["a"]);
    expect(requests()).toEqual([
      { type: "route", subscribe: ["a", "b"] },
      { type: "route", unsubscribe: ["a"] },
    ]);
  });

  it("are said again on the next stream, with the versions that are held", () => {
    client.subscribe("route", ["a", "b"]);
    client.unsubscribe("route", ["b"]);
    open();
    held = { a: "7" };
    latest().handlers.onClosed("gone");
    open();
    expect(requests()).toEqual([
      { node: NODE, type: "cluster", subscribe: [], initialVersions: {} },
      { type: "route", subscribe: ["a"], initialVersions: { a: "7" } },
    ]);
  });
});

describe("a response", () => {
  it("is acknowledged when it has been applied, not before", async () => {
    open();
    requests();
    respond("1");
    await settle();
    expect(requests()).toEqual([]);
    applied[0]?.([]);
    await settle();
    expect(requests()).toEqual([{ type: "route", nonce: "1" }]);
  });

  it("is refused with what was wrong", async () => {
    open();
    requests();
    respond("1");
    const errors = [{ code: "invalid", message: "bad", resource: "a", field: "rules" }] as const;
    applied[0]?.(errors);
    await settle();
    expect(requests()).toEqual([{ type: "route", nonce: "1", errors }]);
  });

  it("does not wait for the one before it", async () => {
    open();
    requests();
    respond("1");
    respond("2");
    applied[1]?.([]);
    await settle();
    expect(requests()).toEqual([{ type: "route", nonce: "2" }]);
  });

  it("of a stream that is lost meanwhile is not answered on the next", async () => {
    open();
    respond("1");
    latest().handlers.onClosed("gone");
    open();
    requests();
    applied[0]?.([]);
    await settle();
    expect(requests()).toEqual([]);
  });
});

describe("a stream that is lost", () => {
  it("is opened again after 250 ms, doubling up to 15 s, at random up to that", () => {
    expect(wake()).toBe(0);
    const pauses: number[] = [];
    for (let i = 0; i < 9; i++) {
      latest().handlers.onClosed("refused");
      pauses.push(wake());
    }
    expect(pauses).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
    random = 0.5;
    latest().handlers.onClosed("refused");
    expect(wake()).toBe(7_500);
  });

  it("starts anew with 250 ms once it has lasted 15 s", () => {
    open();
    latest().handlers.onClosed("gone");
    open();
    expect(wake()).toBe(15_000);
    latest().handlers.onClosed("gone");
    expect(wake()).toBe(250);
  });

  it("starts anew with 250 ms once the server has said something: to have connected is not enough", () => {
    open();
    for (const pause of [250, 500]) {
      latest().handlers.onClosed("gone");
      expect(wake()).toBe(pause);
      latest().handlers.onOpen();
    }
    respond("1");
    latest().handlers.onClosed("gone");
    expect(wake()).toBe(250);
  });

  it("is told once, and says nothing any more", () => {
    open();
    const first = latest();
    first.handlers.onClosed("gone");
    first.handlers.onClosed("gone");
    expect(states).toEqual([true, false]);
    expect(waits).toHaveLength(1);
    wake();
    first.handlers.onOpen();
    respond("1");
    expect(states).toEqual([true, false]);
    expect(applied).toHaveLength(1);
  });

  it("loses load reports: their counters go on", () => {
    const report = { intervalMs: 1_000, destinations: [] };
    client.sendLoad(report);
    open();
    requests();
    client.sendLoad(report);
    expect(latest().said).toEqual([{ kind: "load", report }]);
  });
});

it("a client that is closed does not come back", () => {
  open();
  client.close();
  expect(latest().isClosed).toBe(true);
  latest().handlers.onClosed("closed");
  expect(waits).toEqual([]);
});
