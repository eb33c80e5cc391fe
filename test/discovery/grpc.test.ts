/** The discovery stream over real gRPC: resumption costs nothing, strangers' bytes end their own connection alone. */
import { once } from "node:events";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DiscoveryClient } from "../../src/discovery/client.ts";
import { grpcTransport } from "../../src/discovery/grpc-client.ts";
import { type GrpcServer, serveDiscovery } from "../../src/discovery/grpc-server.ts";
import { DISCOVERY_METHOD, type DiscoveryResponse, type ResourceType } from "../../src/discovery/messages.ts";
import { NO_OBSERVER } from "../../src/discovery/observer.ts";
import { DiscoveryServer } from "../../src/discovery/server.ts";
import { nodeOf } from "../harness/node.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Plane {
  readonly server: DiscoveryServer;
  readonly carrier: GrpcServer;
  readonly source: Map<string, string>;
  readonly pushed: () => number;
  set(type: ResourceType, name: string, version: string): void;
}

async function startPlane(source: Map<string, string>, port = 0, padding = 0): Promise<Plane> {
  let pushed = 0;
  let change = 0;
  const server = new DiscoveryServer(
    {
      get: (type, name) => {
        const version = source.get(`${type} ${name}`);
        const resource = { name, padding: "x".repeat(padding) } as never;
        return version === undefined ? undefined : { name, version, resource };
      },
      names: () => [],
    },
    {
      ...NO_OBSERVER,
      pushed: (_type, bytes) => {
        pushed += bytes;
      },
    },
  );
  server.ready();
  const carrier = await serveDiscovery(server, "127.0.0.1", port);
  closers.push(() => carrier.close());
  return {
    server,
    carrier,
    source,
    pushed: () => pushed,
    set: (type, name, version) => {
      source.set(`${type} ${name}`, version);
      server.changed([{ type, name }], ++change);
    },
  };
}

interface Sidecar {
  readonly client: DiscoveryClient;
  readonly received: DiscoveryResponse[];
  readonly held: Record<string, string>;
  readonly states: boolean[];
}

function connect(port: number, id = "default/web"): Sidecar {
  const received: DiscoveryResponse[] = [];
  const held: Record<string, string> = {};
  const states: boolean[] = [];
  const client = new DiscoveryClient(
    grpcTransport(`127.0.0.1:${port}`),
    {
      node: nodeOf(id),
      versions: (type) => (type === "route" ? held : {}),
      receive: async (response) => {
        received.push(response);
        for (const { name, version } of response.resources) held[name] = version;
        for (const name of response.removed) delete held[name];
        return [];
      },
      connectionChanged: (isConnected) => void states.push(isConnected),
    },
    // No back-off: what is tested is not how long it waits.
    {
      random: () => 0.1,
      after: (ms, run) => {
        const timer = setTimeout(run, ms);
        return () => clearTimeout(timer);
      },
    },
  );
  closers.push(() => client.close());
  return { client, received, held, states };
}

describe("a sidecar whose control plane is killed", () => {
  it("resumes with another one, and gets not a byte of what it holds", async () => {
    const first = await startPlane(
      new Map([
        ["route a", "1"],
        ["route b", "1"],
      ]),
    );
    const sidecar = connect(first.carrier.port);
    sidecar.client.subscribe("route", ["a", "b"]);
    await expect.poll(() => sidecar.held).toEqual({ a: "1", b: "1" });
    first.carrier.close();
    await expect.poll(() => sidecar.states).toEqual([true, false]);
    sidecar.received.length = 0;
    const second = await startPlane(first.source, first.carrier.port);
    await expect.poll(() => second.server.sidecars()).toMatchObject([{ state: "synced" }]);
    expect(second.pushed()).toBe(0);
    second.set("route", "b", "2");
    await expect.poll(() => sidecar.held).toEqual({ a: "1", b: "2" });
    expect(sidecar.received.map(({ resources }) => resources.map(({ name }) => name))).toEqual([["b"]]);
  });
});

