/** One real handshake between two TLS sockets on loopback, and what the server makes of its client, or the client of its server. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { type PeerVerdict, verifyPeer } from "../../src/identity/peer.ts";
import { TRUST_DOMAIN } from "./pki.ts";

export interface Ends {
  readonly client: SecureContextOptions;
  readonly server: SecureContextOptions;
  /** Roots as PEM that the asking end trusts. */
  readonly trusted: string;
}

export type Outcome = PeerVerdict | { readonly kind: "no_handshake"; readonly code: string };

/** What a server finds out about its client. */
export function clientSeenByServer(ends: Ends): Promise<Outcome> {
  return handshake(ends, "client");
}

/** What a client finds out about its server. */
export function serverSeenByClient(ends: Ends): Promise<Outcome> {
  return handshake(ends, "server");
}

async function handshake(ends: Ends, role: "client" | "server"): Promise<Outcome> {
  const common = { minVersion: "TLSv1.3", rejectUnauthorized: false } as const;
  const noHostName = { checkServerIdentity: () => undefined };
  const server = createServer({ ...common, ...ends.server, ca: ends.trusted, requestCert: true });
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const failed = (error: Error) => {
    const code = "code" in error && typeof error.code === "string" ? error.code : error.message;
    resolve({ kind: "no_handshake", code });
  };
  const verdictOn = (socket: TLSSocket) => resolve(peerOf(socket, role));
  server.on("tlsClientError", failed);
  server.on("secureConnection", (socket) => {
    socket.on("error", () => undefined);
    if (role === "client") verdictOn(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connect({
    ...common,
    ...noHostName,
    ...ends.client,
    ca: ends.trusted,
    port,
    host: "127.0.0.1",
  });
  client.on("error", role === "server" ? failed : () => undefined);
  client.on("secureConnect", () => {
    if (role === "server") verdictOn(client);
  });
  const outcome = await promise;
  client.destroy();
  server.close();
  await once(server, "close");
  return outcome;
}

/** Weft's verdict on the other end of a socket. */
export function peerOf(socket: TLSSocket, role: "client" | "server"): PeerVerdict {
  const peer = {
    isVerified: socket.authorized,
    // Declared as an Error; it is the code, or null.
    chainError: socket.authorizationError ? String(socket.authorizationError) : undefined,
    leaf: socket.getPeerX509Certificate()?.raw,
  };
  return verifyPeer(peer, { trustDomain: TRUST_DOMAIN, role, now: Date.now() });
}
