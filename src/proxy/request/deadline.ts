/**
 * All deadlines of a connection and its exchange as one entry of the timer wheel: it stands at the nearest of them, and what
 * has expired is found out when it fires.
 */
import { Timed } from "../net/timer-wheel.ts";
import type { CauseCode } from "./cause.ts";
import type { Exchange } from "./exchange.ts";

/** How long a client that has been told to go may take (Envoy's delayed_close_timeout). */
const LINGER_MS = 1_000;

type Phase = "idle" | "head" | "exchange" | "tunnel" | "linger";

export class Deadlines extends Timed {
  readonly #exchange: Exchange;
  #phase: Phase = "idle";
  #lastActivity = 0;
  /** Absolute times; 0: none. */
  #requestAt = 0;
  #attemptAt = 0;
  /** Of a try beside another. */
  #secondAt = 0;
  #discoveryAt = 0;
  #retryAt = 0;
  #hedgeAt = 0;
  #attemptCause: CauseCode = "attempt_timeout";
  #secondCause: CauseCode = "attempt_timeout";

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
  }

  /** Between requests. */
  idle(): void {
    this.#enter("idle", this.#limits.connectionIdleTimeoutMs);
  }

  /** From the first byte of a head; a head that drips does not move it. */
  head(): void {
    if (this.#phase !== "head") this.#enter("head", this.#limits.headTimeoutMs);
  }

  begin(now: number): void {
    this.#phase = "exchange";
    this.#lastActivity = now;
    this.#requestAt = 0;
    this.#attemptAt = 0;
    this.#secondAt = 0;
    this.#discoveryAt = 0;
    this.#retryAt = 0;
    this.#hedgeAt = 0;
    this.#wheel.set(this, now + this.#limits.streamIdleTimeoutMs);
  }

  linger(): void {
    this.#enter("linger", LINGER_MS);
  }

  tunnel(): void {
    this.#lastActivity = this.#wheel.now();
    this.#enter("tunnel", this.#limits.connectionIdleTimeoutMs);
  }

  end(): void {
    this.#wheel.remove(this);
  }

  /** A byte has passed; the time of it. */
  touch(): number {
    this.#lastActivity = this.#wheel.now();
    return this.#lastActivity;
  }

  /** The whole exchange, from its start; the shorter of two such limits holds. */
  request(ms: number): void {
    const at = this.#exchange.startedAt + ms;
    if (this.#requestAt !== 0 && this.#requestAt <= at) return;
    this.#requestAt = at;
    this.#arm();
  }

  /** Milliseconds that are left of the exchange, at least 1; 0: there is no limit. */
  requestRemaining(): number {
    return this.#requestAt === 0 ? 0 : Math.max(1, this.#requestAt - this.#wheel.now());
  }

  /** The next try, from now, after one that has ended. */
  retry(ms: number): void {
    this.#hedgeAt = 0;
    this.#retryAt = this.#wheel.now() + ms;
    this.#arm();
  }

  /** A second try beside the first, from now; 0: none any more. */
  hedge(ms: number): void {
    if (ms === 0 && this.#hedgeAt === 0) return;
    this.#hedgeAt = ms === 0 ? 0 : this.#wheel.now() + ms;
    this.#arm();
  }

  /** One of the tries, from now; 0 takes the limit away. `isSecond`: of two it is the other. */
  attempt(ms: number, cause: CauseCode, isSecond = false): void {
    const at = ms === 0 ? 0 : this.#wheel.now() + ms;
    if (isSecond) {
      this.#secondAt = at;
      this.#secondCause = cause;
    } else {
      this.#attemptAt = at;
      this.#attemptCause = cause;
    }
    // Without a limit it fires too early at most, and then looks for what is next.
    if (ms > 0) this.#arm();
  }

  /** Configuration, from now; 0 takes the limit away. */
  discovery(ms: number): void {
    this.#discoveryAt = ms === 0 ? 0 : this.#wheel.now() + ms;
    this.#arm();
  }

  override onDeadline(now: number): void {
    const exchange = this.#exchange;
    switch (this.#phase) {
      case "idle":
        exchange.connection.transport.close();
        return;
      case "linger":
        // Until a slow client has the whole answer there is nothing to linger for.
        if (exchange.connection.transport.queuedBytes > 0 && now < this.#idleAt)
          this.#wheel.set(this, now + LINGER_MS);
        else exchange.connection.transport.close();
        return;
      case "head":
        exchange.headTimedOut();
        return;
      case "tunnel":
        if (now - this.#lastActivity >= this.#limits.connectionIdleTimeoutMs) exchange.tunnel?.close();
        else this.#wheel.set(this, this.#lastActivity + this.#limits.connectionIdleTimeoutMs);
        return;
      case "exchange":
        this.#expire(now);
    }
  }

  #expire(now: number): void {
    const exchange = this.#exchange;
    if (!exchange.isActive) {
      // The answer has ended, and its client has not read it yet.
      if (now < this.#idleAt) this.#wheel.set(this, this.#idleAt);
      else exchange.connection.transport.close();
    } else if (isDue(this.#discoveryAt, now)) exchange.fail("discovery_timeout");
    else if (isDue(this.#requestAt, now)) exchange.fail("request_timeout");
    else if (isDue(this.#attemptAt, now)) {
      this.#attemptAt = 0;
      exchange.tries.timedOut(this.#attemptCause, false);
      if (exchange.isActive) this.#arm();
    } else if (isDue(this.#secondAt, now)) {
      this.#secondAt = 0;
      exchange.tries.timedOut(this.#secondCause, true);
      if (exchange.isActive) this.#arm();
    } else if (isDue(this.#retryAt, now)) {
      this.#retryAt = 0;
      this.#arm();
      exchange.tries.resume();
    } else if (isDue(this.#hedgeAt, now)) {
      this.#hedgeAt = 0;
      this.#arm();
      exchange.tries.hedge();
    } else if (now >= this.#idleAt) exchange.fail("stream_idle");
    else this.#arm();
  }

  #arm(): void {
    if (this.#phase !== "exchange") return;
    let at = this.#idleAt;
    if (this.#requestAt !== 0 && this.#requestAt < at) at = this.#requestAt;
    if (this.#attemptAt !== 0 && this.#attemptAt < at) at = this.#attemptAt;
    if (this.#secondAt !== 0 && this.#secondAt < at) at = this.#secondAt;
    if (this.#discoveryAt !== 0 && this.#discoveryAt < at) at = this.#discoveryAt;
    if (this.#retryAt !== 0 && this.#retryAt < at) at = this.#retryAt;
    if (this.#hedgeAt !== 0 && this.#hedgeAt < at) at = this.#hedgeAt;
    this.#wheel.set(this, at);
  }

  #enter(phase: Phase, ms: number): void {
    this.#phase = phase;
    this.#wheel.set(this, this.#wheel.now() + ms);
  }

  get #idleAt(): number {
    return this.#lastActivity + this.#limits.streamIdleTimeoutMs;
  }
  get #wheel() {
    return this.#exchange.listener.loop.wheel;
  }
  get #limits() {
    return this.#exchange.listener.limits;
  }
}

function isDue(at: number, now: number): boolean {
  return at !== 0 && at <= now;
}
