/** The hop between two real traffic loops: what one request does is no other's business. */
import { once } from "node:events";
import net from "node:net";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OUTBOUND, plainRoute, type RunningLoop, startLoop } from "../harness/loop.ts";
import { type RawOrigin, rawOrigin } from "../harness/raw.ts";
import { GET, get, HANDSHAKES, inboundAt, secret, shopAt, until } from "../tls/pair.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const KEEP = GET.replace("Connection: close\r\n", "");

interface Asked {
  readonly path: string;
  readonly socket: net.Socket;
}

let client: RunningLoop;
let server: RunningLoop;
let app: RawOrigin;
/** Requests that the application has, and has not answered. */
let asked: Asked[];

beforeEach(async () => {
  asked = [];
  app = await rawOrigin((_seen, socket, text) => {
    const path = /^[A-Z]+ (\S+) /.exec(text)?.[1];
    if (path === "/now") socket.write(OK);
    else if (path !== undefined) asked.push({ path, socket });
  });
  [client, server] = await Promise.all([startLoop(), startLoop()]);
  await server.apply([secret("shop"), inboundAt(app.port, "STRICT")]);
  const listener = { kind: "listener", resource: OUTBOUND } as const;
  await client.apply([secret("client"), listener, ...shopAt(server.inboundPort)]);
});

afterEach(async () => {
  await Promise.all([client.close(), server.close()]);
  await app.close();
});

const closeOf = (socket: net.Socket) => new Promise<void>((resolve) => socket.on("close", () => resolve()));
const requestFor = (path: string) => GET.replace("GET /", `GET ${path}`);
const ask = (path: string) => get(client.outboundPort, requestFor(path));
const handshakes = () => client.read(HANDSHAKES, { listener: "outbound" });
const hops = () => client.read("weft_hop_connections_active", { listener: "outbound" });
const waitingFor = async (path: string): Promise<net.Socket> => {
  await until(() => asked.some((a) => a.path === path), path);
  const found = asked.find((a) => a.path === path);
  if (found === undefined) throw new Error(path);
  return found.socket;
};

it("a client that goes away ends its request at the application, and no other", async () => {
  const socket = net.connect(client.outboundPort, "127.0.0.1", () => socket.write(requestFor("/gone")));
  const other = ask("/other");
  const atApp = await waitingFor("/gone");
  const closed = closeOf(atApp);
  socket.resetAndDestroy();
  await closed;
  (await waitingFor("/other")).write(OK);
  expect(await other).toMatch(/^HTTP\/1\.1 200 /);
  expect([handshakes(), hops()]).toEqual([1, 1]);
});

it("a request that takes too long ends alone", async () => {
  const action = { kind: "forward", backends: [{ weight: 1, cluster: "shop.default:80" }] } as const;
  for (const change of plainRoute("shop")) {
    if (change.kind !== "route") continue;
    const rules = [{ name: "all", action, backendRequestTimeoutMs: 100 }];
    await client.apply([{ ...change, resource: { ...change.resource, rules } }]);
  }
  const late = ask("/late");
  const closed = closeOf(await waitingFor("/late"));
  expect(await late).toMatch(/^HTTP\/1\.1 504 /);
  await closed;
  expect(await ask("/now")).toMatch(/^HTTP\/1\.1 200 /);
  expect([handshakes(), hops()]).toEqual([1, 1]);
});

it("a client that does not read its response stops no other", async () => {
  const stalled = net.connect(client.outboundPort, "127.0.0.1", () => stalled.write(requestFor("/large")));
  stalled.pause();
  const atApp = await waitingFor("/large");
  const size = 64 * 1_048_576;
  atApp.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
  const block = Buffer.alloc(1_048_576);
  while (atApp.write(block));
  await until(() => atApp.writableLength > 0, "the application is stopped");
  for (let i = 0; i < 20; i++) expect(await ask("/now")).toMatch(/^HTTP\/1\.1 200 /);
  expect(hops()).toBe(1);
  const closed = closeOf(atApp);
  stalled.destroy();
  await closed;
});

