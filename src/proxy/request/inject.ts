/**
 * What a FaultInjection does to a try before it is sent. The try counts as under way all the same: breakers, the try's own
 * timeout, hedging and the request's timeout see an endpoint that is slow; outlier detection sees nothing, because the endpoint
 * has done nothing.
 */
import { Timed } from "../net/timer-wheel.ts";
import type { Injection } from "../routing/faults.ts";
import type { Attempt } from "./attempt.ts";
import type { Exchange } from "./exchange.ts";

const METRIC = "weft_faults_injected_total";

/** What befalls the next try of an exchange; null: nothing. */
export function drawInjection(exchange: Exchange): Injection | null {
  const { selected, cluster, connection, listener } = exchange;
  if (selected === null || selected.rule.faults === null) return null;
  const injection = selected.rule.faults.draw(connection.head, listener.local, listener.loop.random);
  if (injection === null || cluster === null) return null;
  const { delayMs, abort, bytesPerSecond } = injection;
  if (delayMs > 0) cluster.stats.count(METRIC, "delay");
  if (abort !== null) cluster.stats.count(METRIC, abort.kind === "reset" ? "reset" : "abort");
  if (bytesPerSecond > 0) cluster.stats.count(METRIC, "slow_body");
  return injection;
}

/** Of what befell a try that is made again, what is still to come. */
export function afterDelay(injection: Injection | null): Injection | null {
  return injection === null ? null : { ...injection, delayMs: 0 };
}

/** Holds a try back. */
export class Delay extends Timed {
  readonly #attempt: Attempt;

  constructor(attempt: Attempt) {
    super();
    this.#attempt = attempt;
  }

  override onDeadline(): void {
    this.#attempt.released();
  }
}
