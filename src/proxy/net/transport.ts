/**
 * What carries the bytes of one connection: a TCP socket, TLS over it, or one stream of the hop between two sidecars. The codec,
 * tunnels and splices above see no difference.
 */

/** Who a connection's events go to; swapped as the connection changes hands. */
export interface Sink {
  /** `buf[start, end)` is valid until the call returns: `forward` it or copy it. */
  onData(buf: Buffer, start: number, end: number): void;
  /** The peer will send no more. */
  onEnd(): void;
  /** Everything written has left. */
  onDrain(): void;
  /** Comes once, last. */
  onClose(error: NodeJS.ErrnoException | null): void;
}

/**
 * Begins a connection. `onConnect` is called with what bytes may now be written to, which may be another transport than the
 * one that was returned; `sink` hears of failure by `onClose`. Neither before the transport has been returned.
 */
export type Dial = (sink: Sink, onConnect: (transport: Transport) => void) => Transport;

/** Code of the error that ends a connection whose peer has seen nothing of the latest message. */
export const NOT_SEEN = "ENOTSEEN";

/** For a connection that is not yet anybody's. */
export const NO_SINK: Sink = { onData() {}, onEnd() {}, onDrain() {}, onClose() {} };

export interface Transport {
  sink: Sink;
  readonly isOpen: boolean;
  readonly isPaused: boolean;
  /** Bytes written that have not left. */
  readonly queuedBytes: number;
  /** Since the connection was made. */
  readonly bytesRead: number;
  /** `address:port` of the other end, for people; empty when it is gone. */
  readonly peerAddress: string;
  /** Under TLS: when the proof of who is there ends; milliseconds since 1970. */
  readonly expiresAt?: number;

  /** What is written next begins a message: should the connection fail, it may be known that the peer has not seen it. */
  beginMessage?(): void;
  /** What `write` has not taken stays in the caller's buffer, which is then not to be written to. Otherwise it was copied. */
  readonly keeps: boolean;
  /** Sends bytes; false when they were not all taken, and then `onDrain` follows. */
  write(bytes: Uint8Array): boolean;
  /**
   * Sends bytes of a read of `from` on. False when they were not all taken: the feeder should pause until `onDrain`. A
   * buffer that others may write to is copied then; one of the feeder's own stays with the queue.
   */
  forward(from: Transport, buf: Buffer, start: number, end: number): boolean;
  /** Ends our side; what was written still leaves. */
  end(): void;
  close(): void;
  /** Closes so that the peer cannot take the end for a clean one. */
  reset(): void;
  pause(): void;
  resume(): void;
  /** From the next read on, bytes arrive in a buffer that no other connection writes to, where there is such a thing. */
  useOwnBuffer(): void;
  useSharedBuffer(): void;
  /** Whether a buffer that this connection's bytes came in is written to again by others' reads. */
  lends(buf: Buffer): boolean;
  /** The buffer, this connection's own, now belongs to whoever queued it. */
  giveAway(buf: Buffer): void;
}
