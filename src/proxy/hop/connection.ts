/**
 * One mutual TLS connection between two sidecars and the streams on it. The side that connected opens streams, the other takes
 * them. What streams write in a turn of the event loop is gathered and leaves in one write; what they may write is bounded by the
 * peer's credit for each of them, so a slow one stops nobody else, and by the room in the socket, which they share in turns.
 */
import { connectionError } from "../net/handshake-fault.ts";
import type { TimerWheel } from "../net/timer-wheel.ts";
import { NO_SINK, type Sink } from "../net/transport.ts";
import {
  CREDIT,
  DATA,
  END,
  GOAWAY,
  GOAWAY_CODES,
  type GoawayReason,
  MAX_STREAMS,
  PING,
  PONG,
  RESET,
} from "./frame.ts";
import { type FrameHandler, FrameReader } from "./frame-reader.ts";
import { Lifetime } from "./lifetime.ts";
import { type HopTransport, Output, type OutputOwner } from "./output.ts";
import { HopStream } from "./stream.ts";
import type { Turn } from "./turn.ts";
import type { WindowBudget } from "./window.ts";

/** Frames without data that a peer may send beyond twice those with data that have passed. */
const MAX_IDLE_FRAMES = 1_000;

/** What a connection gets from the loop it lives on. */
export interface HopContext {
  readonly wheel: TimerWheel;
  readonly turn: Turn;
  readonly budget: WindowBudget;
}

export interface HopOwner {
  /** The peer has opened a stream; its sink is the owner's to set. Absent where this side opens them. */
  onStream?(stream: HopStream): void;
  onClosed(connection: HopConnection): void;
}

export class HopConnection implements Sink, FrameHandler, OutputOwner {
  readonly turn: Turn;
  readonly expiresAt: number;
  readonly peerAddress: string;
  /** Takes no new streams. */
  isRetired = false;
  readonly #transport: HopTransport;
  readonly #output: Output;
  readonly #budget: WindowBudget;
  readonly #owner: HopOwner;
  readonly #reader = new FrameReader(this);
  readonly #streams = new Map<number, HopStream>();
  /** Streams that have sent nothing, and have no id. */
  readonly #unsent = new Set<HopStream>();
  /** Streams with bytes for which there was no room, or that have credit again. */
  readonly #waiting = new Set<HopStream>();
  #lastStream = 0;
  #isOpen = true;
  #hasSaidGoaway = false;
  #peerHasSaidGoaway = false;
  readonly #lifetime: Lifetime;
  #dataFrames = 0;
  #idleFrames = 0;

  /** `retireAfterMs`: how old it may become; the side that takes streams leaves that to the other. */
  constructor(transport: HopTransport, owner: HopOwner, context: HopContext, retireAfterMs = Infinity) {
    this.#transport = transport;
    this.#owner = owner;
    this.#budget = context.budget;
    this.turn = context.turn;
    this.#output = new Output(transport, context.turn, this);
    this.expiresAt = transport.expiresAt ?? Number.POSITIVE_INFINITY;
    this.peerAddress = transport.peerAddress;
    this.#lifetime = new Lifetime(this, context.wheel, retireAfterMs);
    transport.sink = this;
  }

  /** Writes so far. */
  get flushes(): number {
    return this.#output.flushes;
  }
  get isOpen(): boolean {
    return this.#isOpen;
  }
  /** Streams that are open. */
  get size(): number {
    return this.#streams.size + this.#unsent.size;
  }
  /** Nobody uses what this side has opened. */
  get isUnused(): boolean {
    return this.size === 0 && this.#owner.onStream === undefined;
  }
  get hasRoom(): boolean {
    return this.#isOpen && !this.isRetired && this.size < MAX_STREAMS && Date.now() < this.expiresAt;
  }

