/**
 * How far a message's body reaches (RFC 9112 §6.3): by its length, by its chunks, to the end of the connection, or not at all.
 * Bytes are counted, not copied.
 */
import { ChunkedBody } from "./chunked-body.ts";

export const NO_BODY = 0;
export const BY_LENGTH = 1;
export const BY_CHUNKS = 2;
export const UNTIL_CLOSE = 3;
export type Framing = typeof NO_BODY | typeof BY_LENGTH | typeof BY_CHUNKS | typeof UNTIL_CLOSE;

const EMPTY = Buffer.alloc(0);

export class BodyReader {
  framing: Framing = NO_BODY;
  isDone = true;
  /** After `read`: `[start, outputEnd)` is to be sent, then `tail`. */
  outputEnd = 0;
  tail: Buffer = EMPTY;
  #remaining = 0;
  readonly #chunked = new ChunkedBody();

  begin(framing: Framing, length: number, keepsFraming: boolean): void {
    this.framing = framing;
    this.#remaining = length;
    this.tail = EMPTY;
    this.isDone = framing === NO_BODY || (framing === BY_LENGTH && length === 0);
    if (framing === BY_CHUNKS) this.#chunked.reset(keepsFraming);
  }

  /** Bytes that are certain to come; 0 when only the end will tell. */
  get remaining(): number {
    return this.framing === BY_LENGTH ? this.#remaining : 0;
  }

  /** Reads `buf[start, end)`. Returns where the body ends, at most `end`, or a negative fault. */
  read(buf: Buffer, start: number, end: number): number {
    switch (this.framing) {
      case NO_BODY:
        this.outputEnd = start;
        return start;
      case BY_LENGTH: {
        const length = Math.min(this.#remaining, end - start);
        this.#remaining -= length;
        this.isDone = this.#remaining === 0;
        this.outputEnd = start + length;
        return start + length;
      }
      case BY_CHUNKS: {
        const after = this.#chunked.scan(buf, start, end);
        this.outputEnd = this.#chunked.outputEnd;
        this.tail = this.#chunked.tail;
        this.isDone = this.#chunked.isDone;
        return after;
      }
      case UNTIL_CLOSE:
        this.outputEnd = end;
        return end;
    }
  }

  /** The connection has ended; true when that is a proper end of this body. */
  end(): boolean {
    if (this.framing === UNTIL_CLOSE) this.isDone = true;
    return this.isDone;
  }
}
