/**
 * The tries of one exchange, from `pick` to the one that answers: usually one; after a failure that the rule takes for a reason
 * another; with hedging a second beside the first. The first answer wins, and whoever else is under way is given up.
 */
import type { Head } from "../http/head.ts";
import type { RetryPolicy, TryFault } from "../routing/retry-policy.ts";
import { Attempt } from "./attempt.ts";
import type { CauseCode } from "./cause.ts";
import type { Exchange } from "./exchange.ts";
import { pickEndpoint } from "./hash-key.ts";
import { hedgeAfterMs, hedgeEndpoint } from "./hedge.ts";
import { afterDelay, drawInjection } from "./inject.ts";
import { Replay } from "./replay.ts";
import { isIdempotent, Retries, type Verdict } from "./retries.ts";

/** Looks whether a retry may begin, each after a first back-off, before the failure is the client's. */
const MAX_WAITS = 10;

export class Tries {
  readonly replay = new Replay();
  readonly retries = new Retries();
  readonly #exchange: Exchange;
  #attempt: Attempt;
  /** A second one, or one that was needed before. */
  #spare: Attempt | null = null;
  /** Retries that the cluster's budget counts as under way because of this exchange. */
  #held = 0;
  /** What a try ended with whose retry waits until fewer are under way; null: none does. */
  #failure: { readonly cause: CauseCode; readonly detail: string } | null = null;
  #waits = 0;
  /** The request could have been tried again, had there been tries or budget left. */
  isExhausted = false;
  /** A FaultInjection has held a try back. */
  isDelayed = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#attempt = new Attempt(exchange, this, false);
  }

  get attempt(): Attempt {
    return this.#attempt;
  }

  begin(): void {
    this.replay.clear();
    this.retries.begin();
    this.isExhausted = false;
    this.#failure = null;
    this.isDelayed = false;
  }

  /** Milliseconds that one try may take; 0: any. */
  get timeoutMs(): number {
    const rule = this.#exchange.selected?.rule;
    const own = this.retries.policy.perTryTimeoutMs;
    const backend = rule === undefined ? 0 : rule.backendRequestTimeoutMs;
    return own === 0 || (backend > 0 && backend < own) ? backend : own;
  }

  /** Breaker → balancer → endpoint; then an attempt takes over. `same`: one that is made again. */
  next(same: Attempt | null = null): void {
    const exchange = this.#exchange;
    const cluster = exchange.cluster!;
    const { retries } = this;
    if (retries.count === 0 && same === null) cluster.budget.request(exchange.listener.loop.wheel.now());
    if (!cluster.hasRoom(exchange.priority)) {
      this.#overflow();
      return;
    }
    const endpoint = pickEndpoint(exchange, cluster);
    if (endpoint === null) {
      exchange.fail("no_endpoint", cluster.name);
      return;
    }
    exchange.countAt(endpoint.series);
    retries.count++;
    retries.noteTry(endpoint);
    if (retries.count === 1 && retries.policy.hedge !== null) {
      const ms = hedgeAfterMs(retries.policy.hedge, cluster);
      if (ms > 0) exchange.deadlines.hedge(ms);
    }
    const injection = same === null ? drawInjection(exchange) : afterDelay(same.injected);
    if (!this.#attempt.start(cluster, endpoint, retries.count, injection)) this.#overflow();
  }

  /** A try that was held back has found no room. */
  overflowed(attempt: Attempt): void {
    if (this.#other(attempt)?.isActive !== true) this.#overflow();
  }

  #overflow(): void {
    const { cluster } = this.#exchange;
    cluster?.stats.count("weft_upstream_overflow_total");
    this.#exchange.fail("overflow", cluster?.name ?? "");
  }

  /**
   * Whether a try whose connection has died may be made again: when nobody has seen it, or when it may be seen twice. An endpoint
   * that breaks off requests looks the same as one that closes idle connections, so the budget bounds the latter as it does retries.
   */
  mayRepeat(attempt: Attempt, isUnseen: boolean): boolean {
    const { cluster, connection, listener } = this.#exchange;
    if (this.replay.state !== "whole") return false;
    this.replay.restore(connection.head);
    if (isUnseen) return true;
    if (!isIdempotent(connection.head)) return false;
    if (this.#other(attempt)?.isActive === true) return true;
    const now = listener.loop.wheel.now();
    if (cluster!.retryAllowance(now) !== "now") return false;
    this.#hold(now, 1);
    return true;
  }

  /** Its connection has died, or the endpoint has gone: the same try again, at once and at any endpoint, which is no retry. */
  repeat(attempt: Attempt): void {
    if (this.#other(attempt)?.isActive === true) return;
    this.retries.count--;
    this.retries.forgetTry();
    this.next(attempt);
  }

  /** The first try has taken long enough for a second beside it. */
  hedge(): void {
    const exchange = this.#exchange;
    const { retries } = this;
    const { cluster, listener } = exchange;
    const endpoint = hedgeEndpoint(exchange);
    if (cluster === null || endpoint === null) return;
    this.#hold(listener.loop.wheel.now(), 2);
    cluster.stats.count("weft_hedges_total");
    retries.count++;
    retries.noteTry(endpoint);
    this.#spare ??= new Attempt(exchange, this, !this.#attempt.isSecond);
    if (this.#spare.start(cluster, endpoint, retries.count, drawInjection(exchange))) return;
    retries.count--;
    retries.forgetTry();
  }

  /** A try has ended without an answer. */
  failed(attempt: Attempt, fault: TryFault, cause: CauseCode, detail: string): void {
    const exchange = this.#exchange;
    const { cluster, connection, listener } = exchange;
    if (this.#other(attempt)?.isActive === true) return;
    const isHopeless = cause === "loop_detected" || this.replay.state === "lost";
    if (exchange.status !== 0 || cluster === null || isHopeless) {
      exchange.fail(cause, detail);
      return;
    }
    if (this.replay.state === "whole") this.replay.restore(connection.head);
    if (this.retries.movesOn(fault, cluster)) {
      cluster.stats.count("weft_retries_total");
      exchange.pick();
      return;
    }
    const { wheel, random } = listener.loop;
    const verdict = this.retries.afterFault(fault, connection.head, cluster, wheel.now(), random);
    if (verdict === "later") {
      this.#waits = MAX_WAITS;
      this.#failure = { cause, detail };
      this.#wait();
    } else if (!this.#again(verdict)) exchange.fail(cause, detail);
  }

  #wait(): void {
    const { deadlines, listener } = this.#exchange;
    deadlines.retry(this.retries.policy.backoffMs(1, listener.loop.random()));
  }

  /** The time before a retry, or before another look whether it may begin, is over. */
  resume(): void {
    const exchange = this.#exchange;
    const failure = this.#failure;
    const { cluster } = exchange;
    if (failure === null || cluster === null) {
      exchange.pick();
      return;
    }
    const now = exchange.listener.loop.wheel.now();
    const allowance = cluster.retryAllowance(now);
    if (allowance === "later" && --this.#waits > 0) {
      this.#wait();
      return;
    }
    this.#failure = null;
    if (allowance === "now") {
      this.#hold(now, 1);
      cluster.stats.count("weft_retries_total");
      exchange.pick();
    } else {
      this.#again("over_budget");
      exchange.fail(failure.cause, failure.detail);
    }
  }

  /** Whether an answer, of which the client has seen nothing, is passed over for another try. A null head has no fields. */
  isTriedAgain(attempt: Attempt, status: number, response: Head | null, grpcStatus: string): boolean {
    const exchange = this.#exchange;
    const { cluster, connection, listener } = exchange;
    if (cluster === null || !this.retries.isReason(status, response, grpcStatus)) return false;
    if (this.#other(attempt)?.isActive === true) {
      attempt.discard();
      return true;
    }
    if (this.replay.state === "lost") return false;
    if (this.replay.state === "whole") this.replay.restore(connection.head);
    const { wheel, random } = listener.loop;
    const { head } = connection;
    const verdict = this.retries.afterResponse(head, response, grpcStatus, cluster, wheel.now(), random);
    if (typeof verdict === "number") attempt.discard();
    return this.#again(verdict);
  }

  #again(verdict: Verdict): boolean {
    const exchange = this.#exchange;
    const { stats } = exchange.cluster!;
    if (typeof verdict === "number") {
      this.#hold(exchange.listener.loop.wheel.now(), 1);
      stats.count("weft_retries_total");
      exchange.deadlines.retry(verdict);
      return true;
    }
    if (verdict === "not_retriable") return false;
    this.isExhausted = true;
    // An answer that is there is not kept waiting for a turn.
    stats.count(verdict === "exhausted" ? "weft_retries_exhausted_total" : "weft_retries_over_budget_total");
    return false;
  }

  /** Of an exchange's tries as many at once as `most` are retries. */
  #hold(now: number, most: 1 | 2): void {
    const { cluster } = this.#exchange;
    cluster!.budget.retried(now);
    if (this.#held >= most) return;
    this.#held++;
    cluster!.retryBegan();
  }

  /** The client gets this one's answer. */
  answeredBy(attempt: Attempt): void {
    const exchange = this.#exchange;
    this.replay.drop();
    exchange.deadlines.hedge(0);
    exchange.flag = this.flagged("-");
    if (attempt.number > 1 && attempt.upstream !== null && attempt.upstream.head.status < 500)
      exchange.cluster?.stats.count("weft_retries_succeeded_total");
    if (attempt === this.#attempt) {
      if (this.#spare?.isActive === true) this.#spare.abandon();
      return;
    }
    this.#attempt.abandon();
    this.#spare = this.#attempt;
    this.#attempt = attempt;
    exchange.countAt(attempt.endpoint.series);
  }

  /** Envoy's letters for why the exchange ended (`-`: it was answered), with those for what its tries went through. */
  flagged(flag: string): string {
    if (!this.isExhausted && !this.isDelayed) return flag;
    const all = [this.isDelayed ? "DI" : "-", flag, this.isExhausted ? "URX" : "-"];
    return all.filter((one) => one !== "-").join();
  }

  /** A try has taken too long; one beside it goes on. */
  timedOut(cause: CauseCode, isSecond: boolean): void {
    const attempt = this.#attempt.isSecond === isSecond ? this.#attempt : this.#spare;
    if (attempt?.isActive === true && this.#exchange.status === 0) attempt.timedOut(cause);
    else this.#exchange.fail(cause);
  }

  abandon(): void {
    this.#attempt.abandon();
    if (this.#spare?.isActive === true) this.#spare.abandon();
  }

  /** The exchange is over. */
  ended(): void {
    for (; this.#held > 0; this.#held--) this.#exchange.cluster?.retryEnded();
    this.replay.clear();
  }

  #other(attempt: Attempt): Attempt | null {
    return attempt === this.#attempt ? this.#spare : this.#attempt;
  }

  /** The rule's policy; set once the rule is known. */
  set policy(policy: RetryPolicy) {
    this.retries.policy = policy;
  }
}
