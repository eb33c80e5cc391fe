/**
 * Reads frames from a connection as they come: payloads of DATA are handed on in the pieces that arrive, nothing is gathered but
 * a header, or a control frame, that was cut by a read. Strict: what the version does not define ends the connection.
 */
import {
  CONTROL_BYTES,
  CREDIT,
  DATA,
  END,
  GOAWAY,
  type GoawayReason,
  HEADER_BYTES,
  MAX_CONTROL,
  MAX_PAYLOAD,
  PING,
  PONG,
  RESET,
  readNumber,
} from "./frame.ts";

export interface FrameHandler {
  /** A piece of a stream's bytes; valid until the call returns. Never empty. */
  onStreamData(stream: number, buf: Buffer, start: number, end: number): void;
  onStreamEnd(stream: number): void;
  /** `received`: bytes of the stream that the peer had taken, modulo 2^32. */
  onStreamReset(stream: number, code: number, received: number): void;
  onCredit(stream: number, bytes: number): void;
  onGoaway(code: number): void;
  /** Eight bytes, as two numbers, that are to be sent back. */
  onPing(first: number, second: number): void;
  onPong(): void;
}

/** What a reader answers instead of a fault. */
export const READ_ALL = null;

export class FrameReader {
  readonly #handler: FrameHandler;
  /** A unit that a read has cut. */
  readonly #held = Buffer.alloc(MAX_CONTROL);
  #heldBytes = 0;
  /** Payload of the DATA frame under way that has not come. */
  #left = 0;
  #stream = 0;
  #ends = false;
  #isStopped = false;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** Reads no more, also not the rest of what it is reading. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Reads `buf[start, end)`; a reason when the peer has broken the protocol. */
  read(buf: Buffer, start: number, end: number): GoawayReason | null {
    let at = start;
    while (at < end && !this.#isStopped) {
      if (this.#left > 0) {
        at = this.#payload(buf, at, end);
        continue;
      }
      if (this.#heldBytes === 0 && end - at >= MAX_CONTROL) {
        const size = unitBytes(buf, at);
        if (size < 0) return "protocol";
        this.#unit(buf, at);
        at += size;
        continue;
      }
      // Near the end of a read a unit may be cut: it is put together first.
      const target = this.#heldBytes < HEADER_BYTES ? HEADER_BYTES : unitBytes(this.#held, 0);
      const taken = Math.min(target - this.#heldBytes, end - at);
      buf.copy(this.#held, this.#heldBytes, at, at + taken);
      at += taken;
      this.#heldBytes += taken;
      if (this.#heldBytes < HEADER_BYTES) break;
      const size = unitBytes(this.#held, 0);
      if (size < 0) return "protocol";
      if (this.#heldBytes < size) continue;
      this.#heldBytes = 0;
      this.#unit(this.#held, 0);
    }
    return READ_ALL;
  }

  #payload(buf: Buffer, at: number, end: number): number {
    const to = Math.min(end, at + this.#left);
    this.#left -= to - at;
    this.#handler.onStreamData(this.#stream, buf, at, to);
    if (this.#left === 0 && this.#ends) this.#handler.onStreamEnd(this.#stream);
    return to;
  }

  /** A whole control frame, or the header of a DATA frame. */
  #unit(buf: Buffer, at: number): void {
    const stream = readNumber(buf, at + 4);
    const payload = at + HEADER_BYTES;
    switch (buf[at + 2]) {
      case DATA:
        this.#left = (buf[at]! << 8) | buf[at + 1]!;
        this.#stream = stream;
        this.#ends = buf[at + 3] === END;
        if (this.#left === 0) this.#handler.onStreamEnd(stream);
        return;
      case RESET:
        this.#handler.onStreamReset(stream, readNumber(buf, payload), readNumber(buf, payload + 4));
        return;
      case CREDIT:
        this.#handler.onCredit(stream, readNumber(buf, payload));
        return;
      case GOAWAY:
        this.#handler.onGoaway(readNumber(buf, payload));
        return;
      case PING:
        this.#handler.onPing(readNumber(buf, payload), readNumber(buf, payload + 4));
        return;
      case PONG:
        this.#handler.onPong();
    }
  }
}

/** Bytes of the unit whose header is at `at`; -1: not a header of this version. */
function unitBytes(buf: Uint8Array, at: number): number {
  const length = (buf[at]! << 8) | buf[at + 1]!;
  const type = buf[at + 2]!;
  const flags = buf[at + 3]!;
  const stream = readNumber(buf, at + 4);
  if (type === DATA) {
    const isRight = stream !== 0 && length <= MAX_PAYLOAD && (flags === END || (flags === 0 && length > 0));
    return isRight ? HEADER_BYTES : -1;
  }
  const needsStream = type === RESET || type === CREDIT;
  if (flags !== 0 || length !== CONTROL_BYTES[type] || needsStream !== (stream !== 0)) return -1;
  return HEADER_BYTES + length;
}
