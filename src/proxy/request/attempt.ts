/**
 * One try of an exchange at one endpoint: gets a connection, writes the request, and passes the response on as it comes. The
 * head and what has arrived of the body leave in one write. What becomes of a failure the exchange's tries decide.
 */
import { UNTIL_CLOSE } from "../http1/body.ts";
import type { ClientConnection, ResponseHandler, UpstreamFault } from "../http1/client-connection.ts";
import { wantsUpgrade } from "../http1/request-head.ts";
import { NOT_SEEN } from "../net/transport.ts";
import type { Injection } from "../routing/faults.ts";
import type { TryFault } from "../routing/retry-policy.ts";
import { sendInterim, sendResponse, sendResponseBody } from "./answer.ts";
import type { CauseCode } from "./cause.ts";
import { copyBody } from "./comparison.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { Connecting } from "./connecting.ts";
import type { Exchange } from "./exchange.ts";
import { statusInHead, statusInTrailers } from "./grpc-status.ts";
import { InjectedFault } from "./inject.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";
import { keepsBody, sendRequest, sendRequestBody } from "./outgoing.ts";
import type { Tries } from "./tries.ts";
import { openUpgradeTunnel } from "./tunnel.ts";

/** What a try that brought no answer counts as (Envoy's mapping of local failures). */
const STATUS_OF: Readonly<Record<TryFault, number>> = {
  connect: 503,
  refused: 503,
  reset: 502,
  timeout: 504,
};

export class Attempt implements ResponseHandler {
  readonly #exchange: Exchange;
  readonly #tries: Tries;
  readonly #connecting: Connecting;
  /** Of the two that an exchange has at most. */
  readonly isSecond: boolean;
  #cluster: UpstreamCluster | null = null;
  #endpoint: UpstreamEndpoint | null = null;
  upstream: ClientConnection | null = null;
  /** Which try of the exchange this is, from 1. */
  number = 0;
  #wantsUpgrade = false;
  #sentAt = 0;
  /** Nothing of the request has left. */
  #isUnsent = true;
  #needsReset = false;
  /** The response's head waits for what follows: its gRPC status may be in the trailers. */
  #isHeld = false;
  /** What a FaultInjection does to this try; null: nothing. */
  injected: InjectedFault | null = null;

  constructor(exchange: Exchange, tries: Tries, isSecond: boolean) {
    this.#exchange = exchange;
    this.isSecond = isSecond;
    this.#tries = tries;
    this.#connecting = new Connecting(this, exchange.listener);
  }

  /** Between `start` and the end of the try. */
  get isActive(): boolean {
    return this.#endpoint !== null;
  }

  get endpoint(): UpstreamEndpoint {
    return this.#endpoint!;
  }

  /** False when the breaker has no room; nothing has begun then. */
  start(
    cluster: UpstreamCluster,
    endpoint: UpstreamEndpoint,
    number: number,
    injection: Injection | null,
  ): boolean {
    const exchange = this.#exchange;
    const injected = injection === null ? null : new InjectedFault(injection, exchange, this);
    const isStopped = injected?.isStopping === true;
    const pooled = isStopped ? undefined : endpoint.pool.take(exchange.listener.loop.wheel.now());
    if (!isStopped && pooled === undefined && !cluster.breakers.default.hasPendingRoom) return false;
    this.injected = injected;
    this.number = number;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#needsReset = false;
    this.#isHeld = false;
    this.#isUnsent = true;
    cluster.began(endpoint, exchange.priority);
    if (isStopped) injected.stopTry();
    else this.#connect(pooled);
    return true;
  }

