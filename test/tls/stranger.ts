/** A TLS client or server that is none of ours and may do anything, and what became of it. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import {
  type ConnectionOptions,
  connect,
  createServer,
  type SecureContextOptions,
  type TlsOptions,
} from "node:tls";
import { contextOf, makeLeaf, pemOf } from "../identity/pki.ts";
import { root } from "../identity/refused-certificates.ts";

/** For a client that judges its server by itself, or not at all. */
export const NO_HOST_NAME = { rejectUnauthorized: false, checkServerIdentity: () => undefined };
export const RIGHT = { ...contextOf(makeLeaf(root)), ca: pemOf(root) };

export interface Outcome {
  /** Everything that came back. */
  readonly received: string;
  /** Of the socket's error, if any. */
  readonly code: string;
  readonly session: Buffer | undefined;
  readonly isResumed: boolean;
}

/** Shakes hands as `options` say, else rightly, sends `text`, and waits for the close. */
export function strangeClient(port: number, text: string, options: ConnectionOptions = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ ...RIGHT, ...NO_HOST_NAME, host: "127.0.0.1", port, ...options });
    const outcome = { received: "", code: "", session: undefined as Buffer | undefined, isResumed: false };
    socket.on("secureConnect", () => {
      outcome.isResumed = socket.isSessionReused();
      socket.write(text, "latin1");
    });
    socket.on("data", (chunk) => {
      outcome.received += chunk.toString("latin1");
    });
    socket.on("session", (session) => {
      outcome.session = session;
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      outcome.code = error.code ?? error.message;
    });
    socket.on("close", () => resolve(outcome));
  });
}

export interface StrangeServer {
  readonly port: number;
  /** All that its clients have said inside of TLS. */
  received: string;
  readonly connections: number;
  close(): Promise<void>;
}

/** A TLS server with any certificate; it answers nothing. */
export async function strangeServer(
  own: SecureContextOptions,
  options: TlsOptions = {},
): Promise<StrangeServer> {
  const server = createServer({
    ...own,
    ca: pemOf(root),
    requestCert: true,
    rejectUnauthorized: false,
    ...options,
  });
  const seen = { received: "", connections: 0 };
  server.on("secureConnection", (socket) => {
    socket.on("data", (chunk) => {
      seen.received += chunk.toString("latin1");
    });
    socket.on("error", () => {});
  });
  server.on("connection", () => {
    seen.connections++;
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(seen, {
    port,
    close: async () => {
      server.close();
      await once(server, "close");
    },
  });
}
