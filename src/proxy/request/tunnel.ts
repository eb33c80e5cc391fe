/**
 * What has stopped being HTTP: a CONNECT that was agreed to (RFC 9110 §9.3.6) and upgrades (§7.8) become two connections whose
 * bytes pass.
 */
import type { ClientConnection } from "../http1/client-connection.ts";
import { editedBytes, put, writeResponseHead } from "../http1/head-edit.ts";
import { Splice, type SpliceOwner } from "../net/splice.ts";
import type { Transport } from "../net/transport.ts";
import type { TcpSeries } from "../telemetry/tcp-series.ts";
import type { Exchange } from "./exchange.ts";
import { LateSpeech } from "./late-speech.ts";

export const ESTABLISHED = Buffer.from("HTTP/1.1 200 Connection Established\r\n\r\n", "latin1");
const SWITCHING = Buffer.from("connection: upgrade\r\n\r\n", "latin1");

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

/** The other side has agreed to a CONNECT, and `early` is what it has sent since. */
export function joinTunnel(
  exchange: Exchange,
  upstream: Transport,
  early: Buffer | null,
  onEnd: () => void,
): void {
  exchange.status = 200;
  if (!exchange.isRaw) exchange.connection.transport.write(ESTABLISHED);
  join(exchange, upstream, early, onEnd);
}

function join(exchange: Exchange, upstream: Transport, early: Buffer | null, onEnd: () => void): void {
  const { connection } = exchange;
  const waiting = connection.takePending();
  const tunnel = new Tunnel(exchange, onEnd);
  const splice = new Splice(connection.transport, upstream, tunnel);
  exchange.tunnel = splice;
  if (exchange.isRaw && exchange.maySpeakLate) {
    new LateSpeech(exchange, splice, (request) => {
      splice.release();
      tunnel.left();
      exchange.becomeHttp(request);
    });
  }
  if (early !== null) {
    connection.transport.write(early);
    tunnel.passedDown(early.length);
  }
  if (waiting !== null) {
    upstream.write(waiting);
    tunnel.passedUp(waiting.length);
  }
  exchange.deadlines.tunnel();
}

/** Counts what passes as it passes: a tunnel may last for days. */
class Tunnel implements SpliceOwner {
  readonly #exchange: Exchange;
  readonly #onEnd: () => void;
  readonly #series: TcpSeries;

  constructor(exchange: Exchange, onEnd: () => void) {
    this.#exchange = exchange;
    this.#onEnd = onEnd;
    this.#series = (exchange.series ?? exchange.listener.unmatched).tcp;
    this.#series.opened();
  }

  passedUp(bytes: number): void {
    this.#exchange.deadlines.touch();
    this.#exchange.requestBytes += bytes;
    this.#series.received(bytes);
  }

  passedDown(bytes: number): void {
    this.#exchange.deadlines.touch();
    this.#exchange.responseBytes += bytes;
    this.#series.sent(bytes);
  }

  ended(): void {
    this.left();
    this.#exchange.tunnelEnded();
  }

  /** It is no tunnel any more. */
  left(): void {
    this.#onEnd();
    this.#exchange.tunnel = null;
    this.#series.closed();
  }
}
