/**
 * A chunked body (RFC 9112 §7.1) found by its framing: the bytes are checked and passed on as they came, never decoded
 * and encoded again. What must not travel is cut out in place: chunk extensions, fields that a trailer may not carry, and,
 * for an HTTP/1.0 client, the framing itself.
 */
import { CR, FIELD_VALUE, HEX, LF, SEMICOLON } from "../http/byte-class.ts";
import { Head } from "../http/head.ts";
import { BAD_MESSAGE, FIELDS_TOO_LARGE } from "./fault.ts";
import { readFields } from "./field-block.ts";
import { allowedTrailers } from "./trailer.ts";

/** Hexadecimal digits of a size that stays under 2^52. */
const MAX_SIZE_DIGITS = 13;
/** Over a whole body; nobody uses extensions but attackers (CVE-2024-22019). */
const MAX_EXTENSION_BYTES = 16_384;
const MAX_TRAILER_BYTES = 16_384;
const MAX_TRAILER_FIELDS = 64;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER = 6;
const LAST_LF = 7;
const DONE = 8;

const EMPTY = Buffer.alloc(0);

export class ChunkedBody {
  /** After `scan`: what is to be sent is `[start, outputEnd)` of the buffer, then `tail`. */
  outputEnd = 0;
  tail: Buffer = EMPTY;
  #state = SIZE;
  #digits = 0;
  #size = 0;
  #extensionBytes = 0;
  #trailer: Buffer = EMPTY;
  #keepsFraming = true;

  get isDone(): boolean {
    return this.#state === DONE;
  }

  /** Starts a new body. Without framing, only the data of the chunks is passed on. */
  reset(keepsFraming: boolean): void {
    this.tail = EMPTY;
    this.#state = SIZE;
    this.#digits = 0;
    this.#size = 0;
    this.#extensionBytes = 0;
    this.#trailer = EMPTY;
    this.#keepsFraming = keepsFraming;
  }

  /** Reads `buf[start, end)`, moving what is passed on to its front. Returns where the body ends (or `end`), or a fault. */
  scan(buf: Buffer, start: number, end: number): number {
    const keeps = this.#keepsFraming;
    let read = start;
    let write = start;
    this.tail = EMPTY;
    while (read < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const length = Math.min(this.#size, end - read);
        if (write !== read) buf.copyWithin(write, read, read + length);
        write += length;
        read += length;
        this.#size -= length;
        if (this.#size === 0) this.#state = DATA_CR;
        continue;
      }
      if (this.#state === TRAILER && (this.#trailer.length > 0 || buf[read] !== CR)) {
        read = this.#readTrailer(buf, read, end);
        if (read < 0) return read;
        continue;
      }
      const byte = buf[read]!;
      const wasExtension = this.#state === EXTENSION;
      if (!this.#step(byte)) return BAD_MESSAGE;
      read++;
      const isCut = !keeps || (this.#state === EXTENSION ? true : wasExtension && byte !== CR);
      if (!isCut) {
        if (write !== read - 1) buf[write] = byte;
        write++;
      }
    }
    this.outputEnd = write;
    return read;
  }

  /** One byte of framing; false when it may not stand here. */
  #step(byte: number): boolean {
    switch (this.#state) {
      case SIZE: {
        const digit = HEX[byte]!;
        if (digit !== 0) {
          this.#size = this.#size * 16 + digit - 1;
          return ++this.#digits <= MAX_SIZE_DIGITS;
        }
        if (this.#digits === 0) return false;
        if (byte === SEMICOLON) this.#state = EXTENSION;
        else if (byte === CR) this.#state = SIZE_LF;
        else return false;
        return true;
      }
      case EXTENSION:
        if (byte === CR) this.#state = SIZE_LF;
        else if (FIELD_VALUE[byte] === 0 || ++this.#extensionBytes > MAX_EXTENSION_BYTES) return false;
        return true;
      case SIZE_LF:
        this.#digits = 0;
        this.#state = this.#size === 0 ? TRAILER : DATA;
        return byte === LF;
      case DATA_CR:
        this.#state = DATA_LF;
        return byte === CR;
      case DATA_LF:
        this.#state = SIZE;
        return byte === LF;
      case TRAILER:
        this.#state = LAST_LF;
        return byte === CR;
      default:
        this.#state = DONE;
        return byte === LF;
    }
  }

  /** Collects trailer fields until their end, then sets `tail`. Returns the offset after what was taken, or a fault. */
  #readTrailer(buf: Buffer, start: number, end: number): number {
    const before = this.#trailer.length;
    const bytes = Buffer.concat([this.#trailer, buf.subarray(start, end)]);
    const head = new Head(MAX_TRAILER_FIELDS);
    head.reset(bytes, 0);
    const after = readFields(bytes, 0, bytes.length, head);
    if (after < 0) return after;
    if (after === 0) {
      if (bytes.length > MAX_TRAILER_BYTES) return FIELDS_TOO_LARGE;
      this.#trailer = bytes;
      return end;
    }
    if (after > MAX_TRAILER_BYTES) return FIELDS_TOO_LARGE;
    if (this.#keepsFraming) this.tail = allowedTrailers(head);
    this.#state = DONE;
    return start + after - before;
  }
}
