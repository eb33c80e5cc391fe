/**
 * Connections to a port that does not say what it speaks, whose clients take their time: intercepted ones, through the real outbound side,
 * with a clock that is moved by hand.
 */
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SILENCE_MS } from "../../src/proxy/http/looks-like-request.ts";
import { InterceptedSide, listen } from "../harness/intercepted-outbound.ts";

const REQUEST = "GET /late HTTP/1.1\r\nhost: web\r\n\r\n";

/** Most of it takes a millisecond or two. */
const soon = <T>(look: () => T, message = "") => expect.poll(look, { interval: 2, message });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listening(server: net.Server): Promise<number> {
  const { port, close } = await listen(server);
  closers.push(close);
  return port;
}

/** An instance that says its name over HTTP, and how often it was connected to. */
async function instance(name: string) {
  const server = http.createServer((request, response) => response.end(`${name} ${request.url}`));
  let connections = 0;
  server.on("connection", () => connections++);
  return { port: await listening(server), connections: () => connections };
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

let side: InterceptedSide;
beforeEach(async () => {
  side = await InterceptedSide.start();
  closers.push(() => side.close());
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
