/**
 * CONNECT (RFC 9110 §9.3.6). Nothing the client sent early leaves before the other side has agreed.
 *
 * CONNECT to a mesh Service that speaks HTTP is answered here and the requests inside are read like any others, so that clients
 * which tunnel even plain HTTP get routes and metrics too. Everything else becomes two spliced connections, and where there is
 * a sidecar at the other end three: `TcpTunnel`, `MeshTunnel`.
 *
 * A connection that was intercepted and does not speak HTTP comes here as a CONNECT that its client knows nothing of (`isRaw`).
 */
import type { Exchange } from "./exchange.ts";
import type { Destination } from "./listener-context.ts";
import { openTcpTunnel } from "./tcp-tunnel.ts";
import { ESTABLISHED } from "./tunnel.ts";

export function openConnectTunnel(exchange: Exchange, destination: Destination): void {
  const { listener, connection } = exchange;
  if (listener.direction === "inbound") {
    openInbound(exchange, destination);
    return;
  }
  switch (destination.kind) {
    case "wait":
      return;
    case "unknown":
      exchange.fail("no_service", connection.head.authority());
      return;
    case "passthrough":
      openTcpTunnel(exchange, destination.cluster);
      return;
    case "host": {
      const { name, opaque } = destination.host;
      if (exchange.isRaw) {
        const raw = opaque === null ? undefined : listener.cluster(opaque.cluster);
        if (raw === undefined) exchange.fail("no_cluster", name);
        else openTcpTunnel(exchange, raw);
        return;
      }
      const cluster = listener.clusterOf(destination.host);
      if (cluster?.protocol === "tcp") {
        openTcpTunnel(exchange, cluster);
        return;
      }
      if (cluster === undefined) {
        exchange.fail("no_cluster", name);
        return;
      }
      exchange.status = 200;
      exchange.keepsAlive = true;
      connection.transport.write(ESTABLISHED);
      exchange.complete();
    }
  }
}

/** Another sidecar, or a client that was intercepted, brings bytes for a port that does not speak HTTP. */
function openInbound(exchange: Exchange, destination: Destination): void {
  const { listener, peer, isRaw } = exchange;
  const opaque = destination.kind === "host" ? destination.host.opaque : null;
  const cluster = opaque === null ? undefined : listener.cluster(opaque.cluster);
  if ((peer === null && !isRaw) || cluster === undefined) {
    exchange.fail("connect_not_allowed");
    return;
  }
  exchange.cluster = cluster;
  const refusal = listener.admission?.refusal(exchange) ?? null;
  if (refusal === null) openTcpTunnel(exchange, cluster);
  else exchange.fail(refusal.code, refusal.detail);
}
