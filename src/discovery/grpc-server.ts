/** The discovery stream over gRPC: one bidirectional method with JSON messages, on `@grpc/grpc-js`. */
import grpc from "@grpc/grpc-js";
import { readUpstreamMessage } from "./check.ts";
import { DISCOVERY_METHOD, type DownstreamMessage, type Node } from "./messages.ts";
import type { DiscoveryServer } from "./server.ts";

/** Largest message of a sidecar; what it subscribes to and holds fits many times over. */
export const MAX_UPSTREAM_BYTES = 4 * 1_024 * 1_024;
export const MAX_DOWNSTREAM_BYTES = 64 * 1_024 * 1_024;
const KEEPALIVE_MS = 30_000;

const identity = (bytes: Buffer): Buffer => bytes;

const SERVICE = {
  Stream: {
    path: DISCOVERY_METHOD,
    requestStream: true,
    responseStream: true,
    requestSerialize: identity,
    requestDeserialize: identity,
    responseSerialize: identity,
    responseDeserialize: identity,
  },
} as const;

export interface GrpcServer {
  readonly port: number;
  /** Ends all streams at once: sidecars reconnect elsewhere or later. */
  close(): void;
}

/** Why a caller with this client certificate (DER; undefined: none that is trusted) may not be `node`; undefined where it may. */
export type Admit = (leaf: Uint8Array | undefined, node: Node) => string | undefined;

/** The gRPC server with the stream's method, without a port. */
export function makeCarrier(server: DiscoveryServer, admit: Admit = () => undefined): grpc.Server {
  // What goes wrong comes as an error: grpc-js need not write it to stderr as well.
  if (process.env["GRPC_VERBOSITY"] === undefined) grpc.setLogVerbosity(grpc.logVerbosity.NONE);
  const carrier = new grpc.Server({
    "grpc.max_receive_message_length": MAX_UPSTREAM_BYTES,
    "grpc.max_send_message_length": MAX_DOWNSTREAM_BYTES,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_permit_without_calls": 1,
  });
  carrier.addService(SERVICE, {
    Stream: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => handle(server, call, admit),
  });
  return carrier;
}

/** The certificate that the connection's other end has shown, if TLS has verified it. */
export function callerOf(
  call: grpc.ServerUnaryCall<Buffer, Buffer> | grpc.ServerDuplexStream<Buffer, Buffer>,
) {
  return call.getAuthContext().sslPeerCertificate?.raw;
}

/** Opens the port without TLS. Rejects with the system's reason when it cannot be had. */
export async function serveDiscovery(
  server: DiscoveryServer,
  host: string,
  port: number,
): Promise<GrpcServer> {
  const carrier = makeCarrier(server);
  const credentials = grpc.ServerCredentials.createInsecure();
  const bound = await new Promise<number>((resolve, reject) => {
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    carrier.bindAsync(authority, credentials, (error, chosen) =>
      error === null ? resolve(chosen) : reject(new Error(systemReason(error))),
    );
  });
  return { port: bound, close: () => carrier.forceShutdown() };
}

/** The system's words, without the account of how many addresses were tried: there is one. */
function systemReason({ message }: Error): string {
  return /^No address added out of total 1 resolved errors: \[(.*)\]$/s.exec(message)?.[1] ?? message;
}

function handle(server: DiscoveryServer, call: grpc.ServerDuplexStream<Buffer, Buffer>, admit: Admit): void {
  const send = (message: DownstreamMessage) => {
    const bytes = Buffer.from(JSON.stringify(message));
    call.write(bytes);
    if (message.kind === "discovery") server.observer.pushed(message.response.type, bytes.length);
  };
  const fail = (code: grpc.status, details: string) => {
    stream.ended(details);
    call.emit("error", { code, details });
  };
  const stream = server.open(send, (reason) => fail(grpc.status.ABORTED, reason));
  call.on("data", (bytes: Buffer) => {
    const checked = readUpstreamMessage(bytes, MAX_UPSTREAM_BYTES);
    if (!checked.ok) {
      fail(grpc.status.INVALID_ARGUMENT, checked.reason);
      return;
    }
    const { message } = checked;
    const node = message.kind === "discovery" ? message.request.node : undefined;
    const refusal = node === undefined ? undefined : admit(callerOf(call), node);
    if (refusal === undefined) stream.receive(message);
    else fail(grpc.status.PERMISSION_DENIED, refusal);
  });
  call.on("end", () => {
    stream.ended("the stream ended");
    call.end();
  });
  call.on("cancelled", () => stream.ended("connection lost"));
  call.on("error", (error) => stream.ended(error.message));
}