it("more than 256 requests at a time need a second connection", async () => {
  const all = Array.from({ length: 300 }, (_, i) => ask(`/${i}`));
  await until(() => asked.length === 300, "300 requests");
  expect(hops()).toBe(2);
  for (const { socket } of asked) socket.write(OK);
  for (const answer of await Promise.all(all)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

it("an upload passes whole, and a response as large comes back", async () => {
  const size = 8 * 1_048_576;
  let received = 0;
  const echo = await rawOrigin((_seen, socket, text) => {
    if (received === 0) socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
    const body = text.includes("\r\n\r\n") ? text.slice(text.indexOf("\r\n\r\n") + 4) : text;
    received += body.length;
    socket.write(Buffer.from(body, "latin1"));
  });
  await server.apply([inboundAt(echo.port, "STRICT")]);
  const socket = net.connect(client.outboundPort, "127.0.0.1");
  socket.write(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${size}\r\n\r\n`);
  const body = Buffer.from(Array.from({ length: 65_536 }, (_, i) => i * 31 + (i >> 8)));
  for (let sent = 0; sent < size; sent += body.length) socket.write(body);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of socket) {
    chunks.push(chunk);
    length += chunk.length;
    const head = Buffer.concat(chunks.slice(0, 1)).indexOf("\r\n\r\n") + 4;
    if (length - head >= size) break;
  }
  const all = Buffer.concat(chunks);
  const answer = all.subarray(all.indexOf("\r\n\r\n") + 4);
  for (let at = 0; at < size; at += body.length) {
    expect(answer.subarray(at, at + body.length).equals(body)).toBe(true);
  }
  await echo.close();
});

it("a sidecar that drains finishes what it has and lets its callers go", async () => {
  const slow = ask("/slow");
  const atApp = await waitingFor("/slow");
  server.send({ kind: "drain", graceMs: 50, timeoutMs: 5_000 });
  const drained = server.next("drained");
  await new Promise((resolve) => setTimeout(resolve, 100));
  atApp.write(OK);
  expect(await slow).toMatch(/^HTTP\/1\.1 200 /);
  expect((await drained).cut).toBe(0);
  await until(() => hops() === 0, "the hop is closed");
});

/** Passes bytes on until it is told to break. */
async function breakable(port: number): Promise<{ port: number; cut: () => void; close: () => void }> {
  const sockets = new Set<net.Socket>();
  const relay = net.createServer((near) => {
    const far = net.connect(port, "127.0.0.1");
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => sockets.delete(socket));
    }
  });
  relay.listen(0, "127.0.0.1");
  await once(relay, "listening");
  return {
    port: (relay.address() as net.AddressInfo).port,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () => relay.close(),
  };
}

it("a hop that breaks fails exactly the requests that are on it", async () => {
  const relay = await breakable(server.inboundPort);
  await client.apply(shopAt(relay.port));
  const socket = net.connect(client.outboundPort, "127.0.0.1", () => socket.write(KEEP.replace("/", "/now")));
  await once(socket, "data");
  // One of them on the stream of before, where a GET would be tried again.
  const post = (path: string) => get(client.outboundPort, requestFor(path).replace("GET", "POST"));
  const lost = [post("/a"), post("/b")];
  await waitingFor("/a");
  await waitingFor("/b");
  relay.cut();
  for (const answer of await Promise.all(lost))
    expect(answer).toMatch(/^HTTP\/1\.1 503 [\s\S]*x-weft-error: UC;/);
  // Its stream had been at rest: the next request goes on a new hop.
  socket.write(KEEP.replace("/", "/now"));
  const [answer] = await once(socket, "data");
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /);
  expect([handshakes(), hops()]).toEqual([2, 1]);
  socket.destroy();
  relay.close();
});

it("two Services of one sidecar share its connection", async () => {
  const second = shopAt(server.inboundPort).map((change) =>
    JSON.parse(
      JSON.stringify(change)
        .replaceAll("shop.default", "stock.default")
        .replace('"name":"shop"', '"name":"stock"'),
    ),
  );
  await client.apply(second);
  expect(await ask("/now")).toMatch(/^HTTP\/1\.1 200 /);
  const other = get(client.outboundPort, requestFor("/now").replace("Host: shop", "Host: stock"));
  expect(await other).toMatch(/^HTTP\/1\.1 200 /);
  expect([handshakes(), hops()]).toEqual([1, 1]);
});
