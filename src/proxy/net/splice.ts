/**
 * Two connections joined into one tunnel: bytes pass both ways until each side has ended, half-closes are kept apart, and a
 * slow side pauses the other (RFC 9110 §9.3.6, §7.8). What a tunnel carries is nobody's business here.
 */
import type { Sink, Transport } from "./transport.ts";

/** Told when both sides are closed. */
export type SpliceDone = (bytesUp: number, bytesDown: number) => void;

export class Splice {
  bytesUp = 0;
  bytesDown = 0;
  readonly #onBytes: () => void;
  readonly #onDone: SpliceDone;
  readonly #downstream: Transport;
  readonly #upstream: Transport;
  #open = 2;

  /** `onBytes` is called with every read, for idle deadlines. */
  constructor(downstream: Transport, upstream: Transport, onBytes: () => void, onDone: SpliceDone) {
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

  passed(from: Transport, bytes: number): void {
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
  readonly #from: Transport;
  readonly #to: Transport;

  constructor(splice: Splice, from: Transport, to: Transport) {
    this.#splice = splice;
    this.#from = from;
    this.#to = to;
  }

  onData(buf: Buffer, start: number, end: number): void {
    if (!this.#to.forward(this.#from, buf, start, end)) this.#from.pause();
    this.#splice.passed(this.#from, end - start);
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
