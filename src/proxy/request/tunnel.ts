/**
 * What stops being HTTP: CONNECT (RFC 9110 §9.3.6) and upgrades (§7.8). Nothing the client sent early leaves before the other side
 * has agreed.
 *
 * CONNECT to a mesh Service that speaks HTTP is answered here and the requests inside are read like any others, so that clients
 * which tunnel even plain HTTP get routes and metrics too. Everything else becomes two spliced connections.
 */
import { servicePortName } from "../../discovery/messages.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import { editedBytes, put, writeResponseHead } from "../http1/head-edit.ts";
import { Splice } from "../net/splice.ts";
import type { Sink, Transport } from "../net/transport.ts";
import { connectCause, connectDetail } from "./connect-cause.ts";
import { dialOf } from "./dial.ts";
import type { Exchange } from "./exchange.ts";
import type { Destination, UpstreamCluster } from "./listener-context.ts";

const ESTABLISHED = Buffer.from("HTTP/1.1 200 Connection Established\r\n\r\n", "latin1");
const SWITCHING = Buffer.from("connection: upgrade\r\n\r\n", "latin1");

export function openConnectTunnel(exchange: Exchange, destination: Destination): void {
  const { listener, connection } = exchange;
  if (listener.direction === "inbound") {
    exchange.fail("connect_not_allowed");
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
      const { service, port, name } = destination.host;
      const cluster = listener.cluster(servicePortName(service, port));
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

function openRaw(exchange: Exchange, cluster: UpstreamCluster): void {
  const endpoint = cluster.pick();
  if (endpoint === null) {
    exchange.fail("no_endpoint", cluster.name);
    return;
  }
  const { connection, deadlines } = exchange;
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
  const opening = dialOf(endpoint, exchange.listener)(sink, (upstream) => {
    if (!exchange.isActive) {
      upstream.close();
      return;
    }
    exchange.status = 200;
    connection.transport.write(ESTABLISHED);
    join(exchange, upstream, null, () => {});
  });
  exchange.tunnel = { close: () => opening.close() };
}

/** The upstream has answered 101: its head goes on, and from then on nobody reads. */
export function openUpgradeTunnel(exchange: Exchange, upstream: ClientConnection): void {
  const { scratch } = exchange.listener.loop;
  scratch.reserve(0, editedBytes(upstream.head, null));
  const to = writeResponseHead(scratch.buf, 0, upstream.head, null, 0);
  exchange.status = 101;
  const early = upstream.becomeTunnel();
  scratch.send(exchange.connection.transport, put(scratch.buf, to, SWITCHING));
  join(exchange, upstream.transport, early, () => upstream.endTunnel());
}

function join(exchange: Exchange, upstream: Transport, early: Buffer | null, onEnd: () => void): void {
  const { connection, deadlines, listener } = exchange;
  const waiting = connection.takePending();
  listener.tunnels.opened();
  const splice = new Splice(
    connection.transport,
    upstream,
    () => deadlines.touch(),
    (bytesUp, bytesDown) => {
      onEnd();
      exchange.tunnel = null;
      exchange.requestBytes += bytesUp;
      exchange.responseBytes += bytesDown;
      listener.tunnels.closed(bytesDown, bytesUp);
      exchange.tunnelEnded();
    },
  );
  exchange.tunnel = splice;
  if (early !== null) connection.transport.write(early);
  if (waiting !== null) upstream.write(waiting);
  deadlines.tunnel();
}
