/**
 * The upstream side of HTTP/1.1: one request at a time on a pooled connection. Between requests it listens for one thing only, a
 * reason to be thrown away: bytes that nobody asked for, or the end (hostile.md #49).
 */
import { KEEP_ALIVE } from "../http/fields.ts";
import { Head } from "../http/head.ts";
import type { Dial, Sink, Transport } from "../net/transport.ts";
import { BodyReader, BY_CHUNKS, BY_LENGTH, NO_BODY, UNTIL_CLOSE } from "./body.ts";
import { INCOMPLETE } from "./fault.ts";
import { readResponseHead } from "./response-head.ts";

const LARGE_BODY_BYTES = 16_384;
/** More interim responses than this to one request are an attack, not progress. */
const MAX_INTERIM = 16;
const LF = 10;

/** `connect`: never opened. `closed`: ended before the response did. `malformed`: not a response. */
export type UpstreamFault = "connect" | "closed" | "malformed";

export interface ResponseHandler {
  onConnected(): void;
  /** A final head, or an interim one (`head.status` under 200), is in `connection.head`. */
  onResponse(): void;
  /** More of the body has come, or it has ended; `pullBody` takes it. */
  onResponseBody(): void;
  onUpstreamFault(fault: UpstreamFault, error: NodeJS.ErrnoException | null): void;
  onUpstreamDrain(): void;
}

/** What happens to the connection outside of an exchange. */
export interface ConnectionOwner {
  onOpen(connection: ClientConnection): void;
  onClosed(connection: ClientConnection): void;
}

type State = "connecting" | "idle" | "head" | "body" | "done" | "tunnel" | "closed";

export class ClientConnection implements Sink {
  transport: Transport;
  readonly head: Head;
  readonly body = new BodyReader();
  /** Requests sent on it; over one means it was reused. */
  requests = 0;
  /** When it became idle, for the owner's deadline. */
  idleSince = 0;
  /** Milliseconds for which the upstream promised to keep it (`Keep-Alive: timeout=`); 0: nothing said. */
  promisedIdleMs = 0;
  /** When the owner replaces it because of its age, by the owner's clock; 0: never. */
  retireAt = 0;
  readonly #owner: ConnectionOwner;
  readonly #maxHeadBytes: number;
  #handler: ResponseHandler | null = null;
  #state: State = "connecting";
  #isHeadRequest = false;
  #keepsFraming = true;
  #isPoisoned = false;
  #interim = 0;
  #pending: Buffer | null = null;
  bodyBuf: Buffer = EMPTY;
  bodyStart = 0;
  #buf: Buffer = EMPTY;
  #pos = 0;
  #end = 0;

  /** Begins to connect; `handler` is told when requests may be sent, or that there is no connection. */
  constructor(
    owner: ConnectionOwner,
    dial: Dial,
    handler: ResponseHandler,
    maxHeadBytes: number,
    maxFields: number,
  ) {
    this.head = new Head(maxFields);
    this.#owner = owner;
    this.#handler = handler;
    this.#maxHeadBytes = maxHeadBytes;
    this.transport = dial(this, (transport) => {
      this.transport = transport;
      this.#state = "idle";
      this.#owner.onOpen(this);
      this.#handler?.onConnected();
    });
  }

  /** A request is about to be written. `keepsFraming` false asks for the data of a chunked body alone. */
  begin(handler: ResponseHandler, isHeadRequest: boolean, keepsFraming: boolean): void {
    this.#handler = handler;
    this.#state = "head";
    this.#isHeadRequest = isHeadRequest;
    this.#keepsFraming = keepsFraming;
    this.#interim = 0;
    this.requests++;
    this.transport.beginMessage?.();
  }

