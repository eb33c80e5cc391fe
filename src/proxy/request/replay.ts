/**
 * A request's own bytes, kept while it may have to be sent again: its head, and its body up to 64 KiB. One that is longer streams
 * on and can no longer be retried.
 */
import type { Head } from "../http/head.ts";

/** Linkerd's. */
export const MAX_REPLAY_BYTES = 65_536;
/** Room for a usual head; kept for the next request of any connection, so that one that is idle has none. */
const ROOM_BYTES = 4_096;
const MAX_SPARE = 64;
const spare: Buffer[] = [];
const NO_ROOM = Buffer.alloc(0);
const NO_PARTS: Buffer[] = [];

/** `empty`: nothing has been sent. `whole`: all that has been sent is here. `lost`: it is not, and can't be sent again. */
type State = "empty" | "whole" | "lost";

export class Replay {
  #state: State = "empty";
  #parts: Buffer[] = NO_PARTS;
  #bodyBytes = 0;
  #head: Buffer = NO_ROOM;
  #headLength = 0;
  #keepsBody = false;

  get state(): State {
    return this.#state;
  }
  /** What has been sent of the body, in its framing. */
  get parts(): readonly Buffer[] {
    return this.#parts;
  }

  clear(): void {
    this.#forget("empty");
  }

  /** A response has begun: the request will not be sent again. */
  drop(): void {
    this.#forget("lost");
  }

  /** `keepsBody` false: once a byte of a body has been sent, the request can't be sent again. */
  begin(head: Head, keepsBody: boolean): void {
    const hasBody = head.isChunked || head.contentLength > 0;
    this.#keepsBody = keepsBody && head.contentLength <= MAX_REPLAY_BYTES;
    if (hasBody && !this.#keepsBody) {
      this.#state = "lost";
      return;
    }
    const length = head.end - head.start;
    this.#head =
      length > ROOM_BYTES
        ? Buffer.allocUnsafeSlow(length)
        : (spare.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES));
    head.buf.copy(this.#head, 0, head.start, head.end);
    this.#headLength = length;
    this.#state = "whole";
  }

  /** A part of the body is sent: `buf[start, end)`, then `tail`. */
  add(buf: Buffer, start: number, end: number, tail: Uint8Array): void {
    const bytes = end - start + tail.length;
    if (bytes === 0 || this.#state !== "whole") return;
    if (this.#bodyBytes + bytes > MAX_REPLAY_BYTES) {
      this.#forget("lost");
      return;
    }
    if (this.#bodyBytes === 0) this.#parts = [];
    this.#bodyBytes += bytes;
    this.#parts.push(Buffer.concat([buf.subarray(start, end), tail]));
  }

  /** The head again, as it was read. */
  restore(head: Head): void {
    head.detach(Buffer.from(this.#head.subarray(0, this.#headLength)));
  }

  #forget(state: State): void {
    this.#state = state;
    this.#parts = NO_PARTS;
    this.#bodyBytes = 0;
    if (this.#head.length === ROOM_BYTES && spare.length < MAX_SPARE) spare.push(this.#head);
    this.#head = NO_ROOM;
  }
}
