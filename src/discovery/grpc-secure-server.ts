/**
 * The control plane's port for sidecars: TLS 1.3 in front of the gRPC server, with the stream and the enrolment behind it.
 * A client certificate is asked for and not demanded, as a sidecar that enrols has none; one that leads to no trusted root
 * counts as none. Certificates are replaced while connections live.
 */
import { createServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import grpc from "@grpc/grpc-js";
import {
  ENROL_METHOD,
  type EnrolRefusal,
  type EnrolRequest,
  type EnrolResult,
  REASON_TRAILER,
  RETRY_TRAILER,
  readEnrolRequest,
} from "./enrolment.ts";
import { type Admit, callerOf, type GrpcServer, makeCarrier } from "./grpc-server.ts";
import type { DiscoveryServer } from "./server.ts";
import { Strangers } from "./strangers.ts";

/** The port's own certificate, and whose clients' it trusts; all PEM. */
export interface PortSecret {
  readonly key: string;
  readonly chain: string;
  readonly bundle: string;
}

export interface SecurePort {
  readonly secret: PortSecret;
  readonly admit: Admit;
  /** `leaf`: the client certificate of the connection, verified, as DER. */
  readonly enrol: (request: EnrolRequest, leaf: Uint8Array | undefined) => Promise<EnrolResult>;
  /** A client showed a certificate that leads to no trusted root; `why` is OpenSSL's word. */
  readonly onRefused: (address: string, why: string) => void;
}

export interface SecureGrpcServer extends GrpcServer {
  /** From now on for new connections. */
  replace(secret: PortSecret): void;
}

const identity = (bytes: Buffer): Buffer => bytes;

const SERVICE = {
  Enrol: {
    path: ENROL_METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
} as const;

/** Opens the port. Rejects with the system's reason when it cannot be had. */
export async function serveSecurely(
  server: DiscoveryServer,
  host: string,
  port: number,
  options: SecurePort,
): Promise<SecureGrpcServer> {
  const carrier = makeCarrier(server, options.admit);
  carrier.addService(SERVICE, {
    Enrol: (call: grpc.ServerUnaryCall<Buffer, Buffer>, answer: grpc.sendUnaryData<Buffer>) =>
      void enrol(options, call).then((bytes) => answer(null, bytes), answer),
  });
  const injector = carrier.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const sockets = new Set<TLSSocket>();
  const strangers = new Strangers();
  const listener = createServer(
    {
      ...contextOf(options.secret),
      ALPNProtocols: ["h2"],
      requestCert: true,
      rejectUnauthorized: false,
    },
    (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      if (socket.authorized) strangers.known(socket);
      else {
        strangers.shaken(socket);
        if (socket.getPeerX509Certificate() !== undefined) {
          options.onRefused(socket.remoteAddress ?? "", String(socket.authorizationError));
        }
      }
      injector.injectConnection(socket);
    },
  );
  listener.on("connection", (socket) => strangers.add(socket));
  await new Promise<void>((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(port, host, resolve);
  });
  const address = listener.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    replace: (secret) => listener.setSecureContext(contextOf(secret)),
    close: () => {
      listener.close();
      carrier.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function contextOf({ key, chain, bundle }: PortSecret): SecureContextOptions {
  return { key, cert: chain, ca: bundle, minVersion: "TLSv1.3" };
}

/** Rejects with what gRPC answers on an error. */
async function enrol(port: SecurePort, call: grpc.ServerUnaryCall<Buffer, Buffer>): Promise<Buffer> {
  const request = readEnrolRequest(call.request);
  if (request === undefined) {
    throw status(grpc.status.INVALID_ARGUMENT, {
      reason: "request_malformed",
      text: "the enrolment request is malformed or too large",
      isRetriable: false,
    });
  }
  const result = await port.enrol(request, callerOf(call));
  if (result.kind === "refused") throw status(codeOf(result.refusal), result.refusal);
  return Buffer.from(JSON.stringify(result.answer));
}

function codeOf({ reason, isRetriable, retryAfterMs }: EnrolRefusal): grpc.status {
  if (retryAfterMs !== undefined) return grpc.status.RESOURCE_EXHAUSTED;
  if (isRetriable) return grpc.status.UNAVAILABLE;
  return reason.startsWith("csr_") ? grpc.status.INVALID_ARGUMENT : grpc.status.UNAUTHENTICATED;
}

function status(code: grpc.status, { reason, text, retryAfterMs }: EnrolRefusal): Partial<grpc.StatusObject> {
  const metadata = new grpc.Metadata();
  metadata.set(REASON_TRAILER, reason);
  if (retryAfterMs !== undefined) metadata.set(RETRY_TRAILER, String(Math.ceil(retryAfterMs)));
  return { code, details: text, metadata };
}
