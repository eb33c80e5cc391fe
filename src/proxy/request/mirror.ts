/**
 * A copy of a request for a mirror backend (Gateway API HTTPRequestMirrorFilter): sent and forgotten. Its response is
 * discarded, and whatever goes wrong with it is no concern of the original's.
 */
import { ClientConnection, type ResponseHandler } from "../http1/client-connection.ts";
import { editedBytes, writeRequestHead } from "../http1/head-edit.ts";
import { Timed, type TimerWheel } from "../net/timer-wheel.ts";
import type { MirrorTarget } from "../routing/virtual-host.ts";
import { dialOf, ownerOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import { writeContext } from "./forwarded-head.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** A mirror that cannot keep up with the original by more than this is given up. */
const MAX_QUEUED_BYTES = 262_144;

export function startMirrors(exchange: Exchange, targets: readonly MirrorTarget[]): readonly Mirror[] | null {
  const { listener, connection } = exchange;
  const mirrors: Mirror[] = [];
  for (const target of targets) {
    if (listener.loop.random() >= target.share) continue;
    const cluster = listener.cluster(target.cluster);
    const endpoint = cluster?.pick();
    if (cluster === undefined || endpoint === null || endpoint === undefined) continue;
    const { head } = connection;
    const bytes = Buffer.allocUnsafeSlow(editedBytes(head, null));
    let to = writeRequestHead(bytes, 0, head, null, 0);
    to = writeContext(bytes, to, head);
    to += bytes.write("\r\n", to, "latin1");
    mirrors.push(new Mirror(exchange, cluster, endpoint, bytes.subarray(0, to)));
  }
  return mirrors.length === 0 ? null : mirrors;
}

export class Mirror extends Timed implements ResponseHandler {
  readonly #cluster: UpstreamCluster;
  readonly #endpoint: UpstreamEndpoint;
  readonly #isHeadRequest: boolean;
  #connection: ClientConnection | null;
  #queue: Buffer[] | null;
  #queuedBytes: number;
  readonly #wheel: TimerWheel;
  readonly #idleMs: number;
  #isComplete = false;

  constructor(exchange: Exchange, cluster: UpstreamCluster, endpoint: UpstreamEndpoint, head: Buffer) {
    super();
    const { limits, loop } = exchange.listener;
    this.#wheel = loop.wheel;
    this.#idleMs = limits.streamIdleTimeoutMs;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    this.#isHeadRequest = exchange.isHeadRequest;
    this.#queue = [head];
    this.#queuedBytes = head.length;
    endpoint.active++;
    const pooled = endpoint.pool.take(loop.wheel.now());
    if (pooled !== undefined) {
      this.#connection = pooled;
      this.onConnected();
      return;
    }
    loop.wheel.set(this, loop.wheel.now() + cluster.connectTimeoutMs);
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
    connection.begin(this, this.#isHeadRequest, true);
    for (const bytes of this.#queue) connection.transport.write(bytes);
    this.#queue = null;
    this.#wheel.set(this, this.#wheel.now() + this.#idleMs);
  }

  /** Nobody waits for a mirror, so that one that never answers would stay for ever. */
  override onDeadline(): void {
    this.#giveUp();
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
    if (queued > MAX_QUEUED_BYTES) this.#giveUp();
  }

  /** The original has ended; an incomplete body must not look complete. */
  requestEnded(isComplete: boolean): void {
    this.#isComplete = isComplete;
    if (!isComplete) this.#giveUp();
  }

  onResponse(): void {
    const connection = this.#connection;
    if (connection === null) return;
    if (connection.head.status === 101) this.#giveUp();
    else if (connection.head.status >= 200) this.onResponseBody();
  }

  onResponseBody(): void {
    const connection = this.#connection;
    if (connection === null || !connection.pullBody()) return;
    if (!connection.body.isDone) {
      this.#wheel.set(this, this.#wheel.now() + this.#idleMs);
      return;
    }
    this.#wheel.remove(this);
    this.#connection = null;
    this.#endpoint.active--;
    if (connection.isReusable && this.#isComplete) {
      connection.rest();
      this.#cluster.release(this.#endpoint, connection);
    } else connection.abandon();
  }

  onUpstreamFault(): void {
    this.#giveUp();
  }

  onUpstreamDrain(): void {}

  #giveUp(): void {
    const connection = this.#connection;
    if (connection === null) return;
    this.#wheel.remove(this);
    this.#connection = null;
    this.#queue = null;
    this.#endpoint.active--;
    connection.abandon();
  }
}
