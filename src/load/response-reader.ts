/**
 * Follows one response at a time through whatever pieces the socket delivers, and says when it is complete. Bodies are
 * counted past, not kept; a head that arrives in pieces is the only thing that is ever copied.
 */
import { CHUNKS_GO_ON, CHUNKS_MALFORMED, ChunkSkipper } from "./chunk-skipper.ts";
import {
  BODY_CHUNKED,
  BODY_CLOSE,
  BODY_LENGTH,
  BODY_NONE,
  emptyHead,
  HEAD_INCOMPLETE,
  HEAD_MALFORMED,
  readHead,
} from "./response-head.ts";

/** What {@link ResponseReader.read} says. */
export const RESPONSE_GOES_ON = 0;
export const RESPONSE_COMPLETE = 1;
export const RESPONSE_MALFORMED = 2;

const MAX_HEAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

export class ResponseReader {
  /** Of the response being read; `keepAlive` is false too when more came than the response. */
  status = 0;
  keepAlive = true;
  /** Whether a byte of the response has come. */
  started = false;
  #noBody = false;
  #inBody = false;
  #left = 0;
  #held = EMPTY;
  readonly #head = emptyHead();
  readonly #chunks = new ChunkSkipper();

  /** Expects the next response; `noBody` when the request was HEAD. */
  begin(noBody: boolean): void {
    this.#noBody = noBody;
    this.#inBody = false;
    this.started = false;
    this.#held = EMPTY;
  }

  /** Takes the next bytes of the connection. */
  read(bytes: Buffer, from: number, to: number): number {
    this.started = true;
    return this.#inBody ? this.#readBody(bytes, from, to) : this.#readHeads(bytes, from, to);
  }

  /** The connection ended in order: whether that completes the response. */
  end(): boolean {
    return this.#inBody && this.#head.body === BODY_CLOSE;
  }

  #readHeads(piece: Buffer, from: number, to: number): number {
    let bytes = piece;
    let at = from;
    let end = to;
    if (this.#held.length > 0) {
      bytes = Buffer.concat([this.#held, piece.subarray(from, to)]);
      at = 0;
      end = bytes.length;
      this.#held = EMPTY;
    }
    for (;;) {
      const after = readHead(bytes, at, end, this.#noBody, this.#head);
      if (after === HEAD_MALFORMED) return RESPONSE_MALFORMED;
      if (after === HEAD_INCOMPLETE) {
        if (end - at > MAX_HEAD_BYTES) return RESPONSE_MALFORMED;
        this.#held = Buffer.from(bytes.subarray(at, end));
        return RESPONSE_GOES_ON;
      }
      at = after;
      if (this.#head.status === 101) return RESPONSE_MALFORMED; // we never ask for an upgrade
      if (this.#head.status >= 200) break; // 1xx only announces the answer
    }
    this.status = this.#head.status;
    this.keepAlive = this.#head.keepAlive;
    if (this.#head.body === BODY_NONE) return this.#complete(at === end);
    this.#inBody = true;
    this.#left = this.#head.length;
    if (this.#head.body === BODY_CHUNKED) this.#chunks.reset();
    return at === end ? RESPONSE_GOES_ON : this.#readBody(bytes, at, end);
  }

  #readBody(bytes: Buffer, from: number, to: number): number {
    if (this.#head.body === BODY_LENGTH) {
      this.#left -= to - from;
      return this.#left > 0 ? RESPONSE_GOES_ON : this.#complete(this.#left === 0);
    }
    if (this.#head.body === BODY_CLOSE) return RESPONSE_GOES_ON;
    const after = this.#chunks.skip(bytes, from, to);
    if (after === CHUNKS_GO_ON) return RESPONSE_GOES_ON;
    return after === CHUNKS_MALFORMED ? RESPONSE_MALFORMED : this.#complete(after === to);
  }

  #complete(exactly: boolean): number {
    if (!exactly) this.keepAlive = false;
    return RESPONSE_COMPLETE;
  }
}
