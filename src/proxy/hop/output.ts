/**
 * What a connection has to send: frames are gathered, and leave in one write at the end of the turn. While a write is on its way
 * the next one is gathered behind it, up to the size of the buffer: then there is no room.
 */
import type { Transport } from "../net/transport.ts";
import {
  CONTROL_BYTES,
  DATA,
  HEADER_BYTES,
  MAX_CONTROL,
  MAX_PAYLOAD,
  putHeader,
  putNumber,
} from "./frame.ts";
import type { EndOfTurn, Turn } from "./turn.ts";

export interface HopTransport extends Transport {
  /** Sends bytes, whose buffer is free again at once; `onSent` is called when they have left. */
  send(bytes: Uint8Array, onSent: () => void): void;
}

export interface OutputOwner {
  /** The turn ends, or what was written has left: those who wait for room may have some. */
  onRoom(): void;
  /** The peer lets us write control frames for ever, and reads nothing. */
  onStuck(): void;
}

/** TLS cuts what is written into records of this size (RFC 8446 §5.1); the other end reads a record at a time. */
const RECORD_BYTES = 16_384;
const OUTPUT_BYTES = 4 * RECORD_BYTES;
/** Control frames that a peer has not read, beside what its credit allows. */
const MAX_UNREAD = 1_048_576;
/** A buffer belongs to a connection only while it has something to send. */
const spare: Buffer[] = [];
const MAX_SPARE = 16;

export class Output implements EndOfTurn {
  /** Writes so far. */
  flushes = 0;
  readonly #transport: HopTransport;
  readonly #turn: Turn;
  readonly #owner: OutputOwner;
  #buf: Buffer | null = null;
  #used = 0;
  #isDue = false;
  #isSending = false;
  #isClosed = false;

  constructor(transport: HopTransport, turn: Turn, owner: OutputOwner) {
    this.#transport = transport;
    this.#turn = turn;
    this.#owner = owner;
  }

  /** There is no room before what was written has left. */
  get isFull(): boolean {
    return this.#isSending && this.#used >= OUTPUT_BYTES - HEADER_BYTES;
  }

  /** Puts at most one frame of a stream's bytes; returns how many were taken: none when there is no room. */
  putData(stream: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#isClosed || this.isFull) return 0;
    if (this.#used >= OUTPUT_BYTES - HEADER_BYTES) this.flush();
    const buf = this.#buffer();
    const length = Math.min(end - start, MAX_PAYLOAD, this.#roomForPayload());
    const at = putHeader(buf, this.#used, length, DATA, 0, stream);
    buf.set(bytes.subarray(start, start + length), at);
    this.#used = at + length;
    return length;
  }

  /** A frame ends with the record it is in, so that its bytes arrive, and are forwarded, in one piece. */
  #roomForPayload(): number {
    const room = OUTPUT_BYTES - HEADER_BYTES - this.#used;
    const inRecord = RECORD_BYTES - HEADER_BYTES - (this.#used % RECORD_BYTES);
    return Math.min(room, inRecord > 0 ? inRecord : inRecord + RECORD_BYTES);
  }

  /** A frame of at most two numbers; small, and so also taken when there is no room. */
  putControl(type: number, flags: number, stream: number, first = 0, second = 0): void {
    if (this.#isClosed) return;
    if (this.#used > OUTPUT_BYTES - MAX_CONTROL) this.flush();
    const buf = this.#buffer();
    const length = CONTROL_BYTES[type]!;
    const at = putHeader(buf, this.#used, length, type, flags, stream);
    if (length > 0) putNumber(buf, at, first);
    if (length > 4) putNumber(buf, at + 4, second);
    this.#used = at + length;
  }

  #buffer(): Buffer {
    this.#buf ??= spare.pop() ?? Buffer.allocUnsafeSlow(OUTPUT_BYTES);
    this.askForRoom();
    return this.#buf;
  }

  /** `onRoom` is to be called at the end of this turn. */
  askForRoom(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#turn.after(this);
  }

  endTurn(): void {
    this.#isDue = false;
    if (this.#isClosed) return;
    if (!this.isFull) this.#owner.onRoom();
    if (!this.#isSending) this.flush();
  }

  /** Writes what there is; behind a write that has not left it is queued. */
  flush(): void {
    if (this.#buf === null || this.#used === 0) return;
    const bytes = this.#buf.subarray(0, this.#used);
    this.#used = 0;
    this.flushes++;
    if (this.#isSending) {
      this.#transport.write(bytes);
      if (this.#transport.queuedBytes > MAX_UNREAD) this.#owner.onStuck();
    } else {
      this.#isSending = true;
      this.#transport.send(bytes, this.#sent);
    }
    this.#release();
  }

  readonly #sent = (): void => {
    this.#isSending = false;
    if (this.#isClosed) return;
    this.flush();
    this.askForRoom();
  };

  #release(): void {
    if (this.#buf !== null && spare.length < MAX_SPARE) spare.push(this.#buf);
    this.#buf = null;
  }

  close(): void {
    this.#isClosed = true;
    this.#release();
  }
}
