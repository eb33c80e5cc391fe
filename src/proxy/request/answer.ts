/** An upstream's response on its way downstream: its head with what has come of the body in one write, then the rest as it comes. */
import type { Head } from "../http/head.ts";
import { BY_CHUNKS, UNTIL_CLOSE } from "../http1/body.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import {
  editedBytes,
  put,
  TRANSFER_ENCODING_BIT,
  WEFT_OWN_BIT,
  writeResponseHead,
} from "../http1/head-edit.ts";
import { limitLines } from "../limit/fields.ts";
import { copyBody } from "./comparison.ts";
import type { Exchange } from "./exchange.ts";

const CLOSE = Buffer.from("connection: close\r\n", "latin1");
const KEEP = Buffer.from("connection: keep-alive\r\n", "latin1");
const CRLF = Buffer.from("\r\n", "latin1");

/**
 * Writes the head and what has arrived of the body, which with `isPulled` has been pulled, and with `isHeadOnly` is pulled and left
 * to the caller. False when the body is malformed; the exchange has been told.
 */
export function sendResponse(
  exchange: Exchange,
  upstream: ClientConnection,
  isPulled: boolean,
  isHeadOnly: boolean,
): boolean {
  const { connection, listener, backend } = exchange;
  const { scratch } = listener.loop;
  const { head, body } = upstream;
  const isOldClient = connection.head.minorVersion === 0;
  const stripsFraming = isOldClient && body.framing === BY_CHUNKS;
  if (listener.isDraining || stripsFraming || body.framing === UNTIL_CLOSE || !connection.isRequestDone) {
    exchange.keepsAlive = false;
  }
  const drop =
    (stripsFraming ? TRANSFER_ENCODING_BIT : 0) | (listener.direction === "inbound" ? WEFT_OWN_BIT : 0);
  const edit = backend === null ? null : backend.responseEdit;
  const limit = exchange.limited === null ? "" : limitLines(exchange.limited);
  scratch.reserve(0, editedBytes(head, edit) + limit.length);
  let to = writeResponseHead(scratch.buf, 0, head, edit, drop);
  if (limit !== "") to += scratch.buf.write(limit, to, "latin1");
  if (!exchange.keepsAlive) to = put(scratch.buf, to, CLOSE);
  else if (isOldClient) to = put(scratch.buf, to, KEEP);
  to = put(scratch.buf, to, CRLF);
  exchange.status = head.status;

  if (!isPulled && !upstream.pullBody()) return false;
  if (exchange.comparisons !== null) {
    for (const { real } of exchange.comparisons) real.begin(head, body, !isOldClient);
    copyBody(exchange.comparisons, upstream);
  }
  if (isHeadOnly) {
    exchange.responseBytes += to;
    scratch.send(connection.transport, to);
    return true;
  }
  scratch.reserve(to, body.outputEnd - upstream.bodyStart + body.tail.length);
  to += upstream.bodyBuf.copy(scratch.buf, to, upstream.bodyStart, body.outputEnd);
  to = put(scratch.buf, to, body.tail);
  exchange.responseBytes += to;
  if (!scratch.send(connection.transport, to) && !body.isDone) upstream.transport.pause();
  return true;
}

/** More of the body has been pulled. */
export function sendResponseBody(exchange: Exchange, upstream: ClientConnection): void {
  const { transport } = exchange.connection;
  const { bodyBuf, bodyStart, body } = upstream;
  let isTaken = true;
  if (body.outputEnd > bodyStart)
    isTaken = transport.forward(upstream.transport, bodyBuf, bodyStart, body.outputEnd);
  if (body.tail.length > 0) isTaken = transport.write(body.tail) && isTaken;
  exchange.responseBytes += body.outputEnd - bodyStart + body.tail.length;
  if (!isTaken && !body.isDone) upstream.transport.pause();
}

/** An interim response (1xx), as it came. */
export function sendInterim(exchange: Exchange, head: Head): void {
  const { scratch } = exchange.listener.loop;
  scratch.reserve(0, editedBytes(head, null));
  const to = writeResponseHead(scratch.buf, 0, head, null, 0);
  scratch.send(exchange.connection.transport, put(scratch.buf, to, CRLF));
}
