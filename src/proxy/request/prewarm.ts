/** Connections that are opened before a request needs them: a new endpoint's first requests do not wait for handshakes. */
import { ClientConnection, type ResponseHandler } from "../http1/client-connection.ts";
import { Timed } from "../net/timer-wheel.ts";
import { dialOf, ownerOf } from "./dial.ts";
import type { ListenerContext, UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

export function prewarm(
  listener: ListenerContext,
  cluster: UpstreamCluster,
  endpoint: UpstreamEndpoint,
  count: number,
): void {
  for (let i = 0; i < count && cluster.breakers.default.hasConnectionRoom; i++)
    new Prewarming(listener, cluster, endpoint);
}

/** One connection on its way to the pool. */
class Prewarming extends Timed implements ResponseHandler {
  readonly #listener: ListenerContext;
  readonly #cluster: UpstreamCluster;
  readonly #endpoint: UpstreamEndpoint;
  readonly #connection: ClientConnection;

  constructor(listener: ListenerContext, cluster: UpstreamCluster, endpoint: UpstreamEndpoint) {
    super();
    const { limits, loop } = listener;
    this.#listener = listener;
    this.#cluster = cluster;
    this.#endpoint = endpoint;
    loop.wheel.set(this, loop.wheel.now() + cluster.connectTimeoutMs);
    this.#connection = new ClientConnection(
      ownerOf(cluster, endpoint, loop),
      dialOf(cluster, endpoint, listener),
      this,
      limits.maxHeadBytes,
      limits.maxHeaders,
    );
  }

  onConnected(): void {
    this.#listener.loop.wheel.remove(this);
    this.#connection.rest();
    this.#cluster.connections.release(this.#endpoint, this.#connection);
  }

  override onDeadline(): void {
    this.#connection.abandon();
  }

  onUpstreamFault(): void {
    this.#listener.loop.wheel.remove(this);
  }

  onResponse(): void {}
  onResponseBody(): void {}
  onUpstreamDrain(): void {}
}
