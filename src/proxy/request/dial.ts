/** How an endpoint is reached: TCP, or the hop under mutual TLS where it is to prove who it is. There is no way from the one to the other. */
import type { ClientConnection, ConnectionOwner } from "../http1/client-connection.ts";
import type { Dial } from "../net/transport.ts";
import type { ListenerContext, Loop, UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

/** Of a connection's greatest age: so much earlier, at random, it is replaced, so that they do not all go at once. */
const AGE_JITTER = 0.1;

export function dialOf(
  cluster: UpstreamCluster,
  endpoint: UpstreamEndpoint,
  { loop, isOwn, source }: Pick<ListenerContext, "loop" | "isOwn" | "source">,
): Dial {
  if (endpoint.isMutual) {
    return (sink, onConnect) => loop.hops.connect(sink, endpoint, isOwn, onConnect);
  }
  const { keepaliveMs = 0 } = cluster.care;
  return (sink, onConnect) => loop.connect(sink, endpoint, isOwn, keepaliveMs, onConnect, source);
}

/** What a connection to an endpoint is counted in, and forgotten by when it ends. */
export function ownerOf(cluster: UpstreamCluster, endpoint: UpstreamEndpoint, loop: Loop): ConnectionOwner {
  const { maxAgeMs = 0 } = cluster.care;
  let wasOpen = false;
  cluster.connections.begun();
  return {
    onOpen(connection: ClientConnection): void {
      wasOpen = true;
      cluster.stats.connectionOpened();
      if (maxAgeMs > 0) connection.retireAt = loop.wheel.now() + maxAgeMs * (1 - AGE_JITTER * loop.random());
    },
    onClosed(connection: ClientConnection): void {
      endpoint.pool.remove(connection);
      cluster.connections.ended(wasOpen);
    },
  };
}
