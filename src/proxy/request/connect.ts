/**
 * CONNECT (RFC 9110 §9.3.6). Nothing the client sent early leaves before the other side has agreed.
 *
 * CONNECT to a mesh Service that speaks HTTP is answered here and the requests inside are read like any others, so that clients
 * which tunnel even plain HTTP get routes and metrics too. Everything else becomes two spliced connections, and where there is
 * a sidecar at the other end three: `TcpTunnel`, `MeshTunnel`.
 *
 * A connection that was intercepted and does not speak HTTP comes here as a CONNECT that its client knows nothing of (`isRaw`).
 */
import type { VirtualHost } from "../routing/virtual-host.ts";
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
      const { opaque } = destination.host;
      if (exchange.isRaw || opaque?.isCertain === true) {
        openOpaque(exchange, destination.host);
        return;
      }
      exchange.status = 200;
      exchange.keepsAlive = true;
      connection.transport.write(ESTABLISHED);
      exchange.complete();
    }
  }
}

function openOpaque(exchange: Exchange, { name, opaque }: VirtualHost): void {
  const { listener } = exchange;
  if (opaque === null) {
    exchange.fail("no_cluster", name);
    return;
  }
  const backend = opaque.pick(listener.loop.random());
  if (backend === null) {
    exchange.fail("zero_weights", name);
    return;
  }
  if (backend.cluster === undefined) {
    exchange.fail("dangling_backend", backend.reason);
    return;
  }
  const cluster = listener.cluster(backend.cluster);
  if (cluster === undefined) exchange.fail("no_cluster", backend.cluster);
  else openTcpTunnel(exchange, cluster);
}

/** Another sidecar, or a client that was intercepted, brings bytes for a port that does not speak HTTP. */
function openInbound(exchange: Exchange, destination: Destination): void {
  const { listener, peer, isRaw } = exchange;
  const opaque = destination.kind === "host" ? destination.host.opaque : null;
  const cluster = listener.cluster(opaque?.pick(0)?.cluster ?? "");
  if ((peer === null && !isRaw) || cluster === undefined) {
    exchange.fail("connect_not_allowed");
    return;
  }
  exchange.cluster = cluster;
  const refusal = listener.admission?.refusal(exchange) ?? null;
  if (refusal === null) openTcpTunnel(exchange, cluster);
  else exchange.fail(refusal.code, refusal.detail);
}