  get isReused(): boolean {
    return this.requests > 1;
  }
  /** Open, with nothing under way or waiting on it. */
  get isUsable(): boolean {
    return this.#state === "idle" && !this.#isPoisoned && this.transport.isOpen && !this.#isExpired;
  }
  get #isExpired(): boolean {
    const { expiresAt } = this.transport;
    return expiresAt !== undefined && Date.now() > expiresAt;
  }
  /** The response is complete and the connection may carry another request. */
  get isReusable(): boolean {
    return (
      this.#state === "done" &&
      !this.#isPoisoned &&
      this.#pos === this.#end &&
      this.head.keepAlive &&
      this.head.status !== 101 &&
      this.body.framing !== UNTIL_CLOSE &&
      this.transport.isOpen
    );
  }
  get isConnecting(): boolean {
    return this.#state === "connecting";
  }

  /** After the response: nobody handles it until `begin`. */
  rest(): void {
    this.#handler = null;
    this.#state = "idle";
    this.transport.resume();
  }

  /** Gives up what is under way and the connection with it. */
  abandon(): void {
    this.#handler = null;
    this.transport.close();
  }

  /** The upstream has switched protocols: bytes that follow are not HTTP. */
  becomeTunnel(): Buffer | null {
    this.#state = "tunnel";
    this.#handler = null;
    const rest = this.#end > this.#pos ? Buffer.from(this.#buf.subarray(this.#pos, this.#end)) : null;
    this.#pos = this.#end;
    return rest;
  }

  /** The tunnel has ended; the connection is closed. */
  endTunnel(): void {
    this.#owner.onClosed(this);
  }

  onData(buf: Buffer, start: number, end: number): void {
    if (this.#handler === null || this.#state === "idle" || this.#state === "done") {
      this.#isPoisoned = true;
      if (this.#handler === null) this.transport.close();
      return;
    }
    if (this.#pending !== null) {
      const before = this.#pending.length;
      const joined = Buffer.concat([this.#pending, buf.subarray(start, end)]);
      this.#pending = null;
      if (joined.length < this.#maxHeadBytes && joined.indexOf(LF, before) < 0) {
        this.#pending = joined;
        return;
      }
      this.#read(joined, 0, joined.length);
      return;
    }
    this.#read(buf, start, end);
  }

  #read(buf: Buffer, start: number, end: number): void {
    this.#buf = buf;
    this.#pos = start;
    this.#end = end;
    while (this.#pos < this.#end && this.#handler !== null) {
      if (this.#state === "head") {
        if (!this.#readHead()) break;
      } else if (this.#state === "body") this.#handler.onResponseBody();
      else break;
    }
    // What follows a complete response was not asked for.
    if (this.#pos < this.#end && this.#state !== "head" && this.#state !== "tunnel") {
      this.#isPoisoned = true;
      if (this.#handler === null) this.transport.close();
    }
    this.#buf = EMPTY;
    this.#pos = 0;
    this.#end = 0;
  }

  #readHead(): boolean {
    const after = readResponseHead(this.#buf, this.#pos, this.#end, this.head, this.#maxHeadBytes);
    if (after === INCOMPLETE) {
      this.#pending = Buffer.from(this.#buf.subarray(this.#pos, this.#end));
      this.#pos = this.#end;
      return false;
    }
    if (after < 0) return this.#fail("malformed");
    this.#pos = after;
    const { status } = this.head;
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) return this.#fail("malformed");
      this.#handler?.onResponse();
      return true;
    }
    this.#beginBody();
    // Bytes behind a response that has none belong to nobody (after 101 they are the tunnel's).
    if (this.#state === "done" && this.#pos < this.#end && status !== 101) this.#isPoisoned = true;
    this.#handler?.onResponse();
    return true;
  }

  #beginBody(): void {
    const { head, body } = this;
    const { status } = head;
    if (head.has(KEEP_ALIVE)) this.#noteKeepAlive();
    if (this.#isHeadRequest || status === 101 || status === 204 || status === 304)
      body.begin(NO_BODY, 0, true);
    else if (head.isChunked) body.begin(BY_CHUNKS, 0, this.#keepsFraming);
    else if (head.contentLength >= 0) body.begin(BY_LENGTH, head.contentLength, true);
    else body.begin(UNTIL_CLOSE, 0, true);
    this.#state = body.isDone ? "done" : "body";
  }

  #noteKeepAlive(): void {
    const match = /timeout=(\d{1,6})/i.exec(this.head.value(this.head.find(KEEP_ALIVE)));
    this.promisedIdleMs = match === null ? 0 : Number(match[1]) * 1_000;
  }

  #fail(fault: UpstreamFault): false {
    this.#pos = this.#end;
    const handler = this.#handler;
    this.#handler = null;
    this.transport.close();
    handler?.onUpstreamFault(fault, null);
    return false;
  }

  /** Takes what has arrived of the body: `bodyBuf[bodyStart, body.outputEnd)`, then `body.tail`. False: malformed. */
  pullBody(): boolean {
    this.bodyBuf = this.#buf;
    this.bodyStart = this.#pos;
    if (this.#state !== "body") {
      this.body.outputEnd = this.#pos;
      this.body.tail = EMPTY;
      return true;
    }
    const after = this.body.read(this.#buf, this.#pos, this.#end);
    if (after < 0) {
      this.#fail("malformed");
      return false;
    }
    this.#pos = after;
    if (this.body.isDone) {
      this.#state = "done";
      this.transport.useSharedBuffer();
    } else if (this.body.remaining === 0 || this.body.remaining > LARGE_BODY_BYTES) {
      this.transport.useOwnBuffer();
    }
    return true;
  }

  onEnd(): void {
    if (this.#state === "body" && this.body.end()) {
      this.#state = "done";
      this.#handler?.onResponseBody();
    }
    // A half-closed upstream is of no further use; with a request under way its fault is told by `onClose`.
    this.#isPoisoned = true;
    this.transport.close();
  }

  onDrain(): void {
    this.#handler?.onUpstreamDrain();
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    const wasConnecting = this.#state === "connecting";
    const isFault = this.#state !== "done";
    this.#state = "closed";
    const handler = this.#handler;
    this.#handler = null;
    this.#owner.onClosed(this);
    if (handler !== null && isFault) handler.onUpstreamFault(wasConnecting ? "connect" : "closed", error);
  }
}

const EMPTY = Buffer.alloc(0);