  /** For the side that connected, while there is room. */
  open(sink: Sink): HopStream {
    const stream = new HopStream(this, 0, sink, this.#budget);
    this.#unsent.add(stream);
    return stream;
  }

  /** The id of a stream whose first frame is about to be put: ids are in the order of those. */
  begin(stream: HopStream): number {
    this.#unsent.delete(stream);
    this.#streams.set(++this.#lastStream, stream);
    return this.#lastStream;
  }

  /** A stream is over; what it has in frames still leaves. */
  forget(stream: HopStream): void {
    if (!this.#unsent.delete(stream)) this.#streams.delete(stream.id);
    this.#waiting.delete(stream);
    if (this.size > 0) return;
    this.#lifetime.unused();
    this.#closeWhenDone();
  }

  /**
   * Asks that no more streams be opened (the side that takes them), or says that none will be. Those that are open go on; with
   * the last of them, and when both sides have said so, the connection ends.
   */
  retire(): void {
    this.isRetired = true;
    if (this.#hasSaidGoaway || !this.#isOpen) return;
    this.#hasSaidGoaway = true;
    this.#output.putControl(GOAWAY, 0, 0, GOAWAY_CODES.none);
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    const isOver = this.#hasSaidGoaway && (this.#peerHasSaidGoaway || this.#owner.onStream === undefined);
    if (!isOver || this.size > 0 || !this.#isOpen) return;
    this.#output.flush();
    this.#transport.end();
    this.#over(null);
    this.#transport.sink = this;
    this.#lifetime.linger();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#output.flush();
    this.#over(null);
    this.#transport.close();
  }

  #fail(reason: GoawayReason): void {
    if (!this.#isOpen) return;
    this.#output.putControl(GOAWAY, 0, 0, GOAWAY_CODES[reason]);
    this.#output.flush();
    this.#over(connectionError("EPROTO", `the hop is broken: ${reason}`));
    this.#transport.close();
  }

  #over(error: NodeJS.ErrnoException | null): void {
    this.#lifetime.stop();
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.isRetired = true;
    this.#reader.stop();
    this.#waiting.clear();
    this.#output.close();
    if (this.#transport.isOpen) this.#transport.sink = NO_SINK;
    for (const stream of [...this.#streams.values(), ...this.#unsent]) stream.onLost(error);
    this.#owner.onClosed(this);
  }

  putData(stream: number, bytes: Uint8Array, start: number, end: number): number {
    const taken = this.#output.putData(stream, bytes, start, end);
    if (taken > 0) this.#dataFrames++;
    return taken;
  }

  putEnd(stream: number): void {
    this.#output.putControl(DATA, END, stream);
  }

  putReset(stream: number, code: number, received: number): void {
    this.#output.putControl(RESET, 0, stream, code, received);
  }

  putCredit(stream: number, bytes: number): void {
    this.#output.putControl(CREDIT, 0, stream, bytes);
  }

  /** The stream has bytes that the peer takes, and for which there was no room. */
  waitForRoom(stream: HopStream): void {
    this.#waiting.add(stream);
    if (!this.#output.isFull) this.#output.askForRoom();
  }

  /** A frame each in turn, until all is sent or there is no more room. */
  onRoom(): void {
    for (const stream of this.#waiting) {
      if (this.#output.isFull) return;
      this.#waiting.delete(stream);
      // Set again, it comes behind the others.
      if (stream.sendQueued()) this.#waiting.add(stream);
    }
  }

  onStuck(): void {
    this.#over(connectionError("EPROTO", "the peer does not read"));
    this.#transport.close();
  }

  // The socket's own room is the output's business.
  onDrain(): void {}

  onData(buf: Buffer, start: number, end: number): void {
    this.#lifetime.heard();
    const fault = this.#reader.read(buf, start, end);
    if (fault !== null) this.#fail(fault);
  }

  onStreamData(id: number, buf: Buffer, start: number, end: number): void {
    this.#dataFrames++;
    const stream = this.#streams.get(id) ?? this.#accept(id);
    if (stream === null) this.#countIdle();
    else if (!stream.onData(buf, start, end)) this.#fail("flowControl");
  }

  onStreamEnd(id: number): void {
    const stream = this.#streams.get(id) ?? this.#accept(id);
    if (stream === null) this.#countIdle();
    else if (!stream.onEnd()) this.#fail("protocol");
    else this.#countIdle();
  }

  /** A stream that the peer opens; null for bytes that were on their way to one that is over. */
  #accept(id: number): HopStream | null {
    if (id <= this.#lastStream) return null;
    if (this.#owner.onStream === undefined || this.#peerHasSaidGoaway) {
      this.#fail("protocol");
      return null;
    }
    this.#lastStream = id;
    const stream = new HopStream(this, id, NO_SINK, this.#budget);
    this.#streams.set(id, stream);
    if (this.#streams.size > MAX_STREAMS) {
      stream.refuse();
      return null;
    }
    this.#owner.onStream(stream);
    return stream;
  }

  onStreamReset(id: number, code: number, received: number): void {
    this.#countIdle();
    if (id > this.#lastStream) this.#fail("protocol");
    else this.#streams.get(id)?.onReset(code, received);
  }

  onCredit(id: number, bytes: number): void {
    this.#countIdle();
    if (id > this.#lastStream) this.#fail("protocol");
    else if (this.#streams.get(id)?.onCredit(bytes) === false) this.#fail("flowControl");
  }

  onGoaway(code: number): void {
    this.#countIdle();
    if (code !== GOAWAY_CODES.none) {
      this.#over(connectionError("EPROTO", `the peer has ended the hop, code ${code}`));
      this.#transport.close();
      return;
    }
    this.#peerHasSaidGoaway = true;
    this.retire();
    this.#closeWhenDone();
  }

  onPing(first: number, second: number): void {
    this.#countIdle();
    this.#output.putControl(PONG, 0, 0, first, second);
  }

  onPong(): void {
    this.#countIdle();
  }

  /** Frames that carry nothing are few where nobody means ill. */
  #countIdle(): void {
    if (++this.#idleFrames > MAX_IDLE_FRAMES + 2 * this.#dataFrames) this.#fail("flood");
  }

  onEnd(): void {
    this.#over(null);
    this.#transport.close();
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    this.#over(error);
  }

  /** The peer has not ended its side in time. */
  lingered(): void {
    this.#transport.close();
  }

  /** The peer is asked whether it lives. */
  ping(): void {
    this.#output.putControl(PING, 0, 0);
  }

  /** It has not answered. */
  timedOut(): void {
    this.#fail("timeout");
  }
}
