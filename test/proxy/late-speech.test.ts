/**
 * Connections to a port that does not say what it speaks, whose clients take their time: intercepted ones, through the real outbound side,
 * with a clock that is moved by hand.
 */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RouteResource } from "../../src/discovery/route.ts";
import { ClusterTable } from "../../src/proxy/cluster-table.ts";
import { SILENCE_MS } from "../../src/proxy/http/looks-like-request.ts";
import { InterceptedOutbound } from "../../src/proxy/intercepted-outbound.ts";
import { loopContext } from "../../src/proxy/loop-context.ts";
import { Keyring } from "../../src/proxy/net/credentials.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { Outbound } from "../../src/proxy/outbound.ts";
import { VirtualHost } from "../../src/proxy/routing/virtual-host.ts";
import { type AllocatedSeries, SlotAllocator } from "../../src/proxy/telemetry/slot-allocator.ts";
import { clusterAt, OUTBOUND } from "../harness/loop.ts";

const ADDRESS = { address: "198.18.0.9", port: 80 };
const REQUEST = "GET /late HTTP/1.1\r\nhost: web\r\n\r\n";

/** Most of it takes a millisecond or two. */
const soon = <T>(look: () => T, message = "") => expect.poll(look, { interval: 2, message });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: net.Server): Promise<number> {
  const open = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => open.add(socket));
  closers.push(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as net.AddressInfo).port;
}

/** An instance that says its name over HTTP, and how often it was connected to. */
async function instance(name: string) {
  const server = http.createServer((request, response) => response.end(`${name} ${request.url}`));
  let connections = 0;
  server.on("connection", () => connections++);
  return { port: await listening(server), connections: () => connections };
}

/** The outbound side of a sidecar whose application connects to one address. */
class Side {
  #now = 1_000;
  readonly #pages: Float64Array[] = [];
  readonly #series: AllocatedSeries[] = [];
  readonly #wheel = new TimerWheel(() => this.#now, { set() {} });
  readonly outbound: Outbound;
  port = 0;

