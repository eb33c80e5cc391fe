/**
 * One TLS connection of the traffic loop, after its handshake. What is written is encrypted before `write` returns, so its
 * buffer is free again at once; behind a write that is still leaving, Node queues bytes as they are, so those are copied.
 */
import type net from "node:net";
import type { TLSSocket } from "node:tls";
import { peerAddressOf } from "./tcp-connection.ts";
import type { Sink, Transport } from "./transport.ts";

/** What a peer speaks that does not say. */
export const DEFAULT_PROTOCOL = "http/1.1";

export class TlsConnection implements Transport {
  sink: Sink;
  bytesRead = 0;
  readonly keeps = false;
  /** When the certificates of both ends are no longer valid; milliseconds since 1970. */
  expiresAt = 0;
  /** By ALPN. */
  protocol = DEFAULT_PROTOCOL;
  #socket: net.Socket | TLSSocket | null = null;
  /** Beneath the TLS socket, for a reset. */
  #tcp: net.Socket | null = null;
  /** Closed from this side; what ends by it is not the peer's failure. */
  isGivenUp = false;
  #isPaused = false;
  #error: NodeJS.ErrnoException | null = null;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  /** Takes over a socket whose peer has been verified, and begins to read. */
  begin(socket: TLSSocket, tcp: net.Socket, expiresAt: number): void {
    this.#socket = socket;
    this.#tcp = tcp;
    this.expiresAt = expiresAt;
    this.protocol = socket.alpnProtocol || DEFAULT_PROTOCOL;
    socket.on("data", (chunk: Buffer) => {
      this.bytesRead += chunk.length;
      this.sink.onData(chunk, 0, chunk.length);
    });
    socket.on("end", () => this.sink.onEnd());
    socket.on("drain", () => this.sink.onDrain());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => this.closed(this.#error));
  }

  /** What there is to close while the connection is being made. */
  connecting(socket: net.Socket | TLSSocket): void {
    this.#socket = socket;
  }

  closed(error: NodeJS.ErrnoException | null): void {
    this.#socket = null;
    this.#tcp = null;
    this.sink.onClose(error);
  }

  get isOpen(): boolean {
    return this.#socket !== null && !this.#socket.destroyed;
  }

  get queuedBytes(): number {
    return this.#socket === null ? 0 : this.#socket.writableLength;
  }

  get peerAddress(): string {
    return this.#tcp === null ? "" : peerAddressOf(this.#tcp);
  }

  /** False above the stream's high-water mark, and then `onDrain` follows; the bytes are taken in any case. */
  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === null || socket.destroyed || socket.writableEnded) return true;
    return socket.write(socket.writableLength === 0 ? bytes : Buffer.from(bytes));
  }

  /** As `write`; `onSent` is called when the bytes have left, and never when the connection ends before. */
  send(bytes: Uint8Array, onSent: () => void): void {
    const socket = this.#socket;
    if (socket === null || socket.destroyed || socket.writableEnded) return;
    socket.write(socket.writableLength === 0 ? bytes : Buffer.from(bytes), (error) => {
      if (error === null || error === undefined) onSent();
    });
  }

  forward(_from: Transport, buf: Buffer, start: number, end: number): boolean {
    return this.write(buf.subarray(start, end));
  }

  end(): void {
    if (this.#socket !== null && !this.#socket.destroyed) this.#socket.end();
  }

  close(): void {
    this.isGivenUp = true;
    this.#socket?.destroy();
  }

  /** By RST; a mere end of TCP passes for a clean one with many peers. */
  reset(): void {
    if (this.#tcp !== null && !this.#tcp.destroyed) this.#tcp.resetAndDestroy();
    else this.close();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    if (this.#isPaused || this.#socket === null) return;
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.#socket === null) return;
    this.#isPaused = false;
    this.#socket.resume();
  }

  // Each read has a buffer of its own size.
  useOwnBuffer(): void {}
  useSharedBuffer(): void {}
  lends(): boolean {
    return false;
  }
  giveAway(): void {}
}
