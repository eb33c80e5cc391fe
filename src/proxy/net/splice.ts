/**
 * Two connections joined into one tunnel: bytes pass both ways until each side has ended, half-closes are kept apart, and a
 * slow side pauses the other (RFC 9110 §9.3.6, §7.8). What a tunnel carries is nobody's business here.
 */
import { NO_SINK, type Sink, type Transport } from "./transport.ts";

export interface SpliceOwner {
  /** With every read of the upstream's bytes. */
  passedDown(bytes: number): void;
  /** With every read of the downstream's. */
  passedUp(bytes: number): void;
  /** Both sides are closed. */
  ended(): void;
}

export class Splice {
  readonly #owner: SpliceOwner;
  readonly #downstream: Transport;
  readonly #upstream: Transport;
  #open = 2;
  /** The upstream will say no more, and the downstream has been told. */
  hasUpstreamEnded = false;

  constructor(downstream: Transport, upstream: Transport, owner: SpliceOwner) {
    this.#downstream = downstream;
    this.#upstream = upstream;
    this.#owner = owner;
    downstream.useOwnBuffer();
    upstream.useOwnBuffer();
    downstream.sink = new Side(this, downstream, upstream);
    upstream.sink = new Side(this, upstream, downstream);
    downstream.resume();
    upstream.resume();
  }

  passed(from: Transport, bytes: number): void {
    if (from === this.#downstream) this.#owner.passedUp(bytes);
    else this.#owner.passedDown(bytes);
  }

  ended(from: Transport): void {
    if (from === this.#upstream) this.hasUpstreamEnded = true;
  }

  closed(): void {
    if (--this.#open === 0) this.#owner.ended();
  }

  close(): void {
    this.#downstream.close();
    this.#upstream.close();
  }

  /** Ends the upstream alone; the owner hears no more, and the downstream's sink is the caller's to set. */
  release(): void {
    this.#upstream.sink = NO_SINK;
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
    this.#splice.ended(this.#from);
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
