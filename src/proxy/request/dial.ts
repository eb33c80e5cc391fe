/** How an endpoint is reached: TCP, or the hop under mutual TLS where it is to prove who it is. There is no way from the one to the other. */
import type { ClientConnection, ConnectionOwner } from "../http1/client-connection.ts";
import { TcpConnection } from "../net/tcp-connection.ts";
import type { Dial } from "../net/transport.ts";
import type { ListenerContext, UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

export function dialOf(endpoint: UpstreamEndpoint, { loop, isOwn }: ListenerContext): Dial {
  if (endpoint.isMutual) {
    return (sink, onConnect) => loop.hops.connect(sink, endpoint, isOwn, onConnect);
  }
  return (sink, onConnect) => {
    const tcp = new TcpConnection(sink);
    tcp.connect(endpoint.address, endpoint.port, isOwn, () => onConnect(tcp));
    return tcp;
  };
}

/** What a connection to an endpoint is counted in, and forgotten by when it ends. */
export function ownerOf(cluster: UpstreamCluster, endpoint: UpstreamEndpoint): ConnectionOwner {
  let wasOpen = false;
  return {
    onOpen(): void {
      wasOpen = true;
      cluster.stats.connectionOpened();
    },
    onClosed(connection: ClientConnection): void {
      cluster.stats.connectionClosed(wasOpen);
      endpoint.pool.remove(connection);
    },
  };
}
