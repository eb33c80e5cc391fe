/**
 * When a connection ends though nobody has ended it: the peer is silent and does not answer when asked, or the connection is old or of
 * no use; and how long the peer may take to end its side after ours.
 */
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { HopConnection } from "./connection.ts";

/** A connection that has been silent for this long is asked whether it lives. */
export const KEEPALIVE_MS = 30_000;
/** One that is silent this long after it was asked is dead. */
export const KEEPALIVE_TIMEOUT_MS = 10_000;
/** One that nobody has used for this long is closed by the side that opened it. */
const UNUSED_MS = 30_000;
/** The peer's time to end its side after ours. */
const LINGER_MS = 5_000;

export class Lifetime extends Timed {
  readonly #hop: HopConnection;
  readonly #wheel: TimerWheel;
  readonly #retireAt: number;
  #heardAt: number;
  #unusedSince: number;
  #hasAsked = false;

  /** `retireAfterMs`: how old it may become. */
  constructor(hop: HopConnection, wheel: TimerWheel, retireAfterMs: number) {
    super();
    this.#hop = hop;
    this.#wheel = wheel;
    this.#heardAt = wheel.now();
    this.#unusedSince = this.#heardAt;
    this.#retireAt = this.#heardAt + retireAfterMs;
    wheel.set(this, this.#heardAt + Math.min(KEEPALIVE_MS, retireAfterMs));
  }

  /** The peer has sent something. */
  heard(): void {
    this.#heardAt = this.#wheel.now();
    this.#hasAsked = false;
  }

  /** The last of the streams is over. */
  unused(): void {
    this.#unusedSince = this.#wheel.now();
  }

  /** This side has ended; what is left is the peer's. */
  linger(): void {
    this.#wheel.set(this, this.#wheel.now() + LINGER_MS);
  }

  stop(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(now: number): void {
    const hop = this.#hop;
    if (!hop.isOpen) {
      hop.lingered();
      return;
    }
    if (now >= this.#retireAt || (hop.isUnused && now - this.#unusedSince >= UNUSED_MS)) hop.retire();
    if (!hop.isOpen) return;
    if (now - this.#heardAt < KEEPALIVE_MS) {
      const nextAt = hop.isRetired ? Number.POSITIVE_INFINITY : this.#retireAt;
      this.#wheel.set(this, Math.min(this.#heardAt + KEEPALIVE_MS, nextAt));
    } else if (!this.#hasAsked) {
      this.#hasAsked = true;
      hop.ping();
      this.#wheel.set(this, now + KEEPALIVE_TIMEOUT_MS);
    } else hop.timedOut();
  }
}