  #connect(pooled: ClientConnection | undefined): void {
    if (pooled !== undefined) {
      this.upstream = pooled;
      this.#send(pooled);
      return;
    }
    this.#exchange.connection.head.detach();
    this.#connecting.begin(this.#cluster!);
  }

  /** It has been held back for long enough. */
  released(): void {
    const cluster = this.#cluster!;
    const { endpoint } = this;
    if (endpoint.isRemoved) {
      this.#leave();
      this.#tries.repeat(this);
      return;
    }
    const pooled = endpoint.pool.take(this.#exchange.listener.loop.wheel.now());
    if (pooled !== undefined || cluster.breakers.default.hasPendingRoom) this.#connect(pooled);
    else {
      this.#leave();
      this.#tries.overflowed(this);
    }
  }

  onConnected(): void {
    this.#connecting.end();
    this.limit(0, "connect_timeout");
    if (this.upstream !== null) this.#send(this.upstream);
  }

  /** What the try, or a part of it, may take from now; 0: any time. */
  limit(ms: number, cause: CauseCode): void {
    this.#exchange.deadlines.attempt(ms, cause, this.isSecond);
  }

  #send(upstream: ClientConnection): void {
    const exchange = this.#exchange;
    const { head } = exchange.connection;
    const { timeoutMs, replay, retries } = this.#tries;
    if (timeoutMs > 0) this.limit(Math.max(1, timeoutMs - this.#delayedMs), "attempt_timeout");
    this.#wantsUpgrade = head.hasConnectionUpgrade && wantsUpgrade(head);
    if (replay.state === "empty") replay.begin(head, keepsBody(exchange, retries, this.endpoint.isMutual));
    this.#sentAt = exchange.listener.loop.wheel.now();
    this.#isUnsent = false;
    upstream.begin(this, exchange.isHeadRequest, head.minorVersion === 1);
    sendRequest(exchange, replay, upstream, this.number, this.#wantsUpgrade);
  }

  /** More of the body has come; while there is no connection to send it on, it stays where it is. */
  onRequestBody(): void {
    const { upstream } = this;
    if (upstream === null || this.#connecting.isPending) return;
    sendRequestBody(this.#exchange, this.#tries.replay, upstream);
  }

  onUpstreamDrain(): void {
    if (!this.#exchange.connection.isRequestDone) this.#exchange.connection.transport.resume();
  }

  onDownstreamDrain(): void {
    if (this.#slowBody !== null) this.#slowBody.drained();
    else this.upstream?.transport.resume();
  }

  onResponse(): void {
    const exchange = this.#exchange;
    const upstream = this.upstream!;
    const now = exchange.deadlines.touch();
    const { head } = upstream;
    const { status } = head;
    if (status === 101) {
      if (this.#wantsUpgrade) this.#switchProtocols(upstream, now);
      else this.onUpstreamFault("malformed", null);
      return;
    }
    if (status < 200) {
      if (exchange.connection.head.minorVersion === 1) sendInterim(exchange, head);
      return;
    }
    const grpcStatus = statusInHead(exchange, upstream);
    if (grpcStatus !== null) this.#answer(upstream, grpcStatus, now);
    else {
      head.detach();
      this.#isHeld = true;
      this.onResponseBody();
    }
  }

  /** A final response, of which nothing has gone downstream. */
  #answer(upstream: ClientConnection, grpcStatus: string, now: number): void {
    const exchange = this.#exchange;
    const { status } = upstream.head;
    this.#cluster!.answered(this.#endpoint!, status, now - this.#sentAt, now);
    const mayBeReason = status >= 400 || grpcStatus !== "" || this.#tries.retries.policy.readsHeaders;
    if (mayBeReason && this.#tries.isTriedAgain(this, status, upstream.head, grpcStatus)) return;
    this.#tries.answeredBy(this);
    this.#needsReset = upstream.body.framing === UNTIL_CLOSE || exchange.connection.head.minorVersion === 0;
    const { injected } = this;
    const isSlowed = injected?.slowsBody === true;
    if (!sendResponse(exchange, upstream, this.#isHeld, isSlowed)) return;
    this.#isHeld = false;
    if (isSlowed) injected.slow(upstream, () => this.#finish(upstream));
    else if (upstream.body.isDone) this.#finish(upstream);
  }

  onResponseBody(): void {
    const exchange = this.#exchange;
    const upstream = this.upstream!;
    const now = exchange.deadlines.touch();
    if (!upstream.pullBody()) return;
    const { body } = upstream;
    if (this.#isHeld) {
      if (body.outputEnd > upstream.bodyStart || body.isDone)
        this.#answer(upstream, statusInTrailers(upstream), now);
      return;
    }
    if (exchange.comparisons !== null) copyBody(exchange.comparisons, upstream);
    if (this.#slowBody !== null) {
      this.#slowBody.take();
      return;
    }
    sendResponseBody(exchange, upstream);
    if (body.isDone) this.#finish(upstream);
  }

  #finish(upstream: ClientConnection): void {
    this.#putBack(upstream);
    this.#exchange.complete();
  }

  /** The response was read to its end, or is not worth it. */
  #putBack(upstream: ClientConnection): void {
    const cluster = this.#cluster!;
    const endpoint = this.#endpoint!;
    this.#leave();
    if (upstream.isReusable && this.#exchange.connection.isRequestDone) {
      upstream.rest();
      cluster.connections.release(endpoint, upstream);
    } else upstream.abandon();
  }

  /** Another try follows: the answer is not for the client. */
  discard(): void {
    const { upstream } = this;
    if (upstream === null) return;
    // Whatever is wrong with the rest is nobody's concern.
    this.upstream = null;
    if (!upstream.body.isDone) upstream.pullBody();
    this.#putBack(upstream);
  }

  #switchProtocols(upstream: ClientConnection, now: number): void {
    this.#cluster!.answered(this.#endpoint!, 101, now - this.#sentAt, now);
    this.#tries.answeredBy(this);
    this.#leave();
    openUpgradeTunnel(this.#exchange, upstream);
  }

  #leave(): void {
    const cluster = this.#cluster!;
    this.#connecting.end();
    this.limit(0, "attempt_timeout");
    this.upstream = null;
    this.injected?.end();
    cluster.ended(this.#endpoint!, this.#exchange.priority);
    this.#endpoint = null;
  }

  /** Where a FaultInjection lets the response's body trickle. */
  get #slowBody() {
    return this.injected === null ? null : this.injected.slowBody;
  }

  /** How long a FaultInjection has held it back, in milliseconds. */
  get #delayedMs(): number {
    return this.injected === null ? 0 : this.injected.injection.delayMs;
  }

  onUpstreamFault(fault: UpstreamFault, error: NodeJS.ErrnoException | null): void {
    const { upstream } = this;
    if (upstream === null) return;
    upstream.abandon();
    if (this.#exchange.status !== 0) {
      this.#leave();
      this.#exchange.fail(fault === "closed" ? "upstream_closed" : "upstream_malformed", error?.code ?? "");
      return;
    }
    const isUnseen = error?.code === NOT_SEEN;
    // The upstream had closed a connection while it was idle: that is nobody's failure.
    if (fault === "closed" && (isUnseen || upstream.isReused) && this.#tries.mayRepeat(this, isUnseen)) {
      this.#leave();
      this.#tries.repeat(this);
      return;
    }
    if (fault === "connect") this.#fail("connect", connectCause(error), connectDetail(error));
    else if (fault === "malformed") this.#fail("reset", "upstream_malformed", "");
    else this.#fail(isUnseen ? "refused" : "reset", "upstream_closed", error?.code ?? "");
  }

  /** The try took too long. */
  timedOut(cause: CauseCode): void {
    this.upstream?.abandon();
    this.#cluster!.stats.count("weft_try_timeouts_total");
    this.#fail(this.#isUnsent && this.injected?.isHolding !== true ? "connect" : "timeout", cause, "");
  }

  #fail(fault: TryFault, cause: CauseCode, detail: string): void {
    const cluster = this.#cluster!;
    const endpoint = this.#endpoint!;
    const now = this.#exchange.listener.loop.wheel.now();
    this.#leave();
    // Had it not been held back, it might have answered in time.
    if (fault !== "timeout" || this.#delayedMs === 0) cluster.failed(endpoint, STATUS_OF[fault], now);
    this.#tries.failed(this, fault, cause, detail);
  }

  /** Gives up the try, and its connection with it. */
  abandon(): void {
    if (this.#endpoint === null) return;
    const { upstream } = this;
    this.#leave();
    upstream?.abandon();
  }

  /** Ends a response that has begun and cannot be completed so that the client sees it was cut. */
  cutDownstream(): void {
    const { transport } = this.#exchange.connection;
    if (this.#needsReset) transport.reset();
    else transport.close();
  }
}
