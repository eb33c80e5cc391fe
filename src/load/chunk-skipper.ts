/**
 * Finds the end of a chunked body without keeping any of it (RFC 9112 §7.1). Extensions and trailers are skipped.
 */

/** What {@link ChunkSkipper.skip} says when the body does not end in the bytes it was given. */
export const CHUNKS_GO_ON = -1;
export const CHUNKS_MALFORMED = -2;

const SIZE = 0;
const EXTENSION = 1;
const DATA = 2;
const DATA_END = 3;
const TRAILER = 4;

const LF = 10;
const CR = 13;

export class ChunkSkipper {
  #state = SIZE;
  #left = 0;
  #digits = 0;
  /** Octets on the current trailer line; an empty line is the end. */
  #line = 0;

  reset(): void {
    this.#state = SIZE;
    this.#left = 0;
    this.#digits = 0;
    this.#line = 0;
  }

  /** Returns where the message ends, {@link CHUNKS_GO_ON} or {@link CHUNKS_MALFORMED}. */
  skip(bytes: Buffer, from: number, to: number): number {
    let at = from;
    while (at < to) {
      if (this.#state === DATA) {
        const taken = Math.min(this.#left, to - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#state = DATA_END;
        continue;
      }
      const byte = bytes[at++] ?? 0;
      if (this.#state === SIZE) {
        const digit = hexDigit(byte);
        if (digit >= 0) {
          if (++this.#digits > 12) return CHUNKS_MALFORMED;
          this.#left = this.#left * 16 + digit;
        } else if (this.#digits === 0) return CHUNKS_MALFORMED;
        else if (byte === LF) this.#sizeRead();
        else if (byte === CR || byte === 0x3b || byte === 0x20) this.#state = EXTENSION;
        else return CHUNKS_MALFORMED;
      } else if (this.#state === EXTENSION) {
        if (byte === LF) this.#sizeRead();
      } else if (this.#state === DATA_END) {
        if (byte === LF) this.reset();
        else if (byte !== CR) return CHUNKS_MALFORMED;
      } else if (byte === LF) {
        if (this.#line === 0) return at;
        this.#line = 0;
      } else if (byte !== CR) this.#line++;
    }
    return CHUNKS_GO_ON;
  }

  #sizeRead(): void {
    this.#state = this.#left === 0 ? TRAILER : DATA;
    this.#line = 0;
  }
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
