/**
 * CONNECT (RFC 9110 §9.3.6). Nothing the client sent early leaves before the other side has agreed.
 *
 * CONNECT to a mesh Service that speaks HTTP is answered here and the requests inside are read like any others, so that clients
 * which tunnel even plain HTTP get routes and metrics too. Everything else becomes two spliced connections, and where there is
 * a sidecar at the other end three: `MeshTunnel`.
 *
 * A connection that was intercepted and does not speak HTTP comes here as a CONNECT that its client knows nothing of (`isRaw`).
 */
import type { Sink } from "../net/transport.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { dialOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import { pickEndpoint } from "./hash-key.ts";
import type { Destination, UpstreamCluster } from "./listener-context.ts";
import { MeshTunnel } from "./mesh-tunnel.ts";
import { ESTABLISHED, joinTunnel } from "./tunnel.ts";

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
      openRaw(exchange, destination.cluster);
      return;
    case "host": {
      const { name, opaque } = destination.host;
      if (exchange.isRaw) {
        const raw = opaque === null ? undefined : listener.cluster(opaque.cluster);
        if (raw === undefined) exchange.fail("no_cluster", name);
        else openRaw(exchange, raw);
        return;
      }
      const cluster = listener.clusterOf(destination.host);
      if (cluster?.protocol === "tcp") {
        openRaw(exchange, cluster);
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
  if (refusal === null) openRaw(exchange, cluster);
  else exchange.fail(refusal.code, refusal.detail);
}

function openRaw(exchange: Exchange, cluster: UpstreamCluster): void {
  const endpoint = pickEndpoint(exchange, cluster);
  if (endpoint === null) {
    exchange.fail("no_endpoint", cluster.name);
    return;
  }
  if (endpoint.isMutual) {
    new MeshTunnel(exchange, cluster, endpoint);
    return;
  }
  const { deadlines } = exchange;
  const sink: Sink = {
    // A server that speaks first waits in its socket until both sides are joined.
    onData: () => {},
    onEnd: () => {},
    onDrain: () => {},
    onClose: (error) => {
      exchange.tunnel = null;
      exchange.fail(connectCause(error), connectDetail(error));
    },
  };
  deadlines.attempt(cluster.connectTimeoutMs, "connect_timeout");
  const opening = dialOf(
    cluster,
    endpoint,
    exchange.listener,
  )(sink, (upstream) => {
    if (!exchange.isActive) {
      upstream.close();
      return;
    }
    joinTunnel(exchange, upstream, null, () => {});
  });
  exchange.tunnel = { close: () => opening.close() };
}