  constructor() {
    const allocator = new SlotAllocator(
      (page) => this.#pages.push(new Float64Array(page)),
      (series) => this.#series.push(series),
    );
    const loop = loopContext(this.#wheel, new Keyring(), allocator);
    const nobody = { subscribe() {}, unsubscribe() {} };
    const options = { isOwn: () => false, scope: "lazy", ...nobody } as const;
    this.outbound = new Outbound(loop, new ClusterTable(loop, allocator, "source"), allocator, options);
    this.outbound.configure(OUTBOUND);
  }

  async listen(): Promise<void> {
    const intercepted = new InterceptedOutbound(this.outbound, () => ADDRESS);
    const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) =>
      intercepted.accept(socket, server),
    );
    this.port = await listening(server);
  }

  /** The address leads to instances at this port. */
  lead(name: string, port: number): void {
    for (const change of clusterAt(name, [port])) {
      if (change.kind === "cluster") this.outbound.clusters.set(change.resource);
      if (change.kind === "endpoints")
        this.outbound.clusters.get(change.name)?.setEndpoints(change.endpoints);
    }
    const backends = [{ weight: 1, cluster: `${name}.default:80` }];
    const route: RouteResource = {
      ...{ name: "198.18.0.9:80", service: { name: "web", namespace: "default" }, port: 80 },
      opaque: { isCertain: false, backends },
      matches: [{ rule: 0, source: "test" }],
      rules: [{ name: "all", action: { kind: "forward", backends } }],
    };
    this.outbound.setRoute(new VirtualHost(route));
  }

  /** As the alarm of the wheel does: among the timers of the process. */
  async pass(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
    this.#now += ms;
    this.#wheel.advance();
  }

  get connections() {
    return this.outbound.connections.describe("outbound", this.#now);
  }

  count(name: string): number {
    const found = this.#series.filter((series) => series.name === name);
    return found.reduce((sum, { page, offset }) => sum + (this.#pages[page]?.[offset] ?? 0), 0);
  }
}

/** A client's connection, which has said nothing yet. */
class Client {
  readonly socket: net.Socket;
  text = "";

  constructor(port: number) {
    this.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    closers.push(() => this.socket.destroy());
    this.socket.on("data", (chunk) => {
      this.text += chunk.toString("latin1");
    });
  }
}

let side: Side;
beforeEach(async () => {
  side = new Side();
  await side.listen();
});

/** So many that are joined to the server by now, since it may be the one to speak. */
async function silent(count: number): Promise<readonly Client[]> {
  const clients = Array.from({ length: count }, () => new Client(side.port));
  await Promise.all(clients.map(({ socket }) => once(socket, "connect")));
  await soon(async () => {
    await side.pass(SILENCE_MS);
    return side.connections.filter(({ tunnel }) => tunnel).length;
  }).toBe(count);
  return clients;
}

async function oneSilent(): Promise<Client> {
  const [client] = await silent(1);
  return client ?? expect.fail();
}

async function hasRead(bytes: number): Promise<void> {
  await soon(() => side.connections.reduce((sum, each) => sum + Number(each["bytesRead"]), 0)).toBe(bytes);
}

describe("a client that speaks HTTP late", () => {
  it("is taken as HTTP, in however many parts it speaks", async () => {
    const { port } = await instance("one");
    side.lead("one", port);
    const clients = await silent(REQUEST.length);
    for (const [at, { socket }] of clients.entries()) if (at > 0) socket.write(REQUEST.slice(0, at));
    await hasRead(clients.reduce((sum, _, at) => sum + at, 0));
    for (const [at, { socket }] of clients.entries()) socket.write(REQUEST.slice(at));
    for (const [at, client] of clients.entries())
      await soon(() => client.text, `split at ${at}`).toContain("one /late");
    for (const { socket } of clients) socket.destroy();
    await soon(() => side.connections).toEqual([]);
    expect(side.count("tcp_connections_opened_total")).toBe(clients.length);
    expect(side.count("tcp_connections_closed_total")).toBe(clients.length);
  });

  it("follows what its route says from then on, and leaves the server that it was joined to", async () => {
    const [one, two] = [await instance("one"), await instance("two")];
    side.lead("one", one.port);
    const client = await oneSilent();
    await soon(one.connections).toBe(1);
    side.lead("two", two.port);
    client.socket.write(REQUEST);
    await soon(() => client.text).toContain("two /late");
    side.lead("one", one.port);
    client.socket.write(REQUEST.replace("late", "later"));
    await soon(() => client.text).toContain("one /later");
    expect(side.count("weft_downstream_connections_active")).toBe(1);
    expect(side.count("tcp_connections_closed_total")).toBe(1);
    client.socket.destroy();
    await soon(() => side.count("weft_downstream_connections_active")).toBe(0);
  });
});

it("what lies in the socket when a loop that was held up comes to its timers is read first", async () => {
  const { port, connections } = await instance("one");
  side.lead("one", port);
  const client = new Client(side.port);
  await once(client.socket, "connect");
  await side.pass(0);
  client.socket.write(REQUEST);
  await side.pass(10 * SILENCE_MS);
  await soon(() => client.text).toContain("one /late");
  expect(connections()).toBe(1);
  expect(side.count("tcp_connections_opened_total")).toBe(0);
});

describe("passes unread", () => {
  /** What the server was sent; it greets whoever connects, unless it is given nothing to say. */
  async function server(greeting: string) {
    const received = { text: "", hasEnded: false };
    const made = net.createServer({ allowHalfOpen: true }, (socket) => {
      if (greeting !== "") socket.write(greeting);
      socket.on("data", (chunk) => {
        received.text += chunk.toString("latin1");
        socket.write("heard;");
      });
      socket.on("end", () => {
        received.hasEnded = true;
        socket.end();
      });
    });
    side.lead("one", await listening(made));
    return received;
  }

  it("what comes after the server has spoken, whatever it looks like", async () => {
    const received = await server("220 hello;");
    const client = await oneSilent();
    await soon(() => client.text).toBe("220 hello;");
    client.socket.write(REQUEST);
    await soon(() => client.text).toBe("220 hello;heard;");
    expect(received.text).toBe(REQUEST);
  });

  it("what comes after the server has ended: an answer could no longer be brought", async () => {
    const ending = net.createServer({ allowHalfOpen: true }, (socket) => socket.end().resume());
    side.lead("one", await listening(ending));
    const client = await oneSilent();
    await soon(() => client.socket.readableEnded).toBe(true);
    const { port, connections } = await instance("two");
    side.lead("two", port);
    client.socket.end(REQUEST);
    await soon(() => side.connections).toEqual([]);
    expect(connections()).toBe(0);
    expect(side.count("tcp_received_bytes_total")).toBe(REQUEST.length);
  });

  it("what is no request", async () => {
    const received = await server("");
    const client = await oneSilent();
    client.socket.write("\x16\x03\x01 or anything");
    await soon(() => client.text).toBe("heard;");
    client.socket.write(REQUEST);
    await soon(() => received.text).toBe(`\x16\x03\x01 or anything${REQUEST}`);
  });

  it("what could become a request and does not go on", async () => {
    const received = await server("");
    const client = await oneSilent();
    client.socket.write("HELO");
    await hasRead(4);
    expect(received.text).toBe("");
    await side.pass(SILENCE_MS);
    await soon(() => client.text).toBe("heard;");
    expect(received.text).toBe("HELO");
    client.socket.end();
    await soon(() => received.hasEnded).toBe(true);
  });

  it("what could become a request and ends", async () => {
    const received = await server("");
    const client = await oneSilent();
    client.socket.end("GET");
    await soon(() => received).toEqual({ text: "GET", hasEnded: true });
    await soon(() => client.text).toBe("heard;");
    await soon(() => side.connections).toEqual([]);
    expect(side.count("tcp_received_bytes_total")).toBe(3);
    expect(side.count("tcp_sent_bytes_total")).toBe(6);
  });

  it("nothing: who leaves without a word leaves nothing behind", async () => {
    const received = await server("");
    const client = await oneSilent();
    client.socket.destroy();
    await soon(() => side.connections).toEqual([]);
    expect(received.text).toBe("");
  });
});
