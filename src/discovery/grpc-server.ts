/** The discovery stream over gRPC: one bidirectional method with JSON messages, on `@grpc/grpc-js`. */
import grpc from "@grpc/grpc-js";
import { readUpstreamMessage } from "./check.ts";
import { DISCOVERY_METHOD, type DownstreamMessage } from "./messages.ts";
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

/** Opens the port. Rejects with the system's reason when it cannot be had. */
export async function serveDiscovery(
  server: DiscoveryServer,
  host: string,
  port: number,
  credentials = grpc.ServerCredentials.createInsecure(),
): Promise<GrpcServer> {
  const carrier = new grpc.Server({
    "grpc.max_receive_message_length": MAX_UPSTREAM_BYTES,
    "grpc.max_send_message_length": MAX_DOWNSTREAM_BYTES,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    "grpc.keepalive_permit_without_calls": 1,
  });
  carrier.addService(SERVICE, {
    Stream: (call: grpc.ServerDuplexStream<Buffer, Buffer>) => handle(server, call),
  });
  const bound = await new Promise<number>((resolve, reject) => {
    const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
    carrier.bindAsync(authority, credentials, (error, chosen) =>
      error === null ? resolve(chosen) : reject(error),
    );
  });
  return { port: bound, close: () => carrier.forceShutdown() };
}

function handle(server: DiscoveryServer, call: grpc.ServerDuplexStream<Buffer, Buffer>): void {
  const send = (message: DownstreamMessage) => {
    const bytes = Buffer.from(JSON.stringify(message));
    call.write(bytes);
    server.observer.pushed(message.response.type, bytes.length);
  };
  const fail = (code: grpc.status, details: string) => {
    stream.ended(details);
    call.emit("error", { code, details });
  };
  const stream = server.open(send, (reason) => fail(grpc.status.ABORTED, reason));
  call.on("data", (bytes: Buffer) => {
    const checked = readUpstreamMessage(bytes, MAX_UPSTREAM_BYTES);
    if (checked.ok) stream.receive(checked.message);
    else fail(grpc.status.INVALID_ARGUMENT, checked.reason);
  });
  call.on("end", () => {
    stream.ended("the stream ended");
    call.end();
  });
  call.on("cancelled", () => stream.ended("connection lost"));
  call.on("error", (error) => stream.ended(error.message));
}
