/** How an endpoint is reached: TCP, or mutual TLS where its cluster asks for it. There is no way from the one to the other. */
import { TcpConnection } from "../net/tcp-connection.ts";
import type { Dial } from "../net/transport.ts";
import type { Loop, UpstreamCluster, UpstreamEndpoint } from "./listener-context.ts";

export function dialOf(cluster: UpstreamCluster, endpoint: UpstreamEndpoint, loop: Loop): Dial {
  if (cluster.isMutual) {
    return (sink, onConnect) => loop.origination.connect(sink, endpoint, loop.isOwn, onConnect);
  }
  return (sink, onConnect) => {
    const tcp = new TcpConnection(sink);
    tcp.connect(endpoint.address, endpoint.port, loop.isOwn, onConnect);
    return tcp;
  };
}
