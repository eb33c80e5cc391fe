/**
 * TCP to an instance of a cluster: breaker → balancer → endpoint → a connection, and from then on bytes pass. Until then nothing of
 * what the client sent has left, so that a failure is no reason to give up while there is another instance.
 */
import { Timed } from "../net/timer-wheel.ts";
import type { Sink, Transport } from "../net/transport.ts";
import type { CauseCode } from "./cause.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { dialOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import { pickEndpoint } from "./hash-key.ts";
import type { UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";
import { MeshTunnel } from "./mesh-tunnel.ts";
import { joinTunnel } from "./tunnel.ts";

/** What is under way towards an instance. */
export interface Opening {
  close(): void;
}

/** Instances that are asked for one connection. */
const MAX_TRIES = 3;

export function openTcpTunnel(exchange: Exchange, cluster: UpstreamCluster): void {
  new TcpTunnel(exchange, cluster).pick();
}

export class TcpTunnel extends Timed {
  readonly exchange: Exchange;
  readonly cluster: UpstreamCluster;
  /** Null: nobody is asked, or the connection is over. */
  #endpoint: UpstreamEndpoint | null = null;
  #opening: Opening | null = null;
  #begunAt = 0;

  constructor(exchange: Exchange, cluster: UpstreamCluster) {
    super();
    this.exchange = exchange;
    this.cluster = cluster;
    exchange.cluster = cluster;
  }

  pick(): void {
    const { exchange, cluster } = this;
    if (!cluster.hasTunnelRoom) {
      cluster.stats.count("weft_upstream_overflow_total");
      exchange.fail("overflow", cluster.name);
      return;
    }
    const endpoint = pickEndpoint(exchange, cluster);
    if (endpoint === null) {
      exchange.fail("no_endpoint", cluster.name);
      return;
    }
    exchange.countAt(endpoint.series);
    exchange.tries.retries.noteTry(endpoint);
    cluster.tunnelBegan(endpoint);
    exchange.tunnel = this;
    this.#endpoint = endpoint;
    const { wheel } = exchange.listener.loop;
    this.#begunAt = wheel.now();
    wheel.set(this, this.#begunAt + cluster.connectTimeoutMs);
    this.#opening = endpoint.isMutual ? new MeshTunnel(this, endpoint) : this.#connect(endpoint);
  }

  /** To an application without a sidecar. */
  #connect(endpoint: UpstreamEndpoint): Opening {
    const { cluster, exchange } = this;
    const count = cluster.stats.connection();
    const sink: Sink = {
      // A server that speaks first waits in its socket until both sides are joined.
      onData: () => {},
      onEnd: () => {},
      onDrain: () => {},
      onClose: (error) => {
        count.onClosed();
        this.failed(opening, connectCause(error), connectDetail(error));
      },
    };
    const opening: Opening = dialOf(
      cluster,
      endpoint,
      exchange.listener,
    )(sink, (upstream) => {
      count.onOpen();
      this.joined(opening, upstream, null, count.onClosed);
    });
    return opening;
  }

  /** The application is there, and `early` is what it has sent since. */
  joined(opening: Opening, upstream: Transport, early: Buffer | null, onEnd: () => void): void {
    if (this.#opening !== opening) return;
    const { cluster, exchange } = this;
    const { wheel } = exchange.listener.loop;
    const now = wheel.now();
    wheel.remove(this);
    this.#opening = null;
    cluster.answered(this.#endpoint!, 200, now - this.#begunAt, now);
    joinTunnel(exchange, upstream, early, () => {
      onEnd();
      this.#leave();
    });
  }

  /** There is no way to this instance. */
  failed(opening: Opening, code: CauseCode, detail: string): void {
    if (this.#opening !== opening) return;
    const { cluster, exchange } = this;
    const { retries } = exchange.tries;
    const now = exchange.listener.loop.wheel.now();
    cluster.failed(this.#endpoint!, code === "connect_timeout" ? 504 : 503, now);
    this.#leave();
    const isFinal = code === "loop_detected" || code === "access_denied";
    if (isFinal || retries.tried.length >= MAX_TRIES || !retries.hasOther(cluster)) {
      exchange.fail(code, detail);
      return;
    }
    cluster.stats.count("weft_retries_total");
    this.pick();
  }

  override onDeadline(): void {
    const opening = this.#opening;
    if (opening === null) return;
    this.failed(opening, "connect_timeout", "");
    opening.close();
  }

  /** The client has gone, or the exchange has failed. */
  close(): void {
    const opening = this.#opening;
    this.#leave();
    opening?.close();
  }

  #leave(): void {
    if (this.#endpoint === null) return;
    this.cluster.tunnelEnded(this.#endpoint);
    this.#endpoint = null;
    this.#opening = null;
    this.exchange.tunnel = null;
    this.exchange.listener.loop.wheel.remove(this);
  }
}
