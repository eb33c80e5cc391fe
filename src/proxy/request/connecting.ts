/**
 * How a try comes by a connection when none is idle: it opens one, or waits for one where the cluster has as many as it may. Until
 * then the request is pending, for the circuit breaker and for its body, which stays where it is.
 */
import type { Waiter } from "../clusters/waiting-line.ts";
import { ClientConnection } from "../http1/client-connection.ts";
import type { Attempt } from "./attempt.ts";
import { dialOf, ownerOf } from "./dial.ts";
import type { ListenerContext, UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

export class Connecting implements Waiter<UpstreamEndpoint, ClientConnection> {
  readonly #attempt: Attempt;
  readonly #listener: ListenerContext;
  /** Of the try that waits; null: none does. */
  #cluster: UpstreamCluster | null = null;

  constructor(attempt: Attempt, listener: ListenerContext) {
    this.#attempt = attempt;
    this.#listener = listener;
  }

  get isPending(): boolean {
    return this.#cluster !== null;
  }

  get endpoint(): UpstreamEndpoint {
    return this.#attempt.endpoint;
  }

  begin(cluster: UpstreamCluster): void {
    this.#cluster = cluster;
    cluster.breakers.default.addPending(1);
    if (cluster.connections.mayOpen()) this.dial();
    else {
      this.#attempt.limit(cluster.connectTimeoutMs, "connect_timeout");
      cluster.connections.line.join(this);
    }
  }

  /** A connection that another request no longer needs. */
  take(connection: ClientConnection): void {
    this.#attempt.upstream = connection;
    this.#attempt.onConnected();
  }

  dial(): void {
    const cluster = this.#cluster!;
    const { maxHeadBytes, maxHeaders } = this.#listener.limits;
    this.#attempt.limit(cluster.connectTimeoutMs, "connect_timeout");
    this.#attempt.upstream = new ClientConnection(
      ownerOf(cluster, this.endpoint, this.#listener.loop),
      dialOf(cluster, this.endpoint, this.#listener),
      this.#attempt,
      maxHeadBytes,
      maxHeaders,
    );
  }

  /** There is a connection, or nobody wants one any more. */
  end(): void {
    const cluster = this.#cluster;
    if (cluster === null) return;
    this.#cluster = null;
    cluster.connections.line.leave(this);
    cluster.breakers.default.addPending(-1);
  }
}
