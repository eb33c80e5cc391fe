/**
 * An answer of Weft's own (Envoy's local reply): for a cause, so that the client learns what it was, or a redirect that a rule
 * wants.
 */
import type { Abort } from "../../discovery/faults.ts";
import { ACCEPT } from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import { reasonPhrase } from "../http/status.ts";
import { limitLines, retryAfter } from "../limit/fields.ts";
import type { Redirect } from "../routing/rewrite.ts";
import type { Cause } from "./cause.ts";
import type { Exchange } from "./exchange.ts";

/** RFC 9110 §8.6: they end with their head. */
const BODILESS: ReadonlySet<number> = new Set([204, 304]);
const JSON_TYPE = "application/json";

/** `application/json` is named; anything else gets text. */
export function acceptsJson(head: Head): boolean {
  if (!head.has(ACCEPT)) return false;
  const field = head.find(ACCEPT);
  return (
    head.valueEnd(field) - head.valueStart(field) >= JSON_TYPE.length && head.value(field).includes(JSON_TYPE)
  );
}

/**
 * The answer for a cause; `detail` is a name or a reason of the configuration's, which may hold anything. A refusal by
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
  const type = exchange.prefersJson ? JSON_TYPE : "text/plain; charset=utf-8";
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
