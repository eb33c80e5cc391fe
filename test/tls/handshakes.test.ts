/** Hostile input 35 and 36 at the inbound port: what is no handshake, what never ends, what asks for odd names and protocols. */

import { randomBytes } from "node:crypto";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import { MAX_HANDSHAKES } from "../../src/proxy/net/tls-accept.ts";
import { drippingRelay } from "./dripping-relay.ts";
import { silentClient, startAcceptor, type TestAcceptor } from "./in-process.ts";
import { secretFor, until } from "./pair.ts";
import { NO_HOST_NAME, RIGHT, strangeClient } from "./stranger.ts";

let server: TestAcceptor;
beforeEach(async () => {
  server = await startAcceptor(secretFor("shop"));
});
afterEach(() => server.close());

/** The next right client is served. */
async function isAlive(): Promise<void> {
  const client = strangeClient(server.port, "hello");
  await until(() => server.counted.completed.length > 0, "a handshake");
  server.close();
  expect((await client).received).toMatch(/^(hello)?$/);
}

it.each([
  ["TLS 1.2", { maxVersion: "TLSv1.2" }, "protocol_version", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"],
  [
    "TLS 1.0",
    { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" },
    "protocol_version",
    "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  ],
  [
    "an unknown protocol",
    { ALPNProtocols: ["spdy/1"] },
    "no_application_protocol",
    "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
  ],
  [
    "100 unknown protocols",
    { ALPNProtocols: Array.from({ length: 100 }, (_, i) => `p${i}`) },
    "no_application_protocol",
    "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL",
  ],
  [
    "a curve that nobody should use",
    { ecdhCurve: "secp521r1" },
    "no_shared_algorithm",
    "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE",
  ],
] as const)("%s is refused with an alert, and counted", async (_is, options, fault, code) => {
  const { ALPNProtocols, ...rest } = options as { ALPNProtocols?: readonly string[] };
  const outcome = await strangeClient(server.port, "hello", {
    ...rest,
    ...(ALPNProtocols && { ALPNProtocols: [...ALPNProtocols] }),
  });
  expect([outcome.received, outcome.code]).toEqual(["", code]);
  expect(server.counted.failed).toEqual([fault]);
  await isAlive();
});

it.each([
  ["no protocol", {}],
  ["ours among 100", { ALPNProtocols: [...Array.from({ length: 99 }, (_, i) => `p${i}`), "http/1.1"] }],
  ["a name", { servername: "shop.default.svc.cluster.local" }],
  ["an upper-case name", { servername: "SHOP.Default" }],
  ["a name of 255 bytes", { servername: `${"a".repeat(60)}.`.repeat(4).slice(0, 255) }],
  ["a name with dots of Unicode", { servername: "shop。default" }],
  ["an empty label", { servername: "a..b" }],
  ["a name like an option", { servername: "__proto__" }],
])("taken is a client that asks for %s", async (_is, options) => {
  const client = strangeClient(server.port, "hello", options);
  await until(() => server.clients.length === 1, "a client");
  server.close();
  await client;
  expect(server.counted.failed).toEqual([]);
  expect(server.protocols).toEqual(["http/1.1"]);
});

it.each([
  ["zero bytes of name", ""],
  ["a name with NUL", "shop\0.evil"],
  ["a name of 300 bytes", "a".repeat(300)],
  ["an address", "10.0.0.1"],
  ["a name that is no text", "\xff\xfe"],
])("a ClientHello with %s in its SNI ends without harm", async (_is, name) => {
  const { isClosed } = silentClient(server.port, clientHello(name));
  await until(() => isClosed() || server.acceptor.size === 1, "an answer");
  server.advance(10_020);
  await until(isClosed, "the end of the connection");
  expect(server.counted.failed).toHaveLength(1);
  await isAlive();
});

it.each([
  ["random bytes in a handshake record", `\x16\x03\x01\x02\x00\x01${randomBytes(511).toString("latin1")}`],
  ["an SSLv2 hello", "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10"],
  ["a request for HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["a heartbeat", "\x18\x03\x02\x00\x03\x01\x40\x00"],
])("%s closes the connection at once", async (_is, bytes) => {
  const { isClosed } = silentClient(server.port, bytes);
  await until(isClosed, "the end of the connection");
  expect(server.counted.failed).toHaveLength(1);
  await isAlive();
});

it.each([
  ["of 64 KB", 65_532, 65_532],
  ["that promises 256 KB, before they come", 262_144, 100],
])("a ClientHello %s is refused", async (_is, promised, sent) => {
  const length = String.fromCharCode(promised >> 16, (promised >> 8) & 0xff, promised & 0xff);
  const message = `\x01${length}${"\0".repeat(sent)}`;
  const records = message.match(/.{1,16384}/gs) ?? [];
  const bytes = records.map((part) => `\x16\x03\x01${u16(part.length)}${part}`).join("");
  const { isClosed } = silentClient(server.port, bytes);
  await until(isClosed, "the end of the connection");
  expect(server.counted.failed).toEqual(["protocol_error"]);
});

it.each([0, 1, 5, 6, 100])("one that stops after %i bytes is closed after 10 s", async (bytes) => {
  const relay = await drippingRelay(server.port, bytes);
  const client = strangeClient(relay.port, "hello");
  await until(() => server.acceptor.size === 1, "a connection");
  await new Promise((resolve) => setTimeout(resolve, 20));
  server.advance(9_900);
  expect(server.acceptor.size).toBe(1);
  server.advance(120);
  expect([server.acceptor.size, server.counted.failed]).toEqual([0, ["timeout"]]);
  relay.close();
  expect((await client).received).toBe("");
});

it("a connection that ends before it says anything is nobody's failure", async () => {
  const { socket } = silentClient(server.port, "");
  await until(() => server.acceptor.size === 1, "a connection");
  socket.destroy();
  await until(() => server.acceptor.size === 0, "its end");
  expect(server.counted.failed).toEqual([]);
});

it("the first byte alone decides nothing: one that ends after it is counted", async () => {
  const { socket } = silentClient(server.port, "\x16");
  await until(() => server.acceptor.size === 1, "a connection");
  await new Promise((resolve) => setTimeout(resolve, 20));
  socket.end();
  await until(() => server.acceptor.size === 0, "its end");
  expect(server.counted.failed).toEqual(["closed"]);
});

it("one that ends in the middle of a handshake is closed at once", async () => {
  const { socket, isClosed } = silentClient(server.port, clientHello("shop").slice(0, 40));
  await until(() => server.acceptor.busy === 1, "the beginning of a handshake");
  socket.end();
  await until(isClosed, "the end of the connection");
  expect([server.acceptor.size, server.counted.failed]).toEqual([0, ["closed"]]);
});

it("a client that has said all it will after the handshake still gets its answer", async () => {
  const answer = await new Promise((resolve) => {
    let received = "";
    const halfOpen = { allowHalfOpen: true };
    const socket = connect({ ...RIGHT, ...NO_HOST_NAME, ...halfOpen, port: server.port, host: "127.0.0.1" });
    socket.on("secureConnect", () => socket.end("hello"));
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("close", () => resolve(received));
  });
  expect(answer).toBe("hello");
});

it("there is a bound; over it the newest is closed, or the oldest once it has had its time", async () => {
  const all = Array.from({ length: MAX_HANDSHAKES }, () => silentClient(server.port, "\x16"));
  await until(() => server.acceptor.size === MAX_HANDSHAKES, "as many as may be");
  const newest = silentClient(server.port, "\x16");
  await until(newest.isClosed, "the end of the newest");
  expect(all.some((client) => client.isClosed())).toBe(false);
  server.advance(1_020);
  await strangeClientIsServed();
  expect(all.filter((client) => client.isClosed())).toHaveLength(1);
  expect(server.counted.failed).toEqual(["too_many", "too_many"]);
  for (const { socket } of all) socket.destroy();

  async function strangeClientIsServed(): Promise<void> {
    void strangeClient(server.port, "hello");
    await until(() => server.clients.length === 1, "a handshake");
    await until(() => all.some((client) => client.isClosed()), "the end of the oldest");
  }
});

it("without a certificate of its own, a sidecar takes no TLS", async () => {
  const bare = await startAcceptor(null);
  expect((await strangeClient(bare.port, "hello")).received).toBe("");
  expect(bare.counted.failed).toEqual(["no_own_certificate"]);
  bare.close();
});

/** A ClientHello for TLS 1.3 with a server name of any bytes, and little else that is right. */
function clientHello(name: string): string {
  const vec = (text: string) => u16(text.length) + text;
  const extension = (type: number, text: string) => u16(type) + vec(text);
  const extensions =
    extension(0, vec(`\0${vec(name)}`)) +
    extension(43, "\x02\x03\x04") +
    extension(10, vec("\x00\x17")) +
    extension(13, vec("\x04\x03")) +
    extension(51, vec(""));
  const body = `\x03\x03${"r".repeat(32)}\x00${vec("\x13\x01")}\x01\x00${vec(extensions)}`;
  const message = `\x01\x00${vec(body)}`;
  return `\x16\x03\x01${vec(message)}`;
}

function u16(n: number): string {
  return String.fromCharCode(n >> 8, n & 0xff);
}
