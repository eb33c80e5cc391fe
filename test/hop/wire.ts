/** Two ends of a connection in memory: what one writes, the other reads when the test says so, in pieces of the test's choice. */
import { setImmediate as turnOfTheLoop } from "node:timers/promises";
import { HopConnection, type HopOwner } from "../../src/proxy/hop/connection.ts";
import type { HopTransport } from "../../src/proxy/hop/output.ts";
import type { HopStream } from "../../src/proxy/hop/stream.ts";
import { Turn } from "../../src/proxy/hop/turn.ts";
import { WindowBudget } from "../../src/proxy/hop/window.ts";
import { TimerWheel } from "../../src/proxy/net/timer-wheel.ts";
import { NO_SINK, type Sink, type Transport } from "../../src/proxy/net/transport.ts";

/** As many bytes as a socket takes before it says that it is full. */
const HIGH_WATER = 65_536;

export class WireEnd implements HopTransport {
  sink: Sink = NO_SINK;
  peer: WireEnd | null = null;
  isOpen = true;
  isPaused = false;
  readonly keeps = false;
  bytesRead = 0;
  readonly peerAddress = "198.18.0.1:15006";
  expiresAt = Number.MAX_SAFE_INTEGER;
  /** Written, and not yet read by the other end. */
  outgoing: Buffer = Buffer.alloc(0);
  writes = 0;
  #onSent: (() => void)[] = [];
  #hasEnded = false;
  #hasDeliveredEnd = false;
  #wasFull = false;

  get queuedBytes(): number {
    return this.outgoing.length;
  }

  write(bytes: Uint8Array): boolean {
    if (!this.isOpen || this.#hasEnded) return true;
    this.writes++;
    this.outgoing = Buffer.concat([this.outgoing, bytes]);
    this.#wasFull ||= this.outgoing.length > HIGH_WATER;
    return !this.#wasFull;
  }

  send(bytes: Uint8Array, onSent: () => void): void {
    this.write(bytes);
    if (this.isOpen && !this.#hasEnded) this.#onSent.push(onSent);
  }

  /** Lets the other end read up to `count` of what is on the way. */
  deliver(count = Number.POSITIVE_INFINITY): void {
    const bytes = this.outgoing.subarray(0, count);
    this.outgoing = this.outgoing.subarray(bytes.length);
    const { peer } = this;
    if (peer?.isOpen && bytes.length > 0) peer.sink.onData(Buffer.from(bytes), 0, bytes.length);
    if (this.outgoing.length > 0) return;
    for (const onSent of this.#onSent.splice(0)) if (this.isOpen) onSent();
    if (this.#wasFull && this.isOpen) {
      this.#wasFull = false;
      this.sink.onDrain();
    }
    if (this.#hasEnded && !this.#hasDeliveredEnd) {
      this.#hasDeliveredEnd = true;
      if (peer?.isOpen) peer.sink.onEnd();
    }
  }

  end(): void {
    this.#hasEnded = true;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#hasEnded = true;
    queueMicrotask(() => this.sink.onClose(null));
  }

  /** The connection breaks at both ends; what was on the way is lost. */
  cut(): void {
    for (const end of [this, this.peer]) {
      if (!end?.isOpen) continue;
      end.isOpen = false;
      end.outgoing = Buffer.alloc(0);
      end.sink.onClose(Object.assign(new Error("reset"), { code: "ECONNRESET" }));
    }
  }

  forward(_from: Transport, buf: Buffer, start: number, end: number): boolean {
    return this.write(buf.subarray(start, end));
  }
  reset(): void {
    this.cut();
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
  useOwnBuffer(): void {}
  useSharedBuffer(): void {}
  lends(): boolean {
    return false;
  }
  giveAway(): void {}
}

/** What a stream's user has seen. */
export class Seen implements Sink {
  received: Buffer = Buffer.alloc(0);
  ends = 0;
  drains = 0;
  closes: (string | null)[] = [];

  onData(buf: Buffer, start: number, end: number): void {
    this.received = Buffer.concat([this.received, buf.subarray(start, end)]);
  }
  onEnd(): void {
    this.ends++;
  }
  onDrain(): void {
    this.drains++;
  }
  onClose(error: NodeJS.ErrnoException | null): void {
    this.closes.push(error?.code ?? null);
  }
  get text(): string {
    return this.received.toString("latin1");
  }
}

export interface Accepted {
  readonly stream: HopStream;
  readonly seen: Seen;
}

export class HopPair {
  now = 1_000_000;
  readonly wheel = new TimerWheel(() => this.now);
  readonly budget = new WindowBudget(() => this.now);
  readonly near = new WireEnd();
  readonly far = new WireEnd();
  readonly client: HopConnection;
  readonly server: HopConnection;
  readonly accepted: Accepted[] = [];
  readonly closed: string[] = [];

  constructor(retireAfterMs = Number.POSITIVE_INFINITY) {
    this.near.peer = this.far;
    this.far.peer = this.near;
    const context = { wheel: this.wheel, turn: new Turn(), budget: this.budget };
    const taking: HopOwner = {
      onStream: (stream) => {
        const seen = new Seen();
        stream.sink = seen;
        this.accepted.push({ stream, seen });
      },
      onClosed: () => this.closed.push("server"),
    };
    const opening: HopOwner = { onClosed: () => this.closed.push("client") };
    this.client = new HopConnection(this.near, opening, context, retireAfterMs);
    this.server = new HopConnection(this.far, taking, context);
  }

  open(): { stream: HopStream; seen: Seen } {
    const seen = new Seen();
    return { stream: this.client.open(seen), seen };
  }

  /** The stream of the other side, once its first bytes have come. */
  at(index: number): Accepted {
    const found = this.accepted[index];
    if (found === undefined) throw new Error(`${this.accepted.length} streams, not ${index + 1}`);
    return found;
  }

  /** Until nothing moves any more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await turnOfTheLoop();
      const isQuiet = this.near.outgoing.length === 0 && this.far.outgoing.length === 0;
      quiet = isQuiet ? quiet + 1 : 0;
      this.near.deliver();
      this.far.deliver();
    }
  }

  /** One turn of the loop: what was written is on its way, and not there. */
  async turn(): Promise<void> {
    await turnOfTheLoop();
  }

  pass(ms: number): void {
    this.now += ms;
    this.wheel.advance();
  }
}
