/** The request's head as it leaves, in the loop's scratch buffer: what the rule, the caller's identity and the try add to it. */
import { B3, TRACEPARENT, X_FORWARDED_PROTO, X_REQUEST_ID } from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import {
  CALLER_BITS,
  EXPECTED_TIMEOUT_BIT,
  editedBytes,
  put,
  UPGRADE_BIT,
  writeRequestHead,
} from "../http1/head-edit.ts";
import { writeRequestId, writeTraceparent } from "../telemetry/trace-context.ts";
import type { Exchange } from "./exchange.ts";

const REQUEST_ID = Buffer.from("x-request-id: ", "latin1");
const TRACE = Buffer.from("\r\ntraceparent: ", "latin1");
const TRACE_ALONE = Buffer.from("traceparent: ", "latin1");
const PROTO = Buffer.from("x-forwarded-proto: http\r\n", "latin1");
const UPGRADE = Buffer.from("connection: upgrade\r\n", "latin1");
const FIRST_ATTEMPT = Buffer.from("x-weft-attempt: 1\r\n", "latin1");
const NO_FIELD = Buffer.alloc(0);
const CRLF = Buffer.from("\r\n", "latin1");

/**
 * Writes the head to the start of the scratch buffer and returns the offset after it. `attempt`: number of the try, from 1;
 * `remainingMs`: until the whole exchange must be over, 0: no limit.
 */
export function writeForwardedHead(
  exchange: Exchange,
  attempt: number,
  keepsUpgrade: boolean,
  remainingMs: number,
): number {
  const { connection, backend, listener, peer } = exchange;
  const { head } = connection;
  const { scratch } = listener.loop;
  const isOutbound = listener.direction === "outbound";
  const edit = exchange.tokenEdit ?? (backend === null ? null : backend.requestEdit);
  const clientCert = peer === null ? NO_FIELD : peer.clientCertField;
  scratch.reserve(0, editedBytes(head, edit) + clientCert.length);
  const keep =
    (keepsUpgrade ? UPGRADE_BIT : 0) |
    (isOutbound ? 0 : CALLER_BITS) |
    (remainingMs > 0 ? 0 : EXPECTED_TIMEOUT_BIT);
  let to = writeRequestHead(scratch.buf, 0, head, edit, keep);
  to = put(scratch.buf, writeContext(scratch.buf, to, head), clientCert);
  if (isOutbound && backend !== null) {
    if (attempt === 1) to = put(scratch.buf, to, FIRST_ATTEMPT);
    else to += scratch.buf.write(`x-weft-attempt: ${attempt}\r\n`, to, "latin1");
  }
  if (isOutbound && exchange.priorityClass !== "default")
    to += scratch.buf.write(`x-weft-priority: ${exchange.priorityClass}\r\n`, to, "latin1");
  if (remainingMs > 0)
    to += scratch.buf.write(`x-envoy-expected-rq-timeout-ms: ${Math.ceil(remainingMs)}\r\n`, to, "latin1");
  if (keepsUpgrade) to = put(scratch.buf, to, UPGRADE);
  return put(scratch.buf, to, CRLF);
}

/** Adds what a request without it is to carry from here on: id, trace context, scheme. */
export function writeContext(out: Buffer, at: number, head: Head): number {
  let to = at;
  const needsTrace = !head.has(TRACEPARENT) && !head.has(B3);
  if (!head.has(X_REQUEST_ID)) {
    to = writeRequestId(out, put(out, to, REQUEST_ID));
    to = needsTrace ? writeTraceparent(out, put(out, to, TRACE)) : to;
    to = put(out, to, CRLF);
  } else if (needsTrace) {
    to = put(out, writeTraceparent(out, put(out, to, TRACE_ALONE)), CRLF);
  }
  return head.has(X_FORWARDED_PROTO) ? to : put(out, to, PROTO);
}
