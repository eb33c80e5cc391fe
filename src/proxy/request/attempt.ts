/**
 * One attempt of an exchange at one endpoint: gets a connection, writes the request, and passes the response on as it comes. The
 * head and what has arrived of the body leave in one write.
 */
import { B3, TRACEPARENT, X_FORWARDED_PROTO, X_REQUEST_ID } from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import { UNTIL_CLOSE } from "../http1/body.ts";
import { ClientConnection, type ResponseHandler, type UpstreamFault } from "../http1/client-connection.ts";
import { editedBytes, put, UPGRADE_BIT, writeRequestHead } from "../http1/head-edit.ts";
import { wantsUpgrade } from "../http1/request-head.ts";
import { NOT_SEEN } from "../net/transport.ts";
import { writeRequestId, writeTraceparent } from "../telemetry/trace-context.ts";
import { sendInterim, sendResponse } from "./answer.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { dialOf, ownerOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";
import { openUpgradeTunnel } from "./tunnel.ts";

const REQUEST_ID = Buffer.from("x-request-id: ", "latin1");
const TRACE = Buffer.from("\r\ntraceparent: ", "latin1");
const TRACE_ALONE = Buffer.from("traceparent: ", "latin1");
const PROTO = Buffer.from("x-forwarded-proto: http\r\n", "latin1");
const UPGRADE = Buffer.from("connection: upgrade\r\n", "latin1");
const NO_FIELD = Buffer.alloc(0);
const CRLF = Buffer.from("\r\n", "latin1");
/** RFC 9110 §9.2.2; what may be sent again when a pooled connection turns out to be dead. */
const IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"];

