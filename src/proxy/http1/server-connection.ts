/**
 * The downstream side of HTTP/1.1: reads one request after the other from a connection and hands each to its handler. Requests are
 * answered strictly in order, so the next one is not even read until the one before is finished: a client that pipelines
 * without end fills its own socket, not our memory.
 */
import { Head } from "../http/head.ts";
import type { Sink, Transport } from "../net/transport.ts";
import { BodyReader, BY_CHUNKS, BY_LENGTH, NO_BODY } from "./body.ts";
import { INCOMPLETE } from "./fault.ts";
import { readRequestHead } from "./request-head.ts";

/** Bodies with more to come than this are read into a buffer of the connection's own. */
const LARGE_BODY_BYTES = 16_384;
/** A client that has been told to go may send this much more before it is cut off. */
const LINGER_BYTES = 262_144;
const LF = 10;

export interface RequestHandler {
  /** A head has been read into `connection.head`. The body is taken by `pullBody`, now or later. */
  onRequest(): void;
  /** More of the body has come; `pullBody` takes it. What is not taken stops the client. */
  onRequestBody(): void;
  /** The request is malformed: `status` says how. `isHead` is false within a body. */
  onBadRequest(status: number, isHead: boolean): void;
  /** The first byte of a head has come and the head is incomplete, or (`false`) it is complete. */
  onHeadPending(isPending: boolean): void;
  onDownstreamDrain(): void;
  /** The client has ended its side while a request was under way. */
  onDownstreamEnd(): void;
  onDownstreamClose(): void;
}

type State = "head" | "body" | "answering" | "lingering" | "closed";

export class ServerConnection implements Sink {
  readonly transport: Transport;
  readonly head: Head;
  readonly body = new BodyReader();
  readonly #handler: RequestHandler;
  readonly #maxHeadBytes: number;
  #state: State = "head";
  #hasEnded = false;
  #isReading = false;
  /** What is being read is nobody else's: its rest can be kept uncopied. */
  #isOwn = false;
  #lingered = 0;
  /** Bytes that nobody has taken yet, in memory of their own. */
  #pending: Buffer | null = null;
  /** What is being read: `#buf[#pos, #end)`. */
  #buf: Buffer = EMPTY;
  #pos = 0;
  #end = 0;

  constructor(transport: Transport, handler: RequestHandler, maxHeadBytes: number, maxFields: number) {
    this.transport = transport;
    this.head = new Head(maxFields);
    this.#handler = handler;
    this.#maxHeadBytes = maxHeadBytes;
  }

  /** Whether the request now under way has been read to its end. */
  get isRequestDone(): boolean {
    return this.body.isDone;
  }
  get hasEnded(): boolean {
    return this.#hasEnded;
  }
  get isIdle(): boolean {
    return this.#state === "head" && this.#pending === null;
  }

