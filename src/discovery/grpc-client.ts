/**
 * The sidecar's side of the gRPC stream, on `node:http2` alone: a message is five bytes of prefix and JSON, and every sidecar would pay
 * megabytes for the library (docs/decisions/0002-discovery-client-transport.md).
 */
import type { SecureClientSessionOptions } from "node:http2";
import type { OpenTransport } from "./client.ts";
import { statusText } from "./grpc-status.ts";
import { isLeaseGrant } from "./lease-check.ts";
import { DISCOVERY_METHOD, type DownstreamMessage } from "./messages.ts";

const http2 = process.getBuiltinModule("node:http2");

const PREFIX_BYTES = 5;
const MAX_MESSAGE_BYTES = 64 * 1_024 * 1_024;
/** What gRPC gives a connection at least, look-up of its name included (its connection back-off: MIN_CONNECT_TIMEOUT). */
const CONNECT_MS = 20_000;
const PING_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

/** Connects to `host:port`: with TLS where `tls` gives its settings, asked for at each connection. */
export function grpcTransport(target: string, tls?: () => SecureClientSessionOptions): OpenTransport {
  return (handlers) => {
    const session = tls ? http2.connect(`https://${target}`, tls()) : http2.connect(`http://${target}`);
    const stream = session.request({
      ":method": "POST",
      ":path": DISCOVERY_METHOD,
      "content-type": "application/grpc",
      te: "trailers",
    });
    let isClosed = false;
    let reason = "";
    const close = (why: string) => {
      if (isClosed) return;
      isClosed = true;
      clearTimeout(connecting);
      clearInterval(pinging);
      session.destroy();
      handlers.onClosed(reason === "" ? why : reason);
    };
    const connecting = setTimeout(() => close(`no connection within ${CONNECT_MS / 1_000} s`), CONNECT_MS);
    const pinging = setInterval(() => {
      const timeout = setTimeout(() => close("no answer to a ping"), PING_TIMEOUT_MS);
      timeout.unref();
      session.ping((error) => {
        clearTimeout(timeout);
        if (error !== null) close(error.message);
      });
    }, PING_MS);
    pinging.unref();

    const reader = new MessageReader((message) => handlers.onMessage(message));
    session.on("connect", () => {
      clearTimeout(connecting);
      handlers.onOpen();
    });
    session.on("error", (error: Error) => close(error.message));
    session.on("close", () => close("connection closed"));
    stream.on("data", (chunk: Buffer) => {
      const fault = reader.read(chunk);
      if (fault !== undefined) close(fault);
    });
    // A refusal that comes before anything else has its status among the headers (gRPC: Trailers-Only).
    stream.on("response", (headers) => {
      if (headers["grpc-status"] !== undefined) reason = statusText(headers);
    });
    stream.on("trailers", (trailers) => {
      reason = statusText(trailers);
    });
    stream.on("error", (error: Error) => close(error.message));
    // What the control plane ends stays open on this side, and would for ever.
    stream.on("end", () => close("stream ended"));
    stream.on("close", () => close("stream closed"));
    return {
      send: (message) => {
        if (!isClosed && !stream.closed) stream.write(frame(message));
      },
      close: () => close("closed"),
    };
  };
}

/** A message with its prefix. */
export function frame(message: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(message));
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(json.length, 1);
  return Buffer.concat([prefix, json]);
}

/** Puts messages together from chunks (gRPC over HTTP/2, Length-Prefixed-Message). */
class MessageReader {
  readonly #onMessage: (message: DownstreamMessage) => void;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes there must be before it is worth looking: a prefix, or a whole message. */
  #wanted = PREFIX_BYTES;

  constructor(onMessage: (message: DownstreamMessage) => void) {
    this.#onMessage = onMessage;
  }

  /** A reason to give up the stream, or undefined. */
  read(chunk: Buffer): string | undefined {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= this.#wanted) {
      const [first] = this.#chunks;
      const buffered = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
      this.#chunks = [buffered];
      const length = buffered.readUInt32BE(1);
      if (buffered[0] !== 0) return "compressed messages are not spoken here";
      if (length > MAX_MESSAGE_BYTES) return `a message of ${length} bytes`;
      this.#wanted = PREFIX_BYTES + length;
      if (this.#bytes < this.#wanted) return undefined;
      const message = parse(buffered.subarray(PREFIX_BYTES, this.#wanted));
      if (message === undefined) return "a message that is no discovery response";
      this.#chunks = [buffered.subarray(this.#wanted)];
      this.#bytes -= this.#wanted;
      this.#wanted = PREFIX_BYTES;
      this.#onMessage(message);
    }
    return undefined;
  }
}

function parse(bytes: Buffer): DownstreamMessage | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value !== "object" || value === null || !("kind" in value)) return undefined;
    if (value.kind === "leases")
      return "grant" in value && isLeaseGrant(value.grant) ? (value as DownstreamMessage) : undefined;
    if (value.kind !== "discovery") return undefined;
    if (!("response" in value) || typeof value.response !== "object" || value.response === null)
      return undefined;
    const { response } = value;
    if (!("type" in response) || !("nonce" in response)) return undefined;
    if (!("resources" in response) || !Array.isArray(response.resources)) return undefined;
    if (!("removed" in response) || !Array.isArray(response.removed)) return undefined;
    return value as DownstreamMessage;
  } catch {
    return undefined;
  }
}
