/**
 * One stream of the hop: a connection of its own to those who use it, who see no difference to TCP. It carries one HTTP/1.1
 * message after another; a request that is given up ends its stream, never the connection.
 */
import { connectionError } from "../net/handshake-fault.ts";
import { NO_SINK, NOT_SEEN, type Sink, type Transport } from "../net/transport.ts";
import { ByteQueue } from "./byte-queue.ts";
import type { HopConnection } from "./connection.ts";
import { INITIAL_WINDOW, MAX_CREDIT, RESET_CODES } from "./frame.ts";
import type { EndOfTurn } from "./turn.ts";
import { ReceiveWindow, type WindowBudget } from "./window.ts";

export class HopStream implements Transport, EndOfTurn {
  sink: Sink;
  bytesRead = 0;
  readonly keeps = false;
  isPaused = false;
  /** 0 until the first frame. */
  id: number;
  readonly #hop: HopConnection;
  readonly #window: ReceiveWindow;
  #isOpen = true;
  /** What the peer still takes. */
  #credit = INITIAL_WINDOW;
  /** Written, and not yet in frames. */
  readonly #queue = new ByteQueue();
  /** Bytes in frames so far. */
  #sent = 0;
  /** Received while the reader has stopped. */
  readonly #held = new ByteQueue();
  #wantsEnd = false;
  #hasEnded = false;
  #peerHasEnded = false;
  #owesEnd = false;
  /** Why it is closed, until the sink has heard of it. */
  #closing: { readonly error: NodeJS.ErrnoException | null } | null = null;
  /** Where the latest message began, and the flush of the connection at that time; -1: none has. */
  #messageAt = -1;
  #messageFlush = -1;

  constructor(hop: HopConnection, id: number, sink: Sink, budget: WindowBudget) {
    this.#hop = hop;
    this.id = id;
    this.sink = sink;
    this.#window = new ReceiveWindow(budget);
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }
  get queuedBytes(): number {
    return this.#queue.length;
  }
  get peerAddress(): string {
    return this.#hop.peerAddress;
  }
  /** A connection that takes no new streams lets go of those that rest. */
  get expiresAt(): number {
    return this.#hop.isRetired ? 0 : this.#hop.expiresAt;
  }

  beginMessage(): void {
    this.#messageAt = this.#sent + this.#queue.length;
    this.#messageFlush = this.#hop.flushes;
  }

  write(bytes: Uint8Array): boolean {
    return this.#write(bytes, 0, bytes.length);
  }

  forward(_from: Transport, buf: Buffer, start: number, end: number): boolean {
    return this.#write(buf, start, end);
  }

