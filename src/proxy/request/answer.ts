/** What goes downstream: an upstream's response, or Weft's own for a cause or a redirect. */
import type { Abort } from "../../discovery/faults.ts";
import type { Head } from "../http/head.ts";
import { reasonPhrase } from "../http/status.ts";
import { BY_CHUNKS, UNTIL_CLOSE } from "../http1/body.ts";
import type { ClientConnection } from "../http1/client-connection.ts";
import {
  editedBytes,
  put,
  TRANSFER_ENCODING_BIT,
  WEFT_OWN_BIT,
  writeResponseHead,
} from "../http1/head-edit.ts";
import { limitLines, retryAfter } from "../limit/fields.ts";
import type { Redirect } from "../routing/rewrite.ts";
import type { Cause } from "./cause.ts";
import type { Exchange } from "./exchange.ts";

const CLOSE = Buffer.from("connection: close\r\n", "latin1");
const KEEP = Buffer.from("connection: keep-alive\r\n", "latin1");
/** RFC 9110 §8.6: they end with their head. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
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
    for (const { real } of exchange.comparisons) {
      real.begin(head, body, !isOldClient);
      real.add(upstream.bodyBuf, upstream.bodyStart, body.outputEnd);
    }
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

/** An interim response (1xx), as it came. */
export function sendInterim(exchange: Exchange, head: Head): void {
  const { scratch } = exchange.listener.loop;
  scratch.reserve(0, editedBytes(head, null));
  const to = writeResponseHead(scratch.buf, 0, head, null, 0);
  scratch.send(exchange.connection.transport, put(scratch.buf, to, CRLF));
}

/**
 * Weft's own answer for a cause; `detail` is a name or a reason of the configuration's, which may hold anything. A refusal by
 * policy has Envoy's body, which tools look for. `abort`: what a FaultInjection wants answered.
 */
export function sendLocalReply(
  exchange: Exchange,
  cause: Cause,
  detail: string,
  abort: Abort | null = null,
): void {
  if (cause.closes || exchange.listener.isDraining) exchange.keepsAlive = false;
  const message = detail === "" ? cause.text : `${cause.text} (${detail.replace(/[^ -~]/g, "?")})`;
  const body = exchange.prefersJson
    ? `${JSON.stringify({ error: { code: cause.code, flag: cause.flag, message } })}\n`
    : cause.code === "access_denied"
      ? cause.text
      : `${cause.flag} ${cause.code}: ${message}\n`;
  const type = exchange.prefersJson ? "application/json" : "text/plain; charset=utf-8";
  const error = `x-weft-error: ${cause.flag}; ${message}`;
  if (abort !== null && abort.kind === "grpc") {
    const fields = ["content-type: application/grpc", `grpc-status: ${abort.status}`, error];
    sendOwn(exchange, 200, [...fields, `grpc-message: ${message.replaceAll("%", "%25")}`], "");
    return;
  }
  const fields = [`content-type: ${type}`, error];
  if (cause.flag === "UO") fields.push("x-weft-overloaded: true");
  // RFC 6750 §3.
  if (cause.status === 401) fields.push('www-authenticate: Bearer error="invalid_token"');
  const { limited } = exchange;
  if (limited !== null) {
    if (!limited.isAllowed) fields.push(`retry-after: ${retryAfter(limited)}`);
    fields.push(limitLines(limited).trimEnd());
  }
  sendOwn(exchange, abort !== null && abort.kind === "status" ? abort.status : cause.status, fields, body);
}

export function sendRedirect(exchange: Exchange, redirect: Redirect): void {
  const edit = redirect.responseEdit;
  const more = edit === null ? [] : edit.add.toString("latin1").split("\r\n").slice(0, -1);
  sendOwn(
    exchange,
    redirect.statusCode,
    [`location: ${redirect.location(exchange.connection.head)}`, ...more],
    "",
  );
}

function sendOwn(exchange: Exchange, status: number, fields: readonly string[], body: string): void {
  const { connection } = exchange;
  if (!connection.isRequestDone) exchange.keepsAlive = false;
  const hasBody = !BODILESS.has(status);
  const lines = [`HTTP/1.1 ${status} ${reasonPhrase(status)}`, ...fields];
  if (hasBody) lines.push(`content-length: ${Buffer.byteLength(body)}`);
  if (!exchange.keepsAlive) lines.push("connection: close");
  else if (connection.head.minorVersion === 0) lines.push("connection: keep-alive");
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n${exchange.isHeadRequest || !hasBody ? "" : body}`);
  exchange.status = status;
  exchange.responseBytes += bytes.length;
  connection.transport.write(bytes);
}
