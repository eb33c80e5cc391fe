/**
 * A response's body that trickles, because a FaultInjection says so: what one read brought is kept and passed on by the clock;
 * meanwhile the upstream is stopped, so that no more than that is ever held.
 */
import type { ClientConnection } from "../http1/client-connection.ts";
import { Timed } from "../net/timer-wheel.ts";
import type { Exchange } from "./exchange.ts";

/** Between two portions, unless a byte takes longer. */
const TICK_MS = 50;
/** A rate that was not used up is not made up for beyond this. */
const MAX_BURST_MS = 100;

export class SlowBody extends Timed {
  readonly #exchange: Exchange;
  readonly #upstream: ClientConnection;
  readonly #bytesPerMs: number;
  readonly #onEnd: () => void;
  readonly #queue: Buffer[] = [];
  #allowance = 0;
  #allowedAt: number;

  /** `onEnd` is called when all of a complete body has been passed on. */
  constructor(exchange: Exchange, upstream: ClientConnection, bytesPerSecond: number, onEnd: () => void) {
    super();
    this.#exchange = exchange;
    this.#upstream = upstream;
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#onEnd = onEnd;
    this.#allowedAt = this.#wheel.now();
  }

  /** What has been pulled of the body, which is valid for the length of this call. */
  take(): void {
    const { bodyBuf, bodyStart, body } = this.#upstream;
    if (body.outputEnd > bodyStart)
      this.#queue.push(Buffer.from(bodyBuf.subarray(bodyStart, body.outputEnd)));
    if (body.tail.length > 0) this.#queue.push(Buffer.from(body.tail));
    this.#pass(this.#wheel.now());
  }

  /** The client has read what it was sent. */
  drained(): void {
    this.#pass(this.#wheel.now());
  }

  stop(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(now: number): void {
    this.#exchange.deadlines.touch();
    this.#pass(now);
  }

  #pass(now: number): void {
    const { transport } = this.#exchange.connection;
    this.#allow(now);
    let isTaken = true;
    while (isTaken && this.#queue.length > 0 && this.#allowance >= 1)
      isTaken = transport.write(this.#portion());
    if (this.#queue.length === 0) {
      if (this.#upstream.body.isDone) this.#onEnd();
      else if (isTaken) this.#upstream.transport.resume();
      else this.#upstream.transport.pause();
      return;
    }
    this.#upstream.transport.pause();
    const waitMs = Math.max(TICK_MS, (1 - this.#allowance) / this.#bytesPerMs);
    if (isTaken) this.#wheel.set(this, now + waitMs);
  }

  #allow(now: number): void {
    const earned = this.#allowance + (now - this.#allowedAt) * this.#bytesPerMs;
    this.#allowance = Math.min(earned, Math.max(1, MAX_BURST_MS * this.#bytesPerMs));
    this.#allowedAt = now;
  }

  /** The next bytes that may go: all of the first buffer, or as much of it as is allowed. */
  #portion(): Buffer {
    const [first = EMPTY] = this.#queue;
    const length = Math.min(first.length, Math.floor(this.#allowance));
    if (length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(length);
    this.#allowance -= length;
    this.#exchange.responseBytes += length;
    return first.subarray(0, length);
  }

  get #wheel() {
    return this.#exchange.listener.loop.wheel;
  }
}

const EMPTY = Buffer.alloc(0);
