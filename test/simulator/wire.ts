/**
 * A connection of memory: on the near side a `Transport` as the product knows it, on the far side whoever plays client or
 * instance. What the near side is told comes by way of the timeline, never from within a call of its own, as with sockets.
 */
import { NO_SINK, type Sink, type Transport } from "../../src/proxy/net/transport.ts";
import type { Timeline } from "./timeline.ts";

/** Who is at the other end. Must not call back at once. */
export interface Far {
  received(bytes: Uint8Array): void;
  /** The connection has gone, or the near side has said that it sends no more. */
  ended(isClosed: boolean): void;
}

export class Wire implements Transport {
  sink: Sink = NO_SINK;
  isOpen = true;
  isPaused = false;
  bytesRead = 0;
  readonly queuedBytes = 0;
  readonly keeps = false;
  readonly peerAddress: string;
  readonly #timeline: Timeline;
  readonly #far: Far;
  #hasEnded = false;
  #held: (() => void)[] = [];

  constructor(timeline: Timeline, far: Far, peerAddress: string) {
    this.#timeline = timeline;
    this.#far = far;
    this.peerAddress = peerAddress;
  }

  /** Bytes from the far side arrive in `ms`. */
  deliver(bytes: Buffer, ms: number): void {
    this.#arrive(ms, () => {
      this.bytesRead += bytes.length;
      this.sink.onData(bytes, 0, bytes.length);
    });
  }

  /** The far side sends no more. */
  finish(ms: number): void {
    this.#arrive(ms, () => this.sink.onEnd());
  }

  /** The connection breaks. */
  breaks(ms: number, code: string): void {
    this.#timeline.after(ms, () => {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.#far.ended(true);
      this.sink.onClose(Object.assign(new Error(code), { code }));
    });
  }

  #arrive(ms: number, arrive: () => void): void {
    this.#timeline.after(ms, () => {
      if (!this.isOpen) return;
      if (this.isPaused) this.#held.push(arrive);
      else arrive();
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOpen && !this.#hasEnded) this.#far.received(bytes);
    return true;
  }

  forward(_from: Transport, buf: Buffer, start: number, end: number): boolean {
    return this.write(buf.subarray(start, end));
  }

  end(): void {
    if (!this.isOpen || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#far.ended(false);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#far.ended(true);
    this.#timeline.after(0, () => this.sink.onClose(null));
  }

  reset(): void {
    this.close();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const held = this.#held;
    this.#held = [];
    for (const arrive of held) this.#arrive(0, arrive);
  }

  useOwnBuffer(): void {}
  useSharedBuffer(): void {}
  lends(): boolean {
    return false;
  }
  giveAway(): void {}
}
