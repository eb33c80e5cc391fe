/**
 * Two connections joined into one tunnel: bytes pass both ways until each side has ended, half-closes are kept apart, and a
 * slow side pauses the other (RFC 9110 §9.3.6, §7.8). What a tunnel carries is nobody's business here.
 */
import type { Sink, TcpConnection } from "./tcp-connection.ts";

/** Told when both sides are closed. */
export type SpliceDone = (bytesUp: number, bytesDown: number) => void;

export class Splice {
  bytesUp = 0;
  bytesDown = 0;
  readonly #onBytes: () => void;
  readonly #onDone: SpliceDone;
  readonly #downstream: TcpConnection;
  readonly #upstream: TcpConnection;
  #open = 2;

  /** `onBytes` is called with every read, for idle deadlines. */
  constructor(downstream: TcpConnection, upstream: TcpConnection, onBytes: () => void, onDone: SpliceDone) {
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#onBytes = onBytes;
    this.#onDone = onDone;
    downstream.useOwnBuffer();
    upstream.useOwnBuffer();
    downstream.sink = new Side(this, downstream, upstream);
    upstream.sink = new Side(this, upstream, downstream);
    downstream.resume();
    upstream.resume();
  }

  passed(from: TcpConnection, bytes: number): void {
    if (from === this.#downstream) this.bytesUp += bytes;
    else this.bytesDown += bytes;
    this.#onBytes();
  }

  closed(): void {
    if (--this.#open === 0) this.#onDone(this.bytesUp, this.bytesDown);
  }

  close(): void {
    this.#downstream.close();
    this.#upstream.close();
  }
}

class Side implements Sink {
  readonly #splice: Splice;
  readonly #from: TcpConnection;
  readonly #to: TcpConnection;

  constructor(splice: Splice, from: TcpConnection, to: TcpConnection) {
    this.#splice = splice;
    this.#from = from;
    this.#to = to;
  }

  onData(buf: Buffer, length: number): void {
    if (!this.#to.forward(this.#from, buf, 0, length)) this.#from.pause();
    this.#splice.passed(this.#from, length);
  }

  onEnd(): void {
    this.#to.end();
  }

  /** What had filled up has drained: its feeder may go on. */
  onDrain(): void {
    this.#to.resume();
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    if (error === null) this.#to.end();
    else this.#to.close();
    this.#to.resume();
    this.#splice.closed();
  }
}
