/**
 * One request and its response, from `route` to `record`: the file to read first. A connection has one exchange, used again for
 * each of its requests, which come strictly one after the other.
 *
 *   onRequest → route → admit → pick → attempt (try) → answer → record
 *
 * Each step either goes on, or ends the exchange with a cause (`fail`), or waits, and is then called again.
 */

import type { Abort } from "../../discovery/faults.ts";
import type { PriorityClass } from "../../discovery/resilience.ts";
import type { Priority } from "../clusters/cluster.ts";
import type { HeadEdit } from "../http/edit.ts";
import { isConnect, isMethod } from "../http1/request-head.ts";
import { type RequestHandler, ServerConnection } from "../http1/server-connection.ts";
import type { LimitVerdict } from "../limit/limiter.ts";
import type { Transport } from "../net/transport.ts";
import type { Claims } from "../policy/view.ts";
import type { Backend, Selected } from "../routing/virtual-host.ts";
import type { DestinationSeries } from "../telemetry/record.ts";
import { type CauseCode, causeOf, codecCause } from "./cause.ts";
import type { Comparison } from "./comparison.ts";
import { openConnectTunnel } from "./connect.ts";
import { Deadlines } from "./deadline.ts";
import { incomingTimeoutMs } from "./incoming-deadline.ts";
import { incomingPriority } from "./incoming-priority.ts";
import type { ListenerContext, UpstreamCluster, VerifiedPeer } from "./listener-context.ts";
import { acceptsJson, sendLocalReply } from "./local-reply.ts";
import { endMirrors, type Mirror } from "./mirror.ts";
import { RouteLookup } from "./route-lookup.ts";
import { followRule } from "./rule-action.ts";
import { Tries } from "./tries.ts";

/** Beyond this, a client that does not read gets no further response until it does. */
const MAX_QUEUED_BYTES = 65_536;
const HEAD = Buffer.from("HEAD", "latin1");

export class Exchange implements RequestHandler {
  readonly listener: ListenerContext;
  readonly connection: ServerConnection;
  readonly tries: Tries;
  readonly deadlines: Deadlines;
  readonly peer: VerifiedPeer | null;

  isActive = false;
  /** What the client sends is not HTTP, and not read: the one request is a CONNECT that Weft made up. Nothing is answered. */
  isRaw = false;
  /** It is raw because its client was silent, and may be HTTP yet. */
  maySpeakLate = false;
  startedAt = 0;
  /** Of the response sent; 0 before. */
  status = 0;
  flag = "-";
  priorityClass: PriorityClass = "default";
  requestBytes = 0;
  responseBytes = 0;
  keepsAlive = true;
  /** Noted at the start, because an answer may be due when the head's bytes are gone. */
  isHeadRequest = false;
  prefersJson = false;
  /** What policy decided by, for the record; empty before. */
  decidedBy = "";
  /** Of the request's verified token. */
  claims: Claims | null = null;
  /** What becomes of its head for the token's sake. */
  tokenEdit: HeadEdit | null = null;
  /** What rate limits say of it, for the response. */
  limited: LimitVerdict | null = null;
  tunnel: { close(): void } | null = null;
  selected: Selected | null = null;
  backend: Backend | null = null;
  cluster: UpstreamCluster | null = null;
  series: DestinationSeries | null = null;
  mirrors: readonly Mirror[] | null = null;
  /** What watches the response for the sake of a mirror's; null: nobody does. */
  comparisons: readonly Comparison[] | null = null;
  /** Of the request: what was begun for one before is not for this one. */
  serial = 0;
  #finishesOnDrain = false;
  readonly #lookup: RouteLookup;

  /** `peer`: the client, where the connection has proven who it is. */
  constructor(listener: ListenerContext, transport: Transport, peer: VerifiedPeer | null) {
    this.listener = listener;
    this.peer = peer;
    const { maxHeadBytes, maxHeaders } = listener.limits;
    this.connection = new ServerConnection(transport, this, maxHeadBytes, maxHeaders);
    this.tries = new Tries(this);
    this.deadlines = new Deadlines(this);
    this.#lookup = new RouteLookup(this);
    transport.sink = this.connection;
    this.deadlines.idle();
  }

  /** What the client sends, `early` of it read already, goes on unread, as HTTP never if `isCertain`; `head`: a CONNECT to where it goes. */
  beginRaw(head: Buffer, early: Buffer | null, isCertain: boolean): void {
    this.isRaw = true;
    this.maySpeakLate = !isCertain;
    // Until both sides are joined the rest, and the end of it, stays in the socket.
    this.connection.transport.pause();
    const bytes = early === null ? head : Buffer.concat([head, early]);
    this.connection.onData(bytes, 0, bytes.length);
  }

  /** What was taken for bytes begins with a request after all, `early`; of what it was joined to nothing is left. */
  becomeHttp(early: Buffer): void {
    this.#record();
    this.isRaw = false;
    const { transport } = this.connection;
    transport.useSharedBuffer();
    transport.sink = this.connection;
    this.#finish();
    this.connection.onData(early, 0, early.length);
  }

  get peerAddress(): string {
    return this.connection.transport.peerAddress;
  }

  /** Requests that must not fail for those that may are counted apart. */
  get priority(): Priority {
    return this.priorityClass === "critical" ? "high" : "default";
  }

  onHeadPending(isPending: boolean): void {
    if (isPending) this.deadlines.head();
  }

