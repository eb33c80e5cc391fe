/**
 * Ways to an endpoint, the same as traffic's: a plain connection; mutual TLS with the sidecar's own certificate, to nobody but the
 * workload that the configuration says is there; and through the sidecar over there to a port that does not speak HTTP, by
 * CONNECT. Each check opens a connection of its own, as a new client would, and resumes the TLS session of the one before.
 */
import net from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Secret } from "../../identity/secret.ts";
import { Credentials } from "../net/credentials.ts";
import { handshakeFault } from "../net/handshake-fault.ts";
import { judgeServer } from "../net/tls-connect.ts";
import { answerText } from "./http-answer.ts";
import { http } from "./node-modules.ts";
import type { Outcome, Target } from "./probe.ts";

export type Opened =
  | { readonly kind: "open"; readonly stream: Duplex }
  | Exclude<Outcome, { readonly kind: "pass" }>;

/** As with a `Probe`, of `done` only the first call counts, and it never comes before this returns; the result closes all. */
export type Open = (target: Target, done: (opened: Opened) => void) => () => void;

export class Reach {
  #secret: Secret | null = null;
  #credentials: Credentials | null = null;

  /** The sidecar's own certificate, and whom it trusts; before it no endpoint under mutual TLS can be asked. */
  setSecret(secret: Secret): void {
    this.#secret = secret;
    this.#credentials = null;
  }

  /** Without TLS. */
  readonly plain: Open = ({ endpoint: { address: host, port } }, done) => {
    const socket = net.connect({ host, port, noDelay: true });
    socket.on("error", (error: NodeJS.ErrnoException) => done(failed(error)));
    socket.once("connect", () => done({ kind: "open", stream: socket }));
    return () => socket.destroy();
  };

  /** Under mutual TLS, speaking `alpn`. */
  mutual(alpn: "http/1.1" | "h2"): Open {
    return (target, done) => {
      const credentials = this.#usable();
      if (credentials === null) {
        process.nextTick(done, { kind: "unknown", reason: "this sidecar has no valid certificate" });
        return () => {};
      }
      return shakeHands(target, credentials, alpn, done);
    };
  }

  /** Under mutual TLS and through the sidecar there to the application's port of the Service port `authority`. */
  tunnel(authority: string): Open {
    const open = this.mutual("http/1.1");
    return (target, done) =>
      open(target, (opened) => {
        if (opened.kind !== "open") {
          done(opened);
          return;
        }
        const { stream } = opened;
        const request = http().request({
          method: "CONNECT",
          path: authority,
          headers: { host: authority },
          createConnection: () => stream,
        });
        request.on("error", (error) => done(failed(error)));
        request.on("connect", (response, socket, head) => {
          if (response.statusCode !== 200) {
            done({ kind: "fail", reason: answerText(response) });
            return;
          }
          if (head.length > 0) socket.unshift(head);
          done({ kind: "open", stream: socket });
        });
        request.end();
      });
  }

  /** Made at first use: a sidecar that asks nobody under mutual TLS does not hold it twice. */
  #usable(): Credentials | null {
    if (this.#secret === null) return null;
    this.#credentials ??= new Credentials(this.#secret);
    return this.#credentials.isExpired ? null : this.#credentials;
  }
}

function shakeHands(
  target: Target,
  credentials: Credentials,
  alpn: string,
  done: (opened: Opened) => void,
): () => void {
  const { address: host, port } = target.endpoint;
  const remembered = target.session?.credentials === credentials ? target.session : null;
  const socket: TLSSocket = credentials.tls.connect({
    host,
    port,
    secureContext: credentials.client,
    ALPNProtocols: [alpn],
    rejectUnauthorized: false,
    // Names here are SPIFFE ids, not hosts.
    checkServerIdentity: () => undefined,
    ...(remembered === null ? {} : { session: remembered.ticket }),
  });
  let isConnected = false;
  socket.once("connect", () => {
    isConnected = true;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    done(isConnected ? { kind: "fail", reason: `TLS: ${handshakeFault(error)}` } : failed(error));
  });
  socket.once("close", () => done({ kind: "fail", reason: "TLS: closed" }));
  socket.once("secureConnect", () => {
    const resumed = socket.isSessionReused() ? remembered : null;
    const server = judgeServer(socket, target.endpoint, credentials, resumed);
    if (server.kind === "refused") {
      target.session = null;
      done({ kind: "fail", reason: `TLS: ${server.detail}` });
      return;
    }
    const { leaf } = server;
    socket.on("session", (ticket) => {
      target.session = { ticket, leaf, credentials };
    });
    done({ kind: "open", stream: socket });
  });
  return () => socket.destroy();
}

/** The outcome of an error of a connection. */
export function failed(error: NodeJS.ErrnoException): Outcome & { readonly kind: "fail" } {
  return { kind: "fail", reason: error.code ?? error.message };
}