it("a control plane that takes a connection and says nothing is given up after 20 s", async () => {
  const silent = net.createServer().listen(0, "127.0.0.1");
  await once(silent, "listening");
  const { port } = silent.address() as AddressInfo;
  const accepted = once(silent, "connection");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const reasons: string[] = [];
    const transport = grpcTransport(`127.0.0.1:${port}`, () => ({}))({
      onOpen: () => expect.fail("opened"),
      onMessage: () => expect.fail("heard"),
      onClosed: (reason) => void reasons.push(reason),
    });
    await accepted;
    vi.advanceTimersByTime(19_999);
    expect(reasons).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(reasons).toEqual(["no connection within 20 s"]);
    transport.close();
    expect(reasons).toHaveLength(1);
  } finally {
    vi.useRealTimers();
    silent.close();
  }
});

describe("what strangers send", () => {
  const nasty: readonly (readonly [string, (port: number) => Promise<void>])[] = [
    ["garbage", (port) => bytes(port, Buffer.alloc(4_096, 0xff))],
    ["HTTP/1.1", (port) => bytes(port, Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))],
    ["a TLS hello", (port) => bytes(port, Buffer.from("16030102000100", "hex"))],
    ["an unknown method", (port) => call(port, "/weft.discovery.v1.Discovery/Nothing", [])],
    ["a message that is no JSON", (port) => call(port, DISCOVERY_METHOD, [message(Buffer.from("{"))])],
    [
      "a message of another shape",
      (port) => call(port, DISCOVERY_METHOD, [message(Buffer.from('{"kind":1}'))]),
    ],
    [
      "a compressed flag",
      (port) => call(port, DISCOVERY_METHOD, [Buffer.from("0100000002", "hex"), Buffer.from("{}")]),
    ],
    ["a length of 4 GiB", (port) => call(port, DISCOVERY_METHOD, [Buffer.from("00ffffffff", "hex")])],
    ["5 MiB", (port) => call(port, DISCOVERY_METHOD, [message(Buffer.alloc(5 * 1_048_576, "1"))])],
  ];
  for (const [what, send] of nasty) {
    it(`${what}: ended, and the others hear nothing of it`, async () => {
      const plane = await startPlane(new Map([["route a", "1"]]));
      const sidecar = connect(plane.carrier.port);
      sidecar.client.subscribe("route", ["a"]);
      await expect.poll(() => sidecar.held).toEqual({ a: "1" });
      await send(plane.carrier.port);
      plane.set("route", "a", "2");
      await expect.poll(() => sidecar.held).toEqual({ a: "2" });
      expect(sidecar.states).toEqual([true]);
      expect(plane.server.sidecars()).toHaveLength(1);
    });
  }
});

it("a sidecar that reads nothing has one response of a type under way, and then the newest", async () => {
  const plane = await startPlane(new Map([["route a", "0"]]), 0, 1_000_000);
  const session = http2.connect(`http://127.0.0.1:${plane.carrier.port}`);
  closers.push(() => session.destroy());
  session.on("error", () => {});
  const stream = session.request(headers(DISCOVERY_METHOD));
  stream.on("error", () => {});
  const hello = { kind: "discovery", request: { node: nodeOf("slow"), type: "route", subscribe: ["a"] } };
  stream.write(message(Buffer.from(JSON.stringify(hello))));
  stream.pause();
  await expect.poll(() => plane.pushed()).toBeGreaterThan(1_000_000);
  const before = plane.pushed();
  for (let version = 1; version <= 100; version++) plane.set("route", "a", String(version));
  expect(plane.pushed()).toBe(before);
  expect(plane.server.sidecars()).toMatchObject([{ id: "slow", state: "stale" }]);
});

/** Sends bytes and waits for the end; what does not end is ended. */
function bytes(port: number, data: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" }, () => socket.write(data));
    socket.setTimeout(500, () => socket.destroy());
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

/** One gRPC call with these bytes; resolves when it has ended. */
function call(port: number, path: string, parts: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const session = http2.connect(`http://127.0.0.1:${port}`);
    const stream = session.request(headers(path));
    const end = () => {
      session.destroy();
      resolve();
    };
    session.on("error", end);
    stream.on("error", end);
    stream.on("data", () => {});
    // An error that comes before any message is told in the headers.
    stream.on("response", (said) => said["grpc-status"] !== undefined && end());
    stream.on("close", end);
    for (const part of parts) stream.write(part);
    setTimeout(end, 1_000).unref();
  });
}

function headers(path: string): http2.OutgoingHttpHeaders {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
}

function message(json: Buffer): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(json.length, 1);
  return Buffer.concat([prefix, json]);
}
