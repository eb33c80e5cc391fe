/**
 * A traffic loop's own identity, ready for handshakes: made once for each secret, never changed, so that a new secret closes
 * nothing. `node:tls` is loaded with the first one: a sidecar without mutual TLS saves 3 MB.
 */
import type { SecureContext, Server, TLSSocket } from "node:tls";
import { type PeerVerdict, verifyPeer } from "../../identity/peer.ts";
import type { Secret } from "../../identity/secret.ts";
import { DEFAULT_PROTOCOL } from "./tls-connection.ts";

/** Between sidecars, most wanted first. */
export const PROTOCOLS: readonly string[] = ["weft/1", DEFAULT_PROTOCOL];

/** TLS 1.3 only; AES-128-GCM and P-256 first, because they cost least where there is hardware for them. */
const PARAMETERS = {
  minVersion: "TLSv1.3",
  ciphers: "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256",
  ecdhCurve: "P-256:X25519",
} as const;

export type Tls = typeof import("node:tls");

export class Credentials {
  readonly id: string;
  readonly trustDomain: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  readonly tls: Tls;
  readonly client: SecureContext;
  /** Listens nowhere: accepted sockets are handed to it. */
  readonly server: Server;

  constructor(secret: Secret) {
    this.id = secret.id;
    this.trustDomain = secret.trustDomain;
    this.notAfter = secret.notAfter;
    this.tls = process.getBuiltinModule("node:tls");
    const own = { ...PARAMETERS, key: secret.privateKey, cert: secret.chain, ca: secret.bundle };
    this.client = this.tls.createSecureContext(own);
    this.server = this.tls.createServer({
      ...own,
      requestCert: true,
      // Judged by `verify`: only so is the reason of a refusal known.
      rejectUnauthorized: false,
      ALPNProtocols: [...PROTOCOLS],
      ticketKeys: Buffer.from(secret.ticketKeys),
      sessionIdContext: "weft",
    });
  }

  /** Whether the own certificate is over. */
  get isExpired(): boolean {
    return Date.now() > this.notAfter;
  }

  /** Who is at the other end of a socket whose handshake is complete, and who has shown `leaf`. */
  verify(socket: TLSSocket, role: "client" | "server", leaf: Uint8Array | undefined): PeerVerdict {
    const peer = {
      isVerified: socket.authorized,
      // Declared as an Error; it is the code, or null.
      chainError: socket.authorizationError ? String(socket.authorizationError) : undefined,
      leaf,
    };
    return verifyPeer(peer, { trustDomain: this.trustDomain, role, now: Date.now() });
  }
}

/** Where a loop keeps its credentials; null until the first secret. */
export class Keyring {
  credentials: Credentials | null = null;
}
