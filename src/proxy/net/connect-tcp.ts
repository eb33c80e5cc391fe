/** How a traffic loop begins plain connections: by TCP. A simulated network is another `Connect`. */
import type { IsOwn } from "./own-address.ts";
import { type SourceAddress, TcpConnection } from "./tcp-connection.ts";
import type { Sink, Transport } from "./transport.ts";

export interface Remote {
  /** An address, or a name. */
  readonly address: string;
  readonly port: number;
}

/**
 * Begins a connection as a `Dial` does. `keepaliveMs`: silence before the system asks whether the other end is there; 0: never.
 * `source`: where it comes from; null: the system chooses.
 */
export type Connect = (
  sink: Sink,
  remote: Remote,
  isOwn: IsOwn,
  keepaliveMs: number,
  onConnect: (transport: Transport) => void,
  source: SourceAddress | null,
) => Transport;

export const connectTcp: Connect = (sink, { address, port }, isOwn, keepaliveMs, onConnect, source) => {
  const tcp = new TcpConnection(sink);
  tcp.connect(address, port, isOwn, source, () => {
    if (keepaliveMs > 0) tcp.keepAlive(keepaliveMs);
    onConnect(tcp);
  });
  return tcp;
};
