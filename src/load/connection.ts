/**
 * One connection of the generator: at most one request at a time, opened when a request needs it, read into a buffer
 * that all connections share (the read callback consumes it before it returns). It reports each request's end exactly
 * once, as answered or as failed.
 */
import { createConnection, type Socket } from "node:net";
import { RESPONSE_COMPLETE, RESPONSE_GOES_ON, ResponseReader } from "./response-reader.ts";
import type { ErrorKind } from "./result.ts";

/** What a connection's owner is told. `connection` is free again by then. */
export interface ConnectionOwner {
  answered(connection: Connection, status: number, now: number): void;
  failed(connection: Connection, kind: ErrorKind, detail: string, now: number): void;
  received(bytes: number): void;
  opened(): void;
  /** Opened without a request, or failed to (`error`); follows each {@link Connection.open}. */
  ready(connection: Connection, error: NodeJS.ErrnoException | undefined): void;
}

/** Where to connect and what to send. */
export interface ConnectionTarget {
  /** An address, so that no name is looked up during the run. */
  readonly address: string;
  readonly port: number;
  readonly bytes: Buffer;
  readonly noBody: boolean;
}

const CLOSED = 0;
const CONNECTING = 1;
const IDLE = 2;
const BUSY = 3;

const shared = Buffer.allocUnsafeSlow(256 * 1024);

export class Connection {
  /** Intended start of the request under way, in milliseconds of `performance.now()`. */
  intendedAt = 0;
  /** When it was really sent (or its connection began to open). */
  sentAt = 0;
  /** Whether a request is under way. */
  busy = false;
  #state = CLOSED;
  #socket: Socket | undefined;
  readonly #reader = new ResponseReader();
  readonly #target: ConnectionTarget;
  readonly #owner: ConnectionOwner;

  constructor(target: ConnectionTarget, owner: ConnectionOwner) {
    this.#target = target;
    this.#owner = owner;
  }

  /** Connects without sending; answers with `ready`. */
  open(): void {
    if (this.#state === CLOSED) this.#connect();
  }

  /** Starts a request, connecting first where needed. */
  send(intendedAt: number, now: number): void {
    this.intendedAt = intendedAt;
    this.sentAt = now;
    this.busy = true;
    if (this.#state === IDLE) this.#write();
    else if (this.#state === CLOSED) this.#connect();
  }

  /** Gives the request under way up. */
  abandon(kind: ErrorKind, detail: string, now: number): void {
    this.#fail(kind, detail, now);
  }

  /** Closes without reporting anything. */
  close(): void {
    this.busy = false;
    this.#drop();
  }

  #connect(): void {
    this.#state = CONNECTING;
    const socket = createConnection({
      host: this.#target.address,
      port: this.#target.port,
      noDelay: true,
      autoSelectFamily: false,
      onread: {
        buffer: shared,
        callback: (length: number) => {
          if (this.#socket === socket) this.#read(length);
          return true;
        },
      },
    });
    this.#socket = socket;
    socket.once("connect", () => this.#connected(socket));
    socket.on("end", () => this.#ended(socket, undefined));
    socket.on("error", (error: NodeJS.ErrnoException) => this.#ended(socket, error));
    socket.on("close", () => this.#ended(socket, undefined));
  }

  #connected(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#state = IDLE;
    this.#owner.opened();
    if (this.busy) this.#write();
    else this.#owner.ready(this, undefined);
  }

  #write(): void {
    this.#state = BUSY;
    this.#reader.begin(this.#target.noBody);
    this.#socket?.write(this.#target.bytes);
  }

  #read(length: number): void {
    this.#owner.received(length);
    if (this.#state !== BUSY) {
      this.#drop(); // bytes that nobody asked for: this connection cannot be trusted
      return;
    }
    const outcome = this.#reader.read(shared, 0, length);
    if (outcome === RESPONSE_GOES_ON) return;
    if (outcome === RESPONSE_COMPLETE) this.#answer();
    else this.#fail("malformed", "the answer is no valid HTTP/1.1 response", performance.now());
  }

  #answer(): void {
    const now = performance.now();
    this.busy = false;
    this.#state = IDLE;
    // An answer that came before the request was out leaves a connection on which nobody can tell where one ends.
    if (!this.#reader.keepAlive || this.#socket?.writableLength !== 0) this.#drop();
    this.#owner.answered(this, this.#reader.status, now);
  }

  #ended(socket: Socket, error: NodeJS.ErrnoException | undefined): void {
    if (this.#socket !== socket) return;
    const detail = error?.code ?? error?.message ?? "closed by the peer";
    if (this.#state === CONNECTING) {
      this.#drop();
      if (this.busy) this.#fail("connect", detail, performance.now());
      else this.#owner.ready(this, error ?? new Error(detail));
    } else if (!this.busy) this.#drop();
    else if (error === undefined && this.#reader.end()) {
      this.#drop();
      this.#answer();
    } else {
      const kind = this.#reader.started ? "truncated" : error === undefined ? "closed" : "reset";
      this.#fail(kind, detail, performance.now());
    }
  }

  #fail(kind: ErrorKind, detail: string, now: number): void {
    this.busy = false;
    this.#drop();
    this.#owner.failed(this, kind, detail, now);
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#state = CLOSED;
    socket?.destroy();
  }
}
