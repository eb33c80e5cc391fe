/** The request on its way out: its head with what has come of the body in one write, then the rest of the body as it comes. */
import { TE } from "../http/fields.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import { put } from "../http1/head-edit.ts";
import type { Exchange } from "./exchange.ts";
import { writeForwardedHead } from "./forwarded-head.ts";
import type { Replay } from "./replay.ts";
import { isIdempotent, type Retries } from "./retries.ts";

/** Writes the request to `upstream`, a response to which is awaited. `attempt`: number of the try, from 1. */
export function sendRequest(
  exchange: Exchange,
  replay: Replay,
  upstream: ClientConnection,
  attempt: number,
  keepsUpgrade: boolean,
): void {
  const { connection, listener, deadlines } = exchange;
  const { scratch } = listener.loop;
  let to = writeForwardedHead(exchange, attempt, keepsUpgrade, deadlines.requestRemaining());
  for (const part of replay.parts) {
    scratch.reserve(to, part.length);
    to = put(scratch.buf, to, part);
  }
  if (!connection.isRequestDone) {
    if (!connection.pullBody()) return;
    const { bodyBuf, bodyStart, body } = connection;
    scratch.reserve(to, body.outputEnd - bodyStart + body.tail.length);
    to += bodyBuf.copy(scratch.buf, to, bodyStart, body.outputEnd);
    to = put(scratch.buf, to, body.tail);
    noteBody(exchange, replay, bodyBuf, bodyStart, body.outputEnd);
  }
  if (!scratch.send(upstream.transport, to) && !connection.isRequestDone) connection.transport.pause();
}

/** More of the body has come. */
export function sendRequestBody(exchange: Exchange, replay: Replay, upstream: ClientConnection): void {
  const { connection } = exchange;
  if (!connection.pullBody()) return;
  const { bodyBuf, bodyStart, body } = connection;
  noteBody(exchange, replay, bodyBuf, bodyStart, body.outputEnd);
  let isTaken = true;
  if (body.outputEnd > bodyStart)
    isTaken = upstream.transport.forward(connection.transport, bodyBuf, bodyStart, body.outputEnd);
  if (body.tail.length > 0) isTaken = upstream.transport.write(body.tail) && isTaken;
  if (!isTaken && !connection.isRequestDone) connection.transport.pause();
}

function noteBody(exchange: Exchange, replay: Replay, buf: Buffer, start: number, end: number): void {
  const { tail } = exchange.connection.body;
  exchange.requestBytes += end - start;
  replay.add(buf, start, end, tail);
  if (exchange.mirrors === null) return;
  for (const mirror of exchange.mirrors) mirror.sendBody(buf, start, end, tail);
}

/** A body is kept where the request could be sent again once a part of it has left. `mayBeUnseen`: what fails may be known to be unseen. */
export function keepsBody({ connection }: Exchange, { policy }: Retries, mayBeUnseen: boolean): boolean {
  if (policy.attempts === 0 || connection.isRequestDone) return false;
  if (policy.nonIdempotent || mayBeUnseen || isIdempotent(connection.head)) return true;
  return policy.readsGrpc && connection.head.has(TE);
}
