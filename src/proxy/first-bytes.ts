/**
 * Waits for what a connection begins with, where its port does not say what it speaks. Nothing within 100 ms: a server that speaks
 * first, or a client in no hurry (`request/late-speech.ts`), and then nobody should wait for us.
 */
import { looksLikeRequest, SILENCE_MS } from "./http/looks-like-request.ts";
import { Timed, type TimerWheel } from "./net/timer-wheel.ts";
import type { Sink, Transport } from "./net/transport.ts";

export interface Verdict {
  readonly isHttp: boolean;
  /** What has been read, in memory of its own; null: nothing. */
  readonly early: Buffer | null;
}

export class FirstBytes extends Timed implements Sink {
  readonly #transport: Transport;
  readonly #wheel: TimerWheel;
  readonly #onVerdict: (verdict: Verdict) => void;
  #early: Buffer | null = null;

  /** `onVerdict` is called once, unless the connection ends before; the transport's sink is then its to set. */
  constructor(transport: Transport, wheel: TimerWheel, onVerdict: (verdict: Verdict) => void) {
    super();
    this.#transport = transport;
    this.#wheel = wheel;
    this.#onVerdict = onVerdict;
    transport.sink = this;
    wheel.set(this, wheel.now() + SILENCE_MS);
    transport.resume();
  }

  onData(buf: Buffer, start: number, end: number): void {
    const bytes = buf.subarray(start, end);
    this.#early = this.#early === null ? Buffer.from(bytes) : Buffer.concat([this.#early, bytes]);
    const likeness = looksLikeRequest(this.#early, 0, this.#early.length);
    if (likeness !== "undecided") this.#decide(likeness === "http");
  }

  /** Has said nothing that could be taken anywhere. */
  onEnd(): void {
    this.#wheel.remove(this);
    this.#transport.close();
  }

  onDrain(): void {}

  onClose(): void {
    this.#wheel.remove(this);
  }

  /** A loop that was held up comes to its timers first: what lies in the socket by now is read before the verdict. */
  override onDeadline(): void {
    setImmediate(() => {
      if (this.#transport.sink === this && this.#transport.isOpen) this.#decide(false);
    });
  }

  #decide(isHttp: boolean): void {
    this.#wheel.remove(this);
    this.#onVerdict({ isHttp, early: this.#early });
  }
}