export class Attempt implements ResponseHandler {
  readonly #exchange: Exchange;
  #cluster: UpstreamCluster | null = null;
  #endpoint: UpstreamEndpoint | null = null;
  upstream: ClientConnection | null = null;
  #wantsUpgrade = false;
  /** When the request left, where that is measured. */
  #sentAt = 0;
  #needsReset = false;
  /** The request's own head, kept while it may have to be sent again: `#replay[0, #replayLength)`. */
  #replay: Buffer = Buffer.alloc(0);
  #replayLength = 0;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  start(cluster: UpstreamCluster, endpoint: UpstreamEndpoint): void {
    const { connection, listener, deadlines } = this.#exchange;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#needsReset = false;
    this.#replayLength = 0;
    endpoint.active++;
    const pooled = endpoint.pool.take(listener.loop.wheel.now());
    if (pooled !== undefined) {
      this.upstream = pooled;
      this.#keepForReplay(connection.head);
      this.#send(pooled);
      return;
    }
    connection.head.detach();
    const { maxHeadBytes, maxHeaders } = listener.limits;
    const dial = dialOf(endpoint, listener);
    deadlines.attempt(cluster.connectTimeoutMs, "connect_timeout");
    this.upstream = new ClientConnection(ownerOf(cluster, endpoint), dial, this, maxHeadBytes, maxHeaders);
  }

  onConnected(): void {
    this.#exchange.deadlines.attempt(0, "connect_timeout");
    if (this.upstream !== null) this.#send(this.upstream);
  }

  #keepForReplay(head: Head): void {
    if (head.isChunked || head.contentLength > 0) return;
    const length = head.end - head.start;
    if (this.#replay.length < length) this.#replay = Buffer.allocUnsafeSlow(Math.max(1_024, length));
    head.buf.copy(this.#replay, 0, head.start, head.end);
    this.#replayLength = length;
  }

  #send(upstream: ClientConnection): void {
    const exchange = this.#exchange;
    const { connection, selected, backend, listener } = exchange;
    const { head } = connection;
    const { scratch } = listener.loop;
    const timeoutMs = selected === null ? 0 : selected.rule.backendRequestTimeoutMs;
    if (timeoutMs > 0) exchange.deadlines.attempt(timeoutMs, "attempt_timeout");
    this.#wantsUpgrade = head.hasConnectionUpgrade && wantsUpgrade(head);
    const edit = exchange.tokenEdit ?? (backend === null ? null : backend.requestEdit);
    const clientCert = exchange.peer === null ? NO_FIELD : exchange.peer.clientCertField;
    scratch.reserve(0, editedBytes(head, edit) + clientCert.length);
    let to = writeRequestHead(scratch.buf, 0, head, edit, this.#wantsUpgrade ? UPGRADE_BIT : 0);
    to = put(scratch.buf, writeContext(scratch.buf, to, head), clientCert);
    if (this.#wantsUpgrade) to = put(scratch.buf, to, UPGRADE);
    to = put(scratch.buf, to, CRLF);
    if (this.#cluster?.measuresLatency === true) this.#sentAt = listener.loop.wheel.now();
    upstream.begin(this, exchange.isHeadRequest, head.minorVersion === 1);

    if (!connection.isRequestDone) {
      if (!connection.pullBody()) return;
      const { bodyBuf, bodyStart, body } = connection;
      scratch.reserve(to, body.outputEnd - bodyStart + body.tail.length);
      to += bodyBuf.copy(scratch.buf, to, bodyStart, body.outputEnd);
      to = put(scratch.buf, to, body.tail);
      this.#countBody(bodyBuf, bodyStart, body.outputEnd);
    }
    if (!scratch.send(upstream.transport, to) && !connection.isRequestDone) connection.transport.pause();
  }

  /** More of the body has come; while there is no connection to send it on, it stays where it is. */
  onRequestBody(): void {
    const { connection } = this.#exchange;
    const { upstream } = this;
    if (upstream === null || upstream.isConnecting || !connection.pullBody()) return;
    const { bodyBuf, bodyStart, body } = connection;
    let isTaken = true;
    if (body.outputEnd > bodyStart)
      isTaken = upstream.transport.forward(connection.transport, bodyBuf, bodyStart, body.outputEnd);
    if (body.tail.length > 0) isTaken = upstream.transport.write(body.tail) && isTaken;
    this.#countBody(bodyBuf, bodyStart, body.outputEnd);
    if (!isTaken && !connection.isRequestDone) connection.transport.pause();
  }

  #countBody(buf: Buffer, start: number, end: number): void {
    const exchange = this.#exchange;
    exchange.requestBytes += end - start;
    if (exchange.mirrors === null) return;
    for (const mirror of exchange.mirrors) mirror.sendBody(buf, start, end, exchange.connection.body.tail);
  }

  onUpstreamDrain(): void {
    if (!this.#exchange.connection.isRequestDone) this.#exchange.connection.transport.resume();
  }

  onDownstreamDrain(): void {
    this.upstream?.transport.resume();
  }

  onResponse(): void {
    const exchange = this.#exchange;
    const upstream = this.upstream!;
    exchange.deadlines.touch();
    this.#measure();
    const { status } = upstream.head;
    if (status === 101) {
      if (this.#wantsUpgrade) this.#switchProtocols(upstream);
      else this.onUpstreamFault("malformed", null);
      return;
    }
    if (status < 200) {
      if (exchange.connection.head.minorVersion === 1) sendInterim(exchange, upstream.head);
      return;
    }
    this.#needsReset = upstream.body.framing === UNTIL_CLOSE || exchange.connection.head.minorVersion === 0;
    if (!sendResponse(exchange, upstream)) return;
    if (upstream.body.isDone) this.#finish(upstream);
  }

  /** From the request's last try to the first head of its answer. */
  #measure(): void {
    if (this.#cluster?.measuresLatency !== true) return;
    const now = this.#exchange.listener.loop.wheel.now();
    this.#endpoint?.latency.observe(now - this.#sentAt, now);
  }

  onResponseBody(): void {
    const exchange = this.#exchange;
    const upstream = this.upstream!;
    exchange.deadlines.touch();
    if (!upstream.pullBody()) return;
    const { bodyBuf, bodyStart, body } = upstream;
    const { transport } = exchange.connection;
    let isTaken = true;
    if (body.outputEnd > bodyStart)
      isTaken = transport.forward(upstream.transport, bodyBuf, bodyStart, body.outputEnd);
    if (body.tail.length > 0) isTaken = transport.write(body.tail) && isTaken;
    exchange.responseBytes += body.outputEnd - bodyStart + body.tail.length;
    if (body.isDone) this.#finish(upstream);
    else if (!isTaken) upstream.transport.pause();
  }

  #finish(upstream: ClientConnection): void {
    const endpoint = this.#endpoint!;
    this.upstream = null;
    endpoint.active--;
    if (upstream.isReusable && this.#exchange.connection.isRequestDone) {
      upstream.rest();
      this.#cluster!.release(endpoint, upstream);
    } else upstream.abandon();
    this.#exchange.complete();
  }

  #switchProtocols(upstream: ClientConnection): void {
    this.#leave();
    openUpgradeTunnel(this.#exchange, upstream);
  }

  #leave(): void {
    this.upstream = null;
    this.#endpoint!.active--;
  }

  onUpstreamFault(fault: UpstreamFault, error: NodeJS.ErrnoException | null): void {
    const { upstream } = this;
    if (upstream === null) return;
    upstream.abandon();
    this.#leave();
    if (fault === "closed" && this.#canReplay(upstream, error)) {
      this.#exchange.pick();
      return;
    }
    const cause =
      fault === "connect"
        ? connectCause(error)
        : fault === "closed"
          ? "upstream_closed"
          : "upstream_malformed";
    this.#exchange.fail(cause, fault === "connect" ? connectDetail(error) : (error?.code ?? ""));
  }

  /**
   * A pooled connection that died before a byte of the response: the upstream had closed it while it was idle. What the
   * upstream has certainly not seen may always be sent again.
   */
  #canReplay(upstream: ClientConnection, error: NodeJS.ErrnoException | null): boolean {
    const { status, connection } = this.#exchange;
    if (status !== 0 || this.#replayLength === 0) return false;
    connection.head.detach(Buffer.from(this.#replay.subarray(0, this.#replayLength)));
    return error?.code === NOT_SEEN || (upstream.isReused && IDEMPOTENT.includes(connection.head.method()));
  }

  /** Gives up the attempt, and its connection with it. */
  abandon(): void {
    const { upstream } = this;
    if (upstream === null) return;
    this.#leave();
    upstream.abandon();
  }

  /** Ends a response that has begun and cannot be completed so that the client sees it was cut. */
  cutDownstream(): void {
    const { transport } = this.#exchange.connection;
    if (this.#needsReset) transport.reset();
    else transport.close();
  }
}

/** Adds what a request without it is to carry from here on: id, trace context, scheme. */
export function writeContext(out: Buffer, at: number, head: Head): number {
  let to = at;
  const needsTrace = !head.has(TRACEPARENT) && !head.has(B3);
  if (!head.has(X_REQUEST_ID)) {
    to = writeRequestId(out, put(out, to, REQUEST_ID));
    to = needsTrace ? writeTraceparent(out, put(out, to, TRACE)) : to;
    to = put(out, to, CRLF);
  } else if (needsTrace) {
    to = put(out, writeTraceparent(out, put(out, to, TRACE_ALONE)), CRLF);
  }
  return head.has(X_FORWARDED_PROTO) ? to : put(out, to, PROTO);
}
