/**
 * One TCP connection of the traffic loop: bytes in by callback, bytes out by `write`, no stream machinery between.
 *
 * Reads land in one buffer that all connections of the loop share, because a callback runs to its end before the next
 * read; an idle connection owns no buffer. While a large body passes, a connection reads into a buffer of its own, which
 * can be handed to a slow peer's queue uncopied (`useOwnBuffer`).
 *
 * Node offers this `onread` mode to outgoing sockets only. For accepted ones the handle is moved into a second socket
 * made with `onread`, which leans on `_handle` and the `handle` option; where a Node release breaks that,
 * `acceptedSocket` falls back to 'data' events. `bench/micro/onread.ts` shows what it saves.
 */
import net from "node:net";
import { type IsOwn, refuseOwn } from "./own-address.ts";
import type { Sink, Transport } from "./transport.ts";

/** Bytes a read may bring. */
export const READ_BYTES = 65_536;
/** Own buffers kept for the next large body. */
const SPARE_BUFFERS = 16;

const NOTHING = Buffer.alloc(0);
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
const spare: Buffer[] = [];

/** Where connections come from; what is absent is the system's choice. */
export interface SourceAddress {
  readonly ipv4?: string;
  readonly ipv6?: string;
}

interface HandleOwner {
  _handle: unknown;
}

export class TcpConnection implements Transport {
  sink: Sink;
  socket: net.Socket | null = null;
  bytesRead = 0;
  readonly keeps = true;
  #own: Buffer | null = null;
  #usesOwn = false;
  #isPaused = false;
  #asksForDrain = false;
  #error: NodeJS.ErrnoException | null = null;

  constructor(sink: Sink) {
    this.sink = sink;
  }

  /** Takes over an accepted socket (from a server with `pauseOnConnect`). */
  accept(socket: net.Socket, server: net.Server): void {
    this.#attach(acceptedSocket(socket, server, this));
    this.socket?.resume();
  }

  /** Connects to an address or a name, from a local address if `source` has one. The sink hears of failure by `onClose`. */
  connect(
    host: string,
    port: number,
    isOwn: IsOwn,
    source: SourceAddress | null,
    onConnect: () => void,
  ): void {
    const localAddress = source === null ? undefined : host.includes(":") ? source.ipv6 : source.ipv4;
    const socket = net.connect({
      ...(localAddress !== undefined && { localAddress }),
      host,
      port,
      noDelay: true,
      keepAlive: true,
      allowHalfOpen: true,
      autoSelectFamily: net.isIP(host) === 0,
      onread: {
        buffer: () => this.nextBuffer(),
        callback: (length, buf) => this.received(length, buf as Buffer),
      },
    });
    refuseOwn(socket, host, port, isOwn);
    socket.once("connect", onConnect);
    this.#attach(socket);
  }

  #attach(socket: net.Socket): void {
    this.socket = socket;
    socket.on("end", () => this.sink.onEnd());
    socket.on("drain", () => this.sink.onDrain());
    socket.on("error", (error) => {
      this.#error = error;
    });
    socket.on("close", () => {
      this.releaseBuffer();
      this.socket = null;
      this.sink.onClose(this.#error);
    });
  }

  get isOpen(): boolean {
    return this.socket !== null && !this.socket.destroyed;
  }

  get queuedBytes(): number {
    return this.socket === null ? 0 : this.socket.writableLength;
  }

  get peerAddress(): string {
    return this.socket === null ? "" : peerAddressOf(this.socket);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.socket;
    if (socket === null || socket.destroyed || socket.writableEnded) return true;
    socket.write(bytes);
    if (socket.writableLength === 0) return true;
    if (!socket.writableNeedDrain) this.#askForDrain(socket);
    return false;
  }

  /** Below its high-water mark a stream does not tell by itself that it has drained; behind an empty write it does. */
  #askForDrain(socket: net.Socket): void {
    if (this.#asksForDrain) return;
    this.#asksForDrain = true;
    socket.write(NOTHING, (error) => {
      this.#asksForDrain = false;
      if (error === null || error === undefined) this.sink.onDrain();
    });
  }

  /** The system asks whether the other end is there after `ms` of silence. */
  keepAlive(ms: number): void {
    this.socket?.setKeepAlive(true, ms);
  }

  end(): void {
    if (this.socket !== null && !this.socket.destroyed) this.socket.end();
  }

  close(): void {
    this.socket?.destroy();
  }

  /** By RST, where the socket can. */
  reset(): void {
    const socket = this.socket;
    if (socket === null || socket.destroyed) return;
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  pause(): void {
    if (this.#isPaused || this.socket === null) return;
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isPaused || this.socket === null) return;
    this.#isPaused = false;
    this.socket.resume();
  }

  useOwnBuffer(): void {
    this.#usesOwn = true;
  }

  useSharedBuffer(): void {
    this.#usesOwn = false;
  }

  forward(from: Transport, buf: Buffer, start: number, end: number): boolean {
    const bytes = buf.subarray(start, end);
    if (from.lends(buf)) return this.write(Buffer.from(bytes));
    const isTaken = this.write(bytes);
    if (!isTaken) from.giveAway(buf);
    return isTaken;
  }

  lends(buf: Buffer): boolean {
    return buf === shared;
  }

  giveAway(buf: Buffer): void {
    if (buf === this.#own) this.#own = null;
  }

  /** A connection that is stopped holds none of its own: thousands may be. */
  nextBuffer(): Buffer {
    if (!this.#usesOwn || this.#isPaused) {
      this.releaseBuffer();
      return shared;
    }
    this.#own ??= spare.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
    return this.#own;
  }

  received(length: number, buf: Buffer): boolean {
    this.bytesRead += length;
    this.sink.onData(buf, 0, length);
    return true;
  }

  releaseBuffer(): void {
    if (this.#own === null) return;
    if (spare.length < SPARE_BUFFERS) spare.push(this.#own);
    this.#own = null;
  }
}

const MAPPED = "::ffff:";

/** `address:port` of the other end; an IPv4 address as such, also on a socket that takes both families. */
export function peerAddressOf({ remoteAddress = "", remotePort = 0 }: net.Socket): string {
  const isMapped = remoteAddress.startsWith(MAPPED);
  return `${isMapped ? remoteAddress.slice(MAPPED.length) : remoteAddress}:${remotePort}`;
}

function acceptedSocket(accepted: net.Socket, server: net.Server, connection: TcpConnection): net.Socket {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  if (handle === null || handle === undefined) return readByEvents(accepted, connection);
  owner._handle = null;
  const options: net.SocketConstructorOpts = {
    allowHalfOpen: true,
    onread: {
      buffer: () => connection.nextBuffer(),
      callback: (length, buf) => connection.received(length, buf as Buffer),
    },
  };
  const socket = new net.Socket(Object.assign(options, { handle }));
  // The server counts its connections by these two, and they are what `server.close` waits for.
  Object.assign(socket, { server, _server: server });
  socket.setNoDelay(true);
  return socket;
}

function readByEvents(socket: net.Socket, connection: TcpConnection): net.Socket {
  socket.setNoDelay(true);
  socket.on("data", (chunk: Buffer) => connection.received(chunk.length, chunk));
  return socket;
}
