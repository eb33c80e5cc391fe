/**
 * What a FaultInjection does to a try: holds it back or ends it before it is sent, lets its response's body trickle. The try counts
 * as under way all the same: breakers, the try's own timeout, hedging and the request's timeout see an endpoint that is slow;
 * outlier detection sees nothing, because the endpoint has done nothing.
 */
import type { Abort } from "../../discovery/faults.ts";
import { TE } from "../http/fields.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import { Timed } from "../net/timer-wheel.ts";
import type { Injection } from "../routing/faults.ts";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";
import { SlowBody } from "./slow-body.ts";

const METRIC = "weft_faults_injected_total";

/** What befalls the next try of an exchange; null: nothing. */
export function drawInjection(exchange: Exchange): Injection | null {
  const { selected, cluster, connection, listener, tries } = exchange;
  if (selected === null || selected.rule.faults === null) return null;
  const injection = selected.rule.faults.draw(connection.head, listener.local, listener.loop.random);
  if (injection === null || cluster === null) return null;
  const { delayMs, abort, bytesPerSecond } = injection;
  if (delayMs > 0) {
    cluster.stats.count(METRIC, "delay");
    tries.isDelayed = true;
  }
  if (abort !== null) cluster.stats.count(METRIC, abort.kind === "reset" ? "reset" : "abort");
  if (bytesPerSecond > 0) cluster.stats.count(METRIC, "slow_body");
  return injection;
}

/** Of what befell a try that is made again, what is still to come. */
export function afterDelay(injected: InjectedFault | null): Injection | null {
  return injected === null ? null : { ...injected.injection, delayMs: 0 };
}

/** At work on one try. */
export class InjectedFault extends Timed {
  readonly injection: Injection;
  /** It holds the try back. */
  isHolding = false;
  slowBody: SlowBody | null = null;
  readonly #exchange: Exchange;
  readonly #attempt: Attempt;

  constructor(injection: Injection, exchange: Exchange, attempt: Attempt) {
    super();
    this.injection = injection;
    this.#exchange = exchange;
    this.#attempt = attempt;
  }

  /** The try is not sent at once, or not at all. */
  get isStopping(): boolean {
    return this.injection.delayMs > 0 || this.injection.abort !== null;
  }
  get slowsBody(): boolean {
    return this.injection.bytesPerSecond > 0;
  }

  /** Holds the try back, or ends it before it has begun. */
  stopTry(): void {
    const { connection, listener, tries } = this.#exchange;
    const { wheel } = listener.loop;
    connection.head.detach();
    if (this.injection.delayMs === 0) {
      this.#release();
      return;
    }
    if (tries.timeoutMs > 0) this.#attempt.limit(tries.timeoutMs, "attempt_timeout");
    this.isHolding = true;
    wheel.set(this, wheel.now() + this.injection.delayMs);
  }

  override onDeadline(): void {
    this.#release();
  }

  #release(): void {
    const { abort } = this.injection;
    this.isHolding = false;
    if (abort === null) this.#attempt.released();
    else {
      this.#attempt.abandon();
      this.#abort(abort);
    }
  }

  #abort(abort: Abort): void {
    const { connection, tries } = this.#exchange;
    const { source } = this.injection;
    if (abort.kind === "reset") {
      tries.failed(this.#attempt, "reset", "fault_abort", source);
      return;
    }
    const isGrpc = abort.kind === "grpc";
    const grpcStatus = isGrpc && connection.head.has(TE) ? String(abort.status) : "";
    if (tries.isTriedAgain(this.#attempt, isGrpc ? 200 : abort.status, null, grpcStatus)) return;
    this.#exchange.fail("fault_abort", source, abort);
  }

  /** The response's head has gone; its body trickles. `onEnd` is called when all of a complete one has been passed on. */
  slow(upstream: ClientConnection, onEnd: () => void): void {
    this.slowBody = new SlowBody(this.#exchange, upstream, this.injection.bytesPerSecond, onEnd);
    this.slowBody.take();
  }

  /** The try has ended. */
  end(): void {
    if (this.isHolding) this.#exchange.listener.loop.wheel.remove(this);
    this.isHolding = false;
    this.slowBody?.stop();
    this.slowBody = null;
  }
}
