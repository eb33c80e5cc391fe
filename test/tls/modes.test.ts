/** What an inbound listener takes by its mode, told from the first bytes; hostile input 35 where it is about those. */

import net from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exchangeBytes } from "../harness/raw.ts";
import { drippingRelay } from "./dripping-relay.ts";
import { FAILURES, GET, get, inboundAt, type Pair, startPair, until } from "./pair.ts";
import { strangeClient } from "./stranger.ts";

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair.close());

const OK = /^HTTP\/1.1 200 /;
const failures = (reason: string) => pair.server.read(FAILURES, { listener: "inbound", reason });

/** Bytes one at a time, each in a packet of its own where the kernel is kind. */
function dripped(text: string): string[] {
  return [...text];
}

it("STRICT closes plaintext, counts it, and the application hears nothing", async () => {
  await pair.server.apply([inboundAt(pair.app.port, "STRICT")]);
  const before = pair.app.connections;
  expect(await exchangeBytes(pair.server.inboundPort, [GET])).toBe("");
  await until(() => failures("plaintext") === 1, "one plaintext connection counted");
  expect(pair.app.connections).toBe(before);
  expect(await get(pair.client.outboundPort)).toMatch(OK);
});

it("PERMISSIVE takes both, also where the first bytes drip", async () => {
  await pair.server.apply([inboundAt(pair.app.port, "PERMISSIVE")]);
  expect(await get(pair.client.outboundPort)).toMatch(OK);
  pair.app.received = "";
  expect(await exchangeBytes(pair.server.inboundPort, [GET])).toMatch(OK);
  expect(await exchangeBytes(pair.server.inboundPort, dripped(GET))).toMatch(OK);
  expect(pair.app.received).not.toContain("client-cert");
  const plain = { reporter: "destination", connection_security_policy: "none", source_principal: "unknown" };
  await until(() => pair.server.read("requests", plain) === 2, "two unproven requests");
  const relay = await drippingRelay(pair.server.inboundPort);
  expect((await strangeClient(relay.port, GET)).received).toMatch(OK);
  relay.close();
});

it("what begins like TLS and is none goes the way of plaintext", async () => {
  await pair.server.apply([inboundAt(pair.app.port, "PERMISSIVE")]);
  for (const parts of [
    ["\x16\x03\x01\x00\x05\x02"],
    ["\x16", "GET /"],
    ["\x16\x03", "\x01\x00\x05", "\x02"],
  ]) {
    expect(await exchangeBytes(pair.server.inboundPort, parts)).toMatch(/^HTTP\/1.1 400 /);
  }
});

it("DISABLE takes plaintext alone: TLS is refused as what it is not, and the application hears nothing", async () => {
  await pair.server.apply([inboundAt(pair.app.port, "DISABLE")]);
  const before = pair.app.connections;
  const { received, code } = await strangeClient(pair.server.inboundPort, GET);
  expect([received, code]).toEqual(["", "ERR_SSL_WRONG_VERSION_NUMBER"]);
  expect(pair.app.connections).toBe(before);
  expect(await exchangeBytes(pair.server.inboundPort, [GET])).toMatch(OK);
});

it("a change of mode leaves connections as they are", async () => {
  await pair.server.apply([inboundAt(pair.app.port, "DISABLE")]);
  const socket = net.connect(pair.server.inboundPort, "127.0.0.1");
  const next = () =>
    new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(chunk.toString())));
  const keep = GET.replace("Connection: close\r\n", "");
  socket.write(keep);
  expect(await next()).toMatch(OK);
  await pair.server.apply([inboundAt(pair.app.port, "STRICT")]);
  socket.write(keep);
  expect(await next()).toMatch(OK);
  socket.destroy();
});

it("a STRICT port of a listener that takes plaintext answers 403 to it, and to mutual TLS as ever", async () => {
  const permissive = inboundAt(pair.app.port, "PERMISSIVE");
  if (permissive.kind !== "listener" || permissive.resource.name !== "inbound")
    throw new TypeError("inbound");
  const ports = permissive.resource.ports.map((port) => ({ ...port, mtls: "STRICT" as const }));
  await pair.server.apply([{ ...permissive, resource: { ...permissive.resource, ports } }]);
  const before = pair.app.connections;
  const refused = await exchangeBytes(pair.server.inboundPort, [GET]);
  expect(refused).toMatch(/^HTTP\/1.1 403 /);
  expect(refused).toContain("x-weft-error: UAEX; a PeerAuthentication asks for mutual TLS here");
  expect(pair.app.connections).toBe(before);
  expect(await get(pair.client.outboundPort)).toMatch(OK);
});
