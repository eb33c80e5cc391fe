/**
 * Hostile input 37, as far as identity goes: what a socket knows of its peer when a session is resumed. A server is still
 * told the client's leaf and checks it again; a client is told none, so it must remember whom a session was with.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type TLSSocket } from "node:tls";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { PeerVerdict } from "../../src/identity/peer.ts";
import { peerOf } from "./handshake.ts";
import { contextOf, type Holder, makeCa, makeLeaf, pemOf, WEB } from "./pki.ts";

const root = makeCa("root");
const common = { ca: pemOf(root), minVersion: "TLSv1.3", rejectUnauthorized: false } as const;

let server: Server;
beforeEach(async () => {
  server = createServer({ ...common, ...contextOf(makeLeaf(root)), requestCert: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
afterEach(async () => {
  server.close();
  await once(server, "close");
});

interface Met {
  readonly isResumed: boolean;
  readonly client: PeerVerdict;
  readonly server: PeerVerdict;
  readonly session: Buffer | undefined;
}

async function meet(leaf: Holder, session?: Buffer): Promise<Met> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
  const noHostName = { checkServerIdentity: () => undefined };
  const resumed = session === undefined ? {} : { session };
  const socket = connect({
    ...common,
    ...noHostName,
    ...contextOf(leaf),
    ...resumed,
    port,
    host: "127.0.0.1",
  });
  const ticket = Promise.withResolvers<Buffer>();
  socket.on("session", ticket.resolve);
  const [other] = await accepted;
  other.resume().write("x");
  await once(socket, "data");
  const met = {
    isResumed: socket.isSessionReused() && other.isSessionReused(),
    client: peerOf(other, "client"),
    server: peerOf(socket, "server"),
    session: session ?? (await ticket.promise),
  };
  socket.destroy();
  other.destroy();
  return met;
}

it("the server knows its client again, the client must remember its server", async () => {
  const leaf = makeLeaf(root);
  const first = await meet(leaf);
  expect(first).toMatchObject({ isResumed: false, client: { id: WEB }, server: { id: WEB } });
  const second = await meet(leaf, first.session);
  expect(second).toMatchObject({ isResumed: true, client: { kind: "peer", id: WEB } });
  expect(second.server).toEqual({ kind: "refused", reason: "no_certificate" });
});

it("a client that was refused is refused again, in the same session", async () => {
  const stranger = makeLeaf(makeCa("other"));
  const first = await meet(stranger);
  const second = await meet(stranger, first.session);
  const refused = { kind: "refused", reason: "untrusted_root" };
  expect([first.client, second.isResumed, second.client]).toEqual([refused, true, refused]);
});
