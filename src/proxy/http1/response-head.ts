/**
 * A response head (RFC 9112 §4, §6.3), as strictly read as a request's: what an upstream sends malformed becomes 502 and its
 * connection is never used again.
 */
import { CR, FIELD_VALUE, LF, SP } from "../http/byte-class.ts";
import type { Head } from "../http/head.ts";
import { BAD_MESSAGE, FIELDS_TOO_LARGE, INCOMPLETE } from "./fault.ts";
import { readFields } from "./field-block.ts";

const HTTP_1 = Buffer.from("HTTP/1.");

/** Reads a head at `start` of `buf[…, end)`. Returns the offset after it, `INCOMPLETE`, or a negative fault. */
export function readResponseHead(
  buf: Buffer,
  start: number,
  end: number,
  head: Head,
  maxBytes: number,
): number {
  head.reset(buf, start);
  const limit = end - start > maxBytes ? start + maxBytes : end;
  const result = readHead(buf, start, limit, head);
  return result === INCOMPLETE && limit - start >= maxBytes ? FIELDS_TOO_LARGE : result;
}

function readHead(buf: Buffer, start: number, end: number, head: Head): number {
  for (let i = 0; i < HTTP_1.length; i++) {
    if (start + i >= end) return INCOMPLETE;
    if (buf[start + i] !== HTTP_1[i]) return BAD_MESSAGE;
  }
  // "HTTP/1.1 200" and then a space with a reason, or nothing (RFC 9112 §4 asks for the space; many leave it out).
  if (end - start < 14) return endsEarly(buf, start, end) ? BAD_MESSAGE : INCOMPLETE;
  const minor = buf[start + 7]! - 48;
  if ((minor !== 0 && minor !== 1) || buf[start + 8] !== SP) return BAD_MESSAGE;
  const status = statusOf(buf, start + 9);
  if (status < 100 || status > 599) return BAD_MESSAGE;
  let pos = start + 12;
  if (buf[pos] === SP) while (pos < end && FIELD_VALUE[buf[pos]!] !== 0) pos++;
  if (pos + 1 >= end) return pos < end && buf[pos] !== CR ? BAD_MESSAGE : INCOMPLETE;
  if (buf[pos] !== CR || buf[pos + 1] !== LF) return BAD_MESSAGE;
  head.lineEnd = pos;
  head.status = status;
  head.minorVersion = minor;
  head.keepAlive = minor === 1;

  const after = readFields(buf, pos + 2, end, head);
  if (after <= 0) return after;
  head.end = after;
  if (head.isChunked && (head.contentLength >= 0 || minor === 0)) return BAD_MESSAGE;
  if (head.isChunked && (status < 200 || status === 204)) return BAD_MESSAGE;
  return after;
}

/** A line that ends before its status: waiting for more would be waiting for nothing. */
function endsEarly(buf: Buffer, start: number, end: number): boolean {
  const statusEnd = Math.min(end, start + 12);
  for (let i = start; i < statusEnd; i++) if (buf[i] === CR || buf[i] === LF) return true;
  return false;
}

function statusOf(buf: Buffer, at: number): number {
  const a = buf[at]! - 48;
  const b = buf[at + 1]! - 48;
  const c = buf[at + 2]! - 48;
  return a < 0 || a > 9 || b < 0 || b > 9 || c < 0 || c > 9 ? -1 : a * 100 + b * 10 + c;
}
