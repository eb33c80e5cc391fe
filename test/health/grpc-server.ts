/** A gRPC server of `grpc.health.v1` alone, on Node's HTTP/2: it answers what the test says. */
import http2, { type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type net from "node:net";
import type { AddressInfo } from "node:net";

export interface GrpcAnswer {
  /** HealthCheckResponse.status; undefined: no message. */
  readonly status?: number;
  readonly grpcStatus?: number;
  readonly message?: string;
  readonly httpStatus?: number;
  /** Bytes in place of a message. */
  readonly raw?: Buffer;
}

export interface GrpcHealthServer {
  readonly port: number;
  /** Method, authority and service of each call. */
  readonly calls: string[];
  answer(answer: GrpcAnswer): void;
  close(): void;
}

export async function grpcHealthServer(): Promise<GrpcHealthServer> {
  let answer: GrpcAnswer = { status: 1 };
  const calls: string[] = [];
  const server = http2.createServer();
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => sockets.add(socket));
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      // Prefix, tag and length come before the name.
      calls.push(`${headers[":path"]} ${headers[":authority"]} ${Buffer.concat(chunks).subarray(7)}`);
      reply(stream, answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    calls,
    answer: (next) => {
      answer = next;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

function reply(stream: ServerHttp2Stream, answer: GrpcAnswer): void {
  const { status, grpcStatus = 0, message = "", httpStatus = 200, raw } = answer;
  const head = { ":status": httpStatus, "content-type": "application/grpc" };
  const end = { "grpc-status": String(grpcStatus), "grpc-message": message };
  const body = raw ?? (status === undefined ? undefined : Buffer.from([0, 0, 0, 0, 2, 0x08, status]));
  if (body === undefined) {
    stream.respond({ ...head, ...end }, { endStream: true });
    return;
  }
  stream.respond(head, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(end));
  stream.end(body);
}