  #write(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#isOpen || this.#wantsEnd) return true;
    const from = this.#queue.length === 0 ? this.#frame(bytes, start, end) : start;
    if (from === end) return true;
    this.#queue.push(bytes, from, end);
    return false;
  }

  /** Puts as much into frames as the peer and the connection take; returns how far it came. */
  #frame(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.#credit > 0) {
      const taken = this.#putData(bytes, at, Math.min(end, at + this.#credit));
      if (taken === 0) {
        this.#hop.waitForRoom(this);
        break;
      }
      at += taken;
    }
    return at;
  }

  #putData(bytes: Uint8Array, start: number, end: number): number {
    if (this.id === 0) this.id = this.#hop.begin(this);
    const taken = this.#hop.putData(this.id, bytes, start, end);
    this.#credit -= taken;
    this.#sent += taken;
    return taken;
  }

  /** The connection has room again. One frame a call, so that streams take turns; true: there is more. */
  sendQueued(): boolean {
    const first = this.#queue.first();
    if (!this.#isOpen || first.length === 0 || this.#credit === 0) return false;
    const taken = this.#putData(first, 0, Math.min(first.length, this.#credit));
    this.#queue.skip(taken);
    if (this.#queue.length > 0) return this.#credit > 0;
    if (this.#wantsEnd) this.#sendEnd();
    else this.sink.onDrain();
    return false;
  }

  /** The peer takes more. False when it may not have said so. */
  onCredit(bytes: number): boolean {
    if (bytes === 0 || this.#credit + bytes > MAX_CREDIT) return false;
    const wasEmpty = this.#credit === 0;
    this.#credit += bytes;
    if (wasEmpty && this.#queue.length > 0) this.#hop.waitForRoom(this);
    return true;
  }

  /** A piece of what the peer sends. False when it was not allowed to. */
  onData(buf: Buffer, start: number, end: number): boolean {
    if (this.#peerHasEnded || !this.#window.receive(end - start)) return false;
    this.bytesRead += end - start;
    if (this.isPaused || this.#held.length > 0) this.#held.push(buf, start, end);
    else this.#deliver(buf, start, end);
    return true;
  }

  #deliver(buf: Buffer, start: number, end: number): void {
    this.sink.onData(buf, start, end);
    const credit = this.#window.consume(end - start);
    if (credit > 0 && this.#isOpen && !this.#peerHasEnded) this.#hop.putCredit(this.id, credit);
  }

  /** False when the peer has said so before. */
  onEnd(): boolean {
    if (this.#peerHasEnded) return false;
    this.#peerHasEnded = true;
    this.#owesEnd = true;
    if (this.#held.length === 0 && !this.isPaused) this.#deliverEnd();
    return true;
  }

  #deliverEnd(): void {
    this.#owesEnd = false;
    this.sink.onEnd();
    if (this.#hasEnded && this.#isOpen) this.#over(null);
  }

  /** The peer gives the stream up, having taken `received` bytes of it. */
  onReset(code: number, received: number): void {
    const hasSome = this.#messageAt < 0 || ((received - this.#messageAt) | 0) > 0;
    const isSeen = code !== RESET_CODES.refused && hasSome;
    this.#endWith(isSeen ? connectionError("ECONNRESET", "the peer gave the stream up") : notSeen());
  }

  /** The connection is over. */
  onLost(error: NodeJS.ErrnoException | null): void {
    const isSeen = this.#sent > this.#messageAt && this.#hop.flushes !== this.#messageFlush;
    this.#endWith(isSeen ? (error ?? connectionError("ECONNRESET", "the connection ended")) : notSeen());
  }

  /** What has come before is delivered before. */
  #endWith(error: NodeJS.ErrnoException): void {
    if (!this.#isOpen) return;
    if (this.#held.length === 0) {
      this.#over(error);
      return;
    }
    this.#drop();
    this.#closing = { error };
  }

  end(): void {
    if (!this.#isOpen || this.#wantsEnd) return;
    this.#wantsEnd = true;
    if (this.#queue.length === 0) this.#sendEnd();
  }

  #sendEnd(): void {
    this.#hasEnded = true;
    if (this.id === 0) this.id = this.#hop.begin(this);
    this.#hop.putEnd(this.id);
    if (this.#peerHasEnded && !this.#owesEnd) this.#over(null);
  }

  close(): void {
    this.#giveUp(RESET_CODES.cancel);
  }

  reset(): void {
    this.#giveUp(RESET_CODES.cut);
  }

  /** Answers nothing; for a stream that the peer should not have opened. */
  refuse(): void {
    this.#giveUp(RESET_CODES.refused);
  }

  #giveUp(code: number): void {
    if (this.#isOpen) {
      if (this.id !== 0) this.#hop.putReset(this.id, code, this.bytesRead);
      this.#held.clear();
      this.#over(null);
    } else if (this.#closing !== null) {
      this.#held.clear();
      this.#hop.turn.before(this);
    }
  }

  /** The sink hears of it at the end of the turn: whoever closes is in the middle of something. */
  #over(error: NodeJS.ErrnoException | null): void {
    this.#drop();
    this.#closing ??= { error };
    this.#hop.turn.before(this);
  }

  #drop(): void {
    this.#isOpen = false;
    this.#queue.clear();
    this.#window.release();
    this.#hop.forget(this);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    if (this.#held.length > 0 || this.#owesEnd) this.#hop.turn.before(this);
  }

  /** Delivers what has waited: bytes, the end, the close. */
  endTurn(): void {
    while (this.#held.length > 0 && !this.isPaused) {
      // A copy: whoever takes it may keep it.
      const piece = Buffer.from(this.#held.first());
      this.#held.skip(piece.length);
      this.#deliver(piece, 0, piece.length);
    }
    if (this.#held.length > 0) return;
    if (this.#owesEnd && this.#isOpen && !this.isPaused) this.#deliverEnd();
    const closing = this.#closing;
    if (closing === null || this.#isOpen) return;
    this.#closing = null;
    this.sink.onClose(closing.error);
    this.sink = NO_SINK;
  }

  // Bytes come in memory of the TLS socket's, which no other read writes to.
  useOwnBuffer(): void {}
  useSharedBuffer(): void {}
  lends(): boolean {
    return false;
  }
  giveAway(): void {}
}

function notSeen(): NodeJS.ErrnoException {
  return connectionError(NOT_SEEN, "the peer has not seen the request");
}
