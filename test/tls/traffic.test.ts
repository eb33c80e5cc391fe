/** What goes over mutual TLS arrives whole and in order, and what is cut is seen to be cut. */

import { createHash } from "node:crypto";
import net from "node:net";
import { afterEach, expect, it } from "vitest";
import { exchangeBytes, rawOrigin } from "../harness/raw.ts";
import {
  FAILURES,
  GET,
  get,
  HANDSHAKES,
  idOf,
  inboundAt,
  leafFor,
  type Pair,
  secret,
  shopAt,
  startPair,
  until,
} from "./pair.ts";
import { strangeClient } from "./stranger.ts";

let pair: Pair;
afterEach(() => pair.close());

const MB = 1_048_576;
const OK = /^HTTP\/1.1 200 /;

/** No two parts of it are the same. */
function pattern(bytes: number): Buffer {
  const body = Buffer.alloc(bytes);
  for (let i = 0; i + 4 <= bytes; i += 4) body.writeUInt32BE((i * 2_654_435_761) >>> 0, i);
  return body;
}

const digest = (bytes: string | Buffer) =>
  createHash("sha256")
    .update(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes)
    .digest("hex");

it("a large response reaches a slow reader whole", async () => {
  pair = await startPair();
  const body = pattern(16 * MB);
  const origin = await rawOrigin((_seen, socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
    socket.write(body);
  });
  await pair.server.apply([inboundAt(origin.port, "STRICT")]);
  const socket = net.connect(pair.client.outboundPort, "127.0.0.1");
  socket.write(GET);
  const parts: Buffer[] = [];
  let size = 0;
  socket.on("data", (part: Buffer) => {
    parts.push(part);
    size += part.length;
    if (parts.length % 40 !== 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), 3);
  });
  await new Promise((resolve) => socket.on("close", resolve));
  const all = Buffer.concat(parts, size);
  const from = all.indexOf("\r\n\r\n") + 4;
  expect(all.length - from).toBe(body.length);
  expect(digest(all.subarray(from))).toBe(digest(body));
  await origin.close();
});

it("a large request reaches a slow application whole", async () => {
  pair = await startPair();
  const body = pattern(16 * MB);
  const seen = createHash("sha256");
  let size = 0;
  const origin = net.createServer((socket) => {
    let isBody = false;
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const from = isBody ? 0 : chunk.indexOf("\r\n\r\n") + 4;
      isBody = true;
      seen.update(chunk.subarray(from));
      size += chunk.length - from;
      if (size === body.length) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      socket.pause();
      setTimeout(() => socket.resume(), 1);
    });
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  await pair.server.apply([inboundAt((origin.address() as net.AddressInfo).port, "STRICT")]);
  const socket = net.connect(pair.client.outboundPort, "127.0.0.1");
  socket.write(
    `POST / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
  );
  socket.write(body);
  let answer = "";
  socket.on("data", (part) => {
    answer += part.toString();
  });
  await new Promise((resolve) => socket.on("close", resolve));
  expect([size, seen.digest("hex")]).toEqual([body.length, digest(body)]);
  expect(answer).toMatch(OK);
  origin.close();
});

it("an upgrade is a tunnel through both sidecars", async () => {
  pair = await startPair();
  const origin = await rawOrigin((seen, socket, text) => {
    if (seen === text)
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\nearly");
    else socket.end(text.toUpperCase());
  });
  await pair.server.apply([inboundAt(origin.port, "STRICT")]);
  const socket = net.connect({ port: pair.client.outboundPort, host: "127.0.0.1", allowHalfOpen: false });
  socket.write("GET / HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk.toString();
    if (received.endsWith("early")) socket.write("through");
  });
  await new Promise((resolve) => socket.on("close", resolve));
  expect(received).toMatch(/^HTTP\/1.1 101 .*\r\n\r\nearlyTHROUGH$/s);
  await origin.close();
});

it("a response without a length that is cut off does not pass for a whole one", async () => {
  pair = await startPair();
  const origin = await rawOrigin((_seen, socket) => {
    socket.write("HTTP/1.1 200 OK\r\n\r\nhalf", () => setTimeout(() => socket.resetAndDestroy(), 20));
  });
  await pair.server.apply([inboundAt(origin.port, "STRICT")]);
  const socket = net.connect(pair.client.outboundPort, "127.0.0.1");
  socket.write(GET);
  socket.resume();
  const code = await new Promise((resolve) => {
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.on("end", () => resolve("a clean end"));
  });
  expect(code).toBe("ECONNRESET");
  await origin.close();
});

it("requests at the same time share one connection", async () => {
  pair = await startPair();
  const waiting: net.Socket[] = [];
  const origin = await rawOrigin((_seen, socket) => void waiting.push(socket));
  await pair.server.apply([inboundAt(origin.port, "STRICT")]);
  const answer = () => {
    for (const socket of waiting.splice(0)) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  };
  const first = get(pair.client.outboundPort);
  await until(() => waiting.length === 1, "a request");
  answer();
  expect(await first).toMatch(OK);
  const both = [get(pair.client.outboundPort), get(pair.client.outboundPort)];
  await until(() => waiting.length === 2, "two requests");
  answer();
  for (const each of await Promise.all(both)) expect(each).toMatch(OK);
  const count = (kind: string) => pair.client.read(HANDSHAKES, { listener: "outbound", kind });
  expect([count("full"), count("resumed")]).toEqual([1, 0]);
  await origin.close();
});

it("a server whose certificate has expired is refused by clients, and itself serves nobody", async () => {
  pair = await startPair();
  await pair.server.apply([secret("shop", leafFor("shop", { notAfter: Date.now() - 1_000 }))]);
  expect(await get(pair.client.outboundPort)).toMatch(/^HTTP\/1.1 503 .*UF peer_refused: .*\(expired\)/s);
  expect((await strangeClient(pair.server.inboundPort, GET)).received).toBe("");
  await until(
    () => pair.server.read(FAILURES, { reason: "own_certificate_expired" }) >= 1,
    "a refusal for its own sake",
  );
  expect(pair.app.received).toBe("");
  await pair.server.apply([secret("shop")]);
  expect(await get(pair.client.outboundPort)).toMatch(OK);
});

it("an endpoint that changes to mutual TLS leaves its plain connections, and back", async () => {
  pair = await startPair("PERMISSIVE");
  const plain = shopAt(pair.server.inboundPort, { tls: "none" });
  const security = (policy: string) =>
    pair.server.read("requests", { reporter: "destination", connection_security_policy: policy });
  for (const [changes, policy, count] of [
    [plain, "none", 1],
    [shopAt(pair.server.inboundPort), "mutual_tls", 1],
    [plain, "none", 2],
    [shopAt(pair.server.inboundPort), "mutual_tls", 2],
  ] as const) {
    await pair.client.apply(changes);
    expect(await get(pair.client.outboundPort)).toMatch(OK);
    await until(() => security(policy) === count, `${count} requests of ${policy}`);
  }
});

it("a hundred requests on one connection, one after the other, and pipelined", async () => {
  pair = await startPair();
  const keep = GET.replace("Connection: close\r\n", "");
  const text = await exchangeBytes(pair.client.outboundPort, [keep.repeat(99) + GET]);
  expect(text.match(/HTTP\/1.1 200 /g)).toHaveLength(100);
  const by = new RegExp(`By=${idOf("shop")};Hash=[0-9a-f]{64};URI=${idOf("client")}\r\n`, "g");
  expect(pair.app.received.match(by)).toHaveLength(100);
});
