/**
 * A copy of a request for a mirror backend (Gateway API HTTPRequestMirrorFilter), sent without anybody waiting for it. It is a
 * request to its cluster as any other: balancer, circuit breaker and outlier detection know of it. Its response is at most compared
 * with the real one, and whatever goes wrong with it is no concern of the original's.
 */
import { ClientConnection, type ResponseHandler, type UpstreamFault } from "../http1/client-connection.ts";
import { editedBytes, writeRequestHead } from "../http1/head-edit.ts";
import type { ServerConnection } from "../http1/server-connection.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { MirrorTarget } from "../routing/virtual-host.ts";
import type { Comparison } from "./comparison.ts";
import { dialOf, ownerOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import { writeContext } from "./forwarded-head.ts";
import { hashOfRequest } from "./hash-key.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** A mirror that cannot keep up with the original by more than this is given up. */
const MAX_QUEUED_BYTES = 262_144;
/** Whatever the original's class: a copy must never take the room of requests that may not fail. */
const PRIORITY = "default";

/** What became of a mirror, for its counter. */
type Outcome = "answered" | "failed" | "timeout" | "slow" | "incomplete" | "overflow" | "no_endpoint";

/** Sends copies to those of `targets` whose turn it is. */
export function startMirrors(exchange: Exchange, targets: readonly MirrorTarget[]): void {
  const { listener } = exchange;
  const { comparisons, random } = listener.loop;
  const mirrors: Mirror[] = [];
  const compared: Comparison[] = [];
  for (const target of targets) {
    if (random() >= target.share) continue;
    const cluster = listener.cluster(target.cluster);
    if (cluster === undefined || cluster.isRemoved) continue;
    const place = placeFor(exchange, cluster);
    if (typeof place === "string") {
      cluster.stats.countMirror(place);
      continue;
    }
    const plan = target.comparison;
    let comparison: Comparison | null = null;
    if (plan !== null && (plan.share === 1 || random() < plan.share)) {
      comparison = comparisons.begin(plan);
      if (comparison === null) cluster.stats.count("weft_mirror_comparisons_skipped_total");
      else compared.push(comparison);
    }
    mirrors.push(new Mirror(exchange, cluster, place, comparison));
  }
  if (mirrors.length > 0) exchange.mirrors = mirrors;
  if (compared.length > 0) exchange.comparisons = compared;
}

/** The exchange is over. A response that no comparison has seen to its end, none will. */
export function endMirrors(exchange: Exchange, mirrors: readonly Mirror[]): void {
  const { comparisons } = exchange;
  for (const mirror of mirrors) mirror.requestEnded(exchange.connection.isRequestDone);
  exchange.mirrors = null;
  if (comparisons === null) return;
  exchange.comparisons = null;
  for (const one of comparisons) one.realEnded();
}

interface Place {
  readonly endpoint: UpstreamEndpoint;
  /** Undefined: there is room for another. */
  readonly pooled: ClientConnection | undefined;
}

/** Breaker → balancer → endpoint, as for any request; nobody waits in line for the sake of a copy. */
function placeFor(exchange: Exchange, cluster: UpstreamCluster): Place | "overflow" | "no_endpoint" {
  if (!cluster.hasRoom(PRIORITY)) return "overflow";
  const { hash } = cluster;
  const endpoint = cluster.pick(hash === null ? undefined : hashOfRequest(exchange, hash));
  if (endpoint === null) return "no_endpoint";
  const pooled = endpoint.pool.take(exchange.listener.loop.wheel.now());
  if (pooled !== undefined) return { endpoint, pooled };
  const mayDial = cluster.breakers[PRIORITY].hasPendingRoom && cluster.connections.mayOpen();
  return mayDial ? { endpoint, pooled } : "overflow";
}

/** Its request's head, as it came but for what stops at each hop. */
function headOf({ connection: { head } }: Exchange): Buffer {
  const bytes = Buffer.allocUnsafeSlow(editedBytes(head, null));
  let to = writeRequestHead(bytes, 0, head, null, 0);
  to = writeContext(bytes, to, head);
  to += bytes.write("\r\n", to, "latin1");
  return bytes.subarray(0, to);
}

export class Mirror extends Timed implements ResponseHandler {
  readonly #cluster: UpstreamCluster;
  readonly #endpoint: UpstreamEndpoint;
  readonly #comparison: Comparison | null;
  readonly #isHeadRequest: boolean;
  /** Where the request comes from, as long as it does. */
  #source: ServerConnection | null;
  /** Null: it is over. */
  #connection: ClientConnection | null;
  /** What waits for the connection; null once that is there. */
  #queue: Buffer[] | null;
  #queuedBytes: number;
  readonly #wheel: TimerWheel;
  readonly #idleMs: number;
  #isPending = false;
  #sentAt = 0;
  /** The final response has begun. */
  #isAnswered = false;
  #isComplete = false;

  constructor(
    exchange: Exchange,
    cluster: UpstreamCluster,
    { endpoint, pooled }: Place,
    comparison: Comparison | null,
  ) {
    super();
    const { limits, loop } = exchange.listener;
    const head = headOf(exchange);
    this.#wheel = loop.wheel;
    this.#idleMs = limits.streamIdleTimeoutMs;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#comparison = comparison;
    this.#isHeadRequest = exchange.isHeadRequest;
    this.#source = exchange.connection;
    this.#queue = [head];
    this.#queuedBytes = head.length;
    cluster.began(endpoint, PRIORITY);
    if (pooled !== undefined) {
      this.#connection = pooled;
      this.onConnected();
      return;
    }
    this.#setPending(true);
    this.#wheel.set(this, this.#wheel.now() + cluster.connectTimeoutMs);
    this.#connection = new ClientConnection(
      ownerOf(cluster, endpoint, loop),
      dialOf(cluster, endpoint, exchange.listener),
      this,
      limits.maxHeadBytes,
      limits.maxHeaders,
    );
  }

  onConnected(): void {
    const connection = this.#connection;
    if (connection === null || this.#queue === null) return;
    this.#setPending(false);
    // For comparing, the data of a chunked body alone.
    connection.begin(this, this.#isHeadRequest, this.#comparison === null);
    this.#sentAt = this.#wheel.now();
    for (const bytes of this.#queue) connection.transport.write(bytes);
    this.#queue = null;
    this.#wheel.set(this, this.#sentAt + this.#idleMs);
  }

  #setPending(isPending: boolean): void {
    if (this.#isPending === isPending) return;
    this.#isPending = isPending;
    this.#cluster.breakers[PRIORITY].addPending(isPending ? 1 : -1);
  }

  /** Nobody waits for a mirror, so that one that never answers would stay for ever. */
  override onDeadline(): void {
    this.#fail("timeout", this.#queue === null ? 504 : 503);
  }

  /** A part of the original's body; copied, because the original's bytes are on their way. */
  sendBody(buf: Buffer, start: number, end: number, tail: Buffer): void {
    const connection = this.#connection;
    if (connection === null) return;
    const bytes = Buffer.concat([buf.subarray(start, end), tail]);
    if (this.#queue === null) connection.transport.write(bytes);
    else {
      this.#queue.push(bytes);
      this.#queuedBytes += bytes.length;
    }
    const queued = this.#queue === null ? connection.transport.queuedBytes : this.#queuedBytes;
    if (queued > MAX_QUEUED_BYTES) this.#giveUp("slow", "failed");
  }

  /** The original has ended; an incomplete body must not look complete. */
  requestEnded(isComplete: boolean): void {
    this.#source = null;
    this.#isComplete = isComplete;
    if (!isComplete) this.#giveUp("incomplete", "incomplete");
  }

  onResponse(): void {
    const connection = this.#connection;
    if (connection === null) return;
    const { head } = connection;
    if (head.status === 101) this.onUpstreamFault("malformed");
    else if (head.status >= 200) {
      const now = this.#wheel.now();
      this.#isAnswered = true;
      this.#cluster.answered(this.#endpoint, head.status, now - this.#sentAt, now);
      this.#comparison?.mirror.begin(head, connection.body, false);
      this.onResponseBody();
    }
  }

  onResponseBody(): void {
    const connection = this.#connection;
    if (connection === null || !connection.pullBody()) return;
    const { body, bodyBuf, bodyStart } = connection;
    this.#comparison?.mirror.add(bodyBuf, bodyStart, body.outputEnd);
    if (!body.isDone) {
      this.#wheel.set(this, this.#wheel.now() + this.#idleMs);
      return;
    }
    this.#leave("answered");
    this.#comparison?.mirrorIsWhole();
    // A mirror may be quicker than the original.
    if (connection.isReusable && (this.#isComplete || this.#source?.isRequestDone === true)) {
      connection.rest();
      this.#cluster.connections.release(this.#endpoint, connection);
    } else connection.abandon();
  }

  onUpstreamFault(fault: UpstreamFault): void {
    const connection = this.#connection;
    // The upstream had closed a connection while it was idle: that is nobody's failure.
    const isNobodys = fault === "closed" && connection !== null && connection.isReused;
    if (isNobodys) this.#giveUp("failed", "failed");
    else this.#fail("failed", fault === "connect" ? 503 : 502);
  }

  onUpstreamDrain(): void {}

  /** It is the endpoint's fault; `status` stands for why. */
  #fail(outcome: Outcome, status: number): void {
    if (this.#connection === null) return;
    if (!this.#isAnswered) this.#cluster.failed(this.#endpoint, status, this.#wheel.now());
    this.#giveUp(outcome, "failed");
  }

  #giveUp(outcome: Outcome, kind: "failed" | "incomplete"): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#leave(outcome);
    this.#comparison?.end(kind);
    connection.abandon();
  }

  #leave(outcome: Outcome): void {
    this.#wheel.remove(this);
    this.#setPending(false);
    this.#connection = null;
    this.#queue = null;
    this.#cluster.ended(this.#endpoint, PRIORITY);
    this.#cluster.stats.countMirror(outcome);
  }
}