  onRequest(): void {
    const { head } = this.connection;
    this.#begin();
    this.requestBytes = head.end - head.start;
    this.keepsAlive = head.keepAlive;
    this.isHeadRequest = isMethod(head, HEAD);
    this.prefersJson = acceptsJson(head);
    this.priorityClass = incomingPriority(this);
    this.deadlines.begin(this.startedAt);
    const timeoutMs = incomingTimeoutMs(head);
    if (timeoutMs > 0) this.deadlines.request(timeoutMs);
    if (this.peer !== null && Date.now() > this.peer.expiresAt) this.fail("client_expired");
    else if (timeoutMs > 0 && timeoutMs <= this.listener.loop.overload.delayMs) this.fail("deadline_passed");
    else this.route();
  }

  /** Nothing is known of the request yet; where its head can't be read, that is all there is to it. */
  #begin(): void {
    this.isActive = true;
    this.startedAt = this.listener.loop.wheel.now();
    this.status = 0;
    this.flag = "-";
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.isHeadRequest = false;
    this.prefersJson = false;
    this.selected = null;
    this.backend = null;
    this.cluster = null;
    this.series = null;
    this.decidedBy = "";
    this.claims = null;
    this.tokenEdit = null;
    this.limited = null;
    this.serial++;
    this.tries.begin();
  }

  /** Virtual host → rule → weighted backend. */
  route(): void {
    const { head } = this.connection;
    const destination = this.#lookup.find(head);
    if (destination.kind !== "wait" && isConnect(head)) {
      openConnectTunnel(this, destination);
      return;
    }
    switch (destination.kind) {
      case "wait":
        this.#lookup.wait(destination.route);
        return;
      case "host": {
        const selected = destination.host.select(head);
        if (selected === null) this.fail("no_route", destination.host.name);
        else if (followRule(this, selected)) this.admit();
        return;
      }
      case "passthrough":
        this.cluster = destination.cluster;
        this.pick();
        return;
      case "unknown":
        if (head.authorityEnd === 0) this.fail("bad_request", "no Host");
        else this.fail("no_service", head.authority());
    }
  }

  /** Whom the request's token speaks for, and whether policy lets it through to the application. */
  admit(): void {
    if (this.listener.admission === null) this.pick();
    else this.listener.admission.admit(this);
  }

  /** Breaker → balancer → endpoint; then an attempt takes over. */
  pick(): void {
    if (this.cluster === null || this.cluster.isRemoved) {
      this.fail("no_cluster", this.backend?.cluster ?? "");
      return;
    }
    this.tries.next();
  }

  /** The series this exchange ends in; another try moves it to the endpoint that answers. */
  countAt(destination: DestinationSeries): void {
    const series = this.peer === null ? destination : destination.from(this.peer.labels);
    if (this.series === series) return;
    this.series?.left();
    this.series = series;
    series.started();
  }

  /** Ends the exchange for a reason of Weft's. Before the response that is an answer (`abort`: this); within it, a visible cut. */
  fail(code: CauseCode, detail = "", abort: Abort | null = null): void {
    const cause = causeOf(code);
    this.flag = this.tries.flagged(cause.flag);
    this.tries.abandon();
    this.tunnel?.close();
    if (this.isRaw) this.connection.transport.reset();
    else if (this.status === 0 && cause.status !== 0 && this.connection.transport.isOpen) {
      sendLocalReply(this, cause, detail, abort);
      this.complete();
      return;
    }
    this.keepsAlive = false;
    this.tries.attempt.cutDownstream();
    this.#record();
  }

  /** The response is complete, and with it the exchange. */
  complete(): void {
    if (this.comparisons !== null) for (const one of this.comparisons) one.realIsWhole(this.status);
    this.#record();
    if (!this.connection.isRequestDone) this.keepsAlive = false;
    if (this.keepsAlive && this.connection.transport.queuedBytes > MAX_QUEUED_BYTES) {
      this.#finishesOnDrain = true;
      return;
    }
    this.#finish();
  }

  #finish(): void {
    this.#finishesOnDrain = false;
    if (this.keepsAlive) this.deadlines.idle();
    else this.deadlines.linger();
    this.connection.finish(this.keepsAlive);
  }

  #record(): void {
    if (!this.isActive) return;
    this.isActive = false;
    this.tries.ended();
    this.#lookup.stop();
    if (this.mirrors !== null) endMirrors(this, this.mirrors);
    if (this.isRaw) {
      if (this.status === 0) (this.series ?? this.listener.unmatched).tcp.refused(this.flag);
      this.series?.left();
      return;
    }
    if (this.series === null) this.countAt(this.listener.unmatched);
    const durationMs = this.listener.loop.wheel.now() - this.startedAt;
    this.series?.finished(this.status, this.flag, durationMs, this.requestBytes, this.responseBytes);
  }

  headTimedOut(): void {
    this.#begin();
    this.keepsAlive = false;
    this.fail("head_timeout");
  }

  onRequestBody(): void {
    this.deadlines.touch();
    this.tries.attempt.onRequestBody();
  }

  onBadRequest(status: number, isHead: boolean): void {
    if (isHead) this.#begin();
    this.keepsAlive = false;
    this.fail(codecCause(status));
  }

  onDownstreamDrain(): void {
    if (this.#finishesOnDrain) this.#finish();
    else this.tries.attempt.onDownstreamDrain();
  }

  onDownstreamEnd(): void {
    this.keepsAlive = false;
    // A client that ends before its body is complete has gone; one that has said all waits for the answer.
    if (!this.connection.isRequestDone) this.fail("bad_request");
  }

  onDownstreamClose(): void {
    if (this.isActive) this.fail("downstream_closed");
    this.deadlines.end();
    this.listener.closed(this);
  }

  /** A tunnel has closed on both sides, and the connection with it. */
  tunnelEnded(): void {
    this.#record();
    this.deadlines.end();
    this.listener.closed(this);
  }
}
