/** How an endpoint is reached: TCP, or the hop under mutual TLS where it is to prove who it is. There is no way from the one to the other. */
import { TcpConnection } from "../net/tcp-connection.ts";
import type { Dial } from "../net/transport.ts";
import type { ListenerContext, UpstreamEndpoint } from "./listener-context.ts";

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
