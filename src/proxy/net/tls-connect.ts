/**
 * Mutual TLS towards one endpoint. The connection is handed over only when the server has proven to be the workload that the
 * configuration says is there, so that a wrong one gets no byte of a request. A session is resumed with the endpoint it
 * began with, under the same credentials, and its server is verified again: OpenSSL tells no certificate then, so the leaf is
 * kept beside the session.
 */
import net from "node:net";
import type { TLSSocket } from "node:tls";
import { formatWorkloadId } from "../../identity/spiffe-id.ts";
import type { Credentials, Keyring } from "./credentials.ts";
import { PROTOCOLS } from "./credentials.ts";
import {
  connectionError,
  type HandshakeFault,
  handshakeFault,
  PEER_REFUSED,
  TLS_FAILED,
} from "./handshake-fault.ts";
import { type IsOwn, refuseOwn } from "./own-address.ts";
import { TlsConnection } from "./tls-connection.ts";
import type { Sink } from "./transport.ts";

/** No request begins on a connection whose certificates end within this time. */
const RETIRE_MS = 60_000;

export interface Session {
  readonly ticket: Buffer;
  /** The server's, as verified when the session began. */
  readonly leaf: Buffer;
  readonly credentials: Credentials;
}

/** Who is to be reached, and what is remembered of it. */
export interface TlsTarget {
  readonly address: string;
  readonly port: number;
  readonly namespace: string;
  readonly serviceAccount: string;
  session: Session | null;
  /** What it chose last, by ALPN; null before the first time. */
  protocol: string | null;
}

export interface HandshakeCounts {
  completed(isResumed: boolean): void;
  failed(fault: HandshakeFault): void;
}

export class Origination {
  readonly #keyring: Keyring;
  readonly #counts: HandshakeCounts;

  constructor(keyring: Keyring, counts: HandshakeCounts) {
    this.#keyring = keyring;
    this.#counts = counts;
  }

  /** Begins a connection; `sink` hears of failure by `onClose`, never before this returns. */
  connect(sink: Sink, target: TlsTarget, isOwn: IsOwn, onConnect: () => void): TlsConnection {
    const connection = new TlsConnection(sink);
    const { credentials } = this.#keyring;
    if (credentials === null || credentials.isExpired) {
      const fault = credentials === null ? "no_own_certificate" : "own_certificate_expired";
      process.nextTick(() => this.#fail(connection, TLS_FAILED, fault));
      return connection;
    }
    const { address: host, port } = target;
    const tcp = net.connect({ host, port, noDelay: true, keepAlive: true, allowHalfOpen: true });
    refuseOwn(tcp, host, port, isOwn);
    connection.connecting(tcp);
    let error: NodeJS.ErrnoException | null = null;
    const failedToConnect = () => connection.closed(error);
    tcp.on("error", (reason) => {
      error = reason;
    });
    tcp.once("close", failedToConnect);
    tcp.once("connect", () => {
      tcp.off("close", failedToConnect);
      this.#shakeHands(connection, tcp, target, credentials, onConnect);
    });
    return connection;
  }

  #shakeHands(
    connection: TlsConnection,
    tcp: net.Socket,
    target: TlsTarget,
    credentials: Credentials,
    onConnect: () => void,
  ): void {
    const remembered = target.session?.credentials === credentials ? target.session : null;
    const socket = credentials.tls.connect({
      socket: tcp,
      secureContext: credentials.client,
      ALPNProtocols: [...PROTOCOLS],
      rejectUnauthorized: false,
      // Names here are SPIFFE ids, not hosts.
      checkServerIdentity: () => undefined,
      ...(remembered === null ? {} : { session: remembered.ticket }),
    });
    connection.connecting(socket);
    let error: NodeJS.ErrnoException | null = null;
    const failed = () => this.#fail(connection, TLS_FAILED, handshakeFault(error));
    socket.on("error", (reason) => {
      error = reason;
    });
    socket.once("close", failed);
    socket.once("secureConnect", () => {
      socket.off("close", failed);
      const isResumed = socket.isSessionReused();
      const server = judgeServer(socket, target, credentials, isResumed ? remembered : null);
      if (server.kind === "refused") {
        target.session = null;
        socket.destroy();
        this.#fail(connection, PEER_REFUSED, server.fault, server.detail);
        return;
      }
      this.#counts.completed(isResumed);
      const { leaf } = server;
      socket.on("session", (ticket) => {
        target.session = { ticket, leaf, credentials };
      });
      connection.begin(socket, tcp, Math.min(server.notAfter, credentials.notAfter) - RETIRE_MS);
      onConnect();
    });
  }

  #fail(connection: TlsConnection, code: string, fault: HandshakeFault, detail: string = fault): void {
    if (!connection.isGivenUp) this.#counts.failed(fault);
    connection.closed(connectionError(code, detail));
  }
}

type Server =
  | { readonly kind: "server"; readonly leaf: Buffer; readonly notAfter: number }
  | { readonly kind: "refused"; readonly fault: HandshakeFault; readonly detail: string };

/** Whether a socket whose handshake is complete leads to the target; `resumed`: the session that it began with, if so. */
export function judgeServer(
  socket: TLSSocket,
  target: Pick<TlsTarget, "namespace" | "serviceAccount">,
  credentials: Credentials,
  resumed: Session | null,
): Server {
  const leaf = socket.getPeerX509Certificate()?.raw ?? resumed?.leaf;
  const verdict = credentials.verify(socket, "server", leaf);
  if (verdict.kind === "refused" || leaf === undefined) {
    const fault = verdict.kind === "refused" ? verdict.reason : "no_certificate";
    return { kind: "refused", fault, detail: fault };
  }
  const { namespace, serviceAccount } = target;
  const expected = formatWorkloadId({ trustDomain: credentials.trustDomain, namespace, serviceAccount });
  if (verdict.id !== expected) {
    const detail = `wrong_identity: expected ${expected}, found ${verdict.id}`;
    return { kind: "refused", fault: "wrong_identity", detail };
  }
  return { kind: "server", leaf, notAfter: verdict.certificate.notAfter };
}