  onData(buf: Buffer, start: number, end: number): void {
    if (this.#state === "lingering") {
      this.#lingered += end - start;
      if (this.#lingered > LINGER_BYTES) this.transport.close();
      return;
    }
    if (this.#pending === null) {
      this.#isOwn = false;
      this.#read(buf, start, end);
      return;
    }
    const before = this.#pending.length;
    const joined = Buffer.concat([this.#pending, buf.subarray(start, end)]);
    this.#pending = null;
    // A head that drips in is judged again only when it has a new line, or is too long.
    if (this.#state === "head" && joined.length < this.#maxHeadBytes && joined.indexOf(LF, before) < 0) {
      this.#pending = joined;
      return;
    }
    this.#readOwn(joined);
  }

  #readOwn(bytes: Buffer): void {
    this.#isOwn = true;
    this.#read(bytes, 0, bytes.length);
  }

  #read(buf: Buffer, start: number, end: number): void {
    this.#buf = buf;
    this.#pos = start;
    this.#end = end;
    this.#isReading = true;
    while (this.#pos < this.#end) {
      const before = this.#pos;
      if (this.#state === "head") {
        if (!this.#readHead()) break;
      } else if (this.#state === "body") {
        this.#handler.onRequestBody();
        if (this.#pos === before && this.#state === "body") break;
      } else break;
    }
    this.#isReading = false;
    this.#keepRest();
  }

  /** False when the head is not complete, or not a head. */
  #readHead(): boolean {
    const after = readRequestHead(this.#buf, this.#pos, this.#end, this.head, this.#maxHeadBytes);
    if (after === INCOMPLETE) {
      this.#handler.onHeadPending(true);
      return false;
    }
    if (after < 0) {
      this.#pos = this.#end;
      this.#state = "answering";
      this.body.begin(NO_BODY, 0, true);
      this.#handler.onBadRequest(-after, true);
      return false;
    }
    this.#pos = after;
    this.#beginBody();
    this.#handler.onHeadPending(false);
    this.#handler.onRequest();
    return true;
  }

  #beginBody(): void {
    const { head, body } = this;
    if (head.isChunked) body.begin(BY_CHUNKS, 0, true);
    else body.begin(head.contentLength > 0 ? BY_LENGTH : NO_BODY, head.contentLength, true);
    this.#state = body.isDone ? "answering" : "body";
  }

  /**
   * Takes what has arrived of the body: `bodyBuf[bodyStart, body.outputEnd)`, then `body.tail`. False when the body is
   * malformed; the handler has been told.
   */
  bodyBuf: Buffer = EMPTY;
  bodyStart = 0;
  pullBody(): boolean {
    if (this.#state !== "body") {
      this.bodyStart = 0;
      this.body.outputEnd = 0;
      this.body.tail = EMPTY;
      return true;
    }
    if (!this.#isReading && this.#pending !== null) {
      this.#isOwn = true;
      this.#buf = this.#pending;
      this.#pos = 0;
      this.#end = this.#pending.length;
      this.#pending = null;
    }
    this.bodyBuf = this.#buf;
    this.bodyStart = this.#pos;
    const after = this.body.read(this.#buf, this.#pos, this.#end);
    if (after < 0) {
      this.#pos = this.#end;
      this.#state = "answering";
      this.#handler.onBadRequest(-after, false);
      return false;
    }
    this.#pos = after;
    if (this.body.isDone) {
      this.#state = "answering";
      this.transport.useSharedBuffer();
    } else if (this.body.framing === BY_CHUNKS || this.body.remaining > LARGE_BODY_BYTES) {
      this.transport.useOwnBuffer();
    }
    if (!this.#isReading) this.#keepRest();
    if (!this.body.isDone) this.transport.resume();
    return true;
  }

  /** Keeps what was not taken, and stops the client until it is. */
  #keepRest(): void {
    const rest = this.#end - this.#pos;
    if (rest > 0) {
      const bytes = this.#buf.subarray(this.#pos, this.#end);
      this.#pending = this.#isOwn ? bytes : Buffer.from(bytes);
      if (this.#state !== "head") this.transport.pause();
    }
    this.#buf = EMPTY;
    this.#pos = 0;
    this.#end = 0;
  }

  /** Bytes after the request, for a tunnel. */
  takePending(): Buffer | null {
    const pending = this.#pending;
    this.#pending = null;
    return pending;
  }

  /** The response is complete: reads the next request, or closes when `keepAlive` is false. */
  finish(keepAlive: boolean): void {
    if (this.#state === "closed") return;
    if (!keepAlive || !this.body.isDone) {
      this.linger();
      return;
    }
    this.#state = "head";
    if (this.#isReading) return;
    const pending = this.#pending;
    this.#pending = null;
    if (pending !== null) this.#readOwn(pending);
    if (this.#state !== "head") return;
    if (this.#hasEnded) this.transport.end();
    else this.transport.resume();
  }

  /** Ends our side and discards what the client still sends, so that a reset does not overtake the response. */
  linger(): void {
    this.#state = "lingering";
    this.#pending = null;
    this.#pos = this.#end;
    this.transport.useSharedBuffer();
    this.transport.end();
    if (this.#hasEnded) this.transport.close();
    else this.transport.resume();
  }

  get isLingering(): boolean {
    return this.#state === "lingering";
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (this.#state === "lingering") this.transport.close();
    else if (this.#state === "head") this.transport.end();
    else this.#handler.onDownstreamEnd();
  }

  onDrain(): void {
    this.#handler.onDownstreamDrain();
  }

  onClose(): void {
    this.#state = "closed";
    this.#pending = null;
    this.#handler.onDownstreamClose();
  }
}

const EMPTY = Buffer.alloc(0);
