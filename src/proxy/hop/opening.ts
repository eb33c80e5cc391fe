/** A connection that is being made, and those who wait for it. */
import { connectionError, TLS_FAILED } from "../net/handshake-fault.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { TlsConnection } from "../net/tls-connection.ts";
import type { Sink, Transport } from "../net/transport.ts";
import { MAX_STREAMS } from "./frame.ts";

/** A connection that is not there by then fails all who wait; most have given up before. */
const TIMEOUT_MS = 10_000;

export interface OpeningOwner {
  /** The handshake is complete. The sink is the owner's to set. */
  onOpened(opening: Opening, transport: TlsConnection): void;
  /** There will be no connection; those who waited have been told. */
  onFailed(opening: Opening): void;
}

export class Opening extends Timed implements Sink {
  readonly waiters = new Set<Waiter>();
  readonly #owner: OpeningOwner;
  readonly #wheel: TimerWheel;
  readonly #transport: TlsConnection;

  /** `connect` begins the connection. */
  constructor(
    owner: OpeningOwner,
    wheel: TimerWheel,
    connect: (sink: Sink, onConnect: () => void) => TlsConnection,
  ) {
    super();
    this.#owner = owner;
    this.#wheel = wheel;
    this.#transport = connect(this, () => {
      wheel.remove(this);
      owner.onOpened(this, this.#transport);
    });
    wheel.set(this, wheel.now() + TIMEOUT_MS);
  }

  /** False when there are as many as a connection takes. */
  join(waiter: Waiter): boolean {
    if (this.waiters.size >= MAX_STREAMS) return false;
    this.waiters.add(waiter);
    waiter.opening = this;
    return true;
  }

  /** Nobody is left who wants the connection. */
  leave(waiter: Waiter): void {
    this.waiters.delete(waiter);
    if (this.waiters.size > 0) return;
    this.#wheel.remove(this);
    this.#transport.close();
    this.#owner.onFailed(this);
  }

  override onDeadline(): void {
    this.#fail(connectionError(TLS_FAILED, "timeout"));
    this.#transport.close();
  }

  onClose(error: NodeJS.ErrnoException | null): void {
    this.#fail(error);
  }

  #fail(error: NodeJS.ErrnoException | null): void {
    this.#wheel.remove(this);
    this.#owner.onFailed(this);
    const waiters = [...this.waiters];
    this.waiters.clear();
    for (const waiter of waiters) waiter.sink.onClose(error);
  }

  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}
}

/** What its owner has of a connection that is being made: it can be given up. */
export class Waiter implements Transport {
  sink: Sink;
  opening: Opening | null = null;
  readonly onConnect: (transport: Transport) => void;
  isOpen = true;
  readonly isPaused = false;
  readonly keeps = false;
  readonly queuedBytes = 0;
  readonly bytesRead = 0;
  readonly peerAddress = "";

  constructor(sink: Sink, onConnect: (transport: Transport) => void) {
    this.sink = sink;
    this.onConnect = onConnect;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.opening?.leave(this);
    process.nextTick(() => this.sink.onClose(null));
  }

  reset(): void {
    this.close();
  }

  // Nothing may be sent yet, and nothing comes.
  write(): boolean {
    return true;
  }
  forward(): boolean {
    return true;
  }
  end(): void {}
  pause(): void {}
  resume(): void {}
  useOwnBuffer(): void {}
  useSharedBuffer(): void {}
  lends(): boolean {
    return false;
  }
  giveAway(): void {}
}
