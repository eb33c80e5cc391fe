/**
 * Reads the head of a response: status and framing, nothing else. Fields that do not say how long the message is are
 * skipped at their first letter, and nothing becomes a string: a generator that costs more than what it measures is of
 * no use. RFC 9112 §4 and §6.3.
 */

/** Body framing of a response. */
export const BODY_NONE = 0;
export const BODY_LENGTH = 1;
export const BODY_CHUNKED = 2;
/** Ends with the connection. */
export const BODY_CLOSE = 3;

/** What {@link readHead} says besides the head's length. */
export const HEAD_INCOMPLETE = -1;
export const HEAD_MALFORMED = -2;

/** The last head read; reused, as every connection reads its head in one go. */
export interface ResponseHead {
  status: number;
  body: number;
  /** Octets of a {@link BODY_LENGTH} body. */
  length: number;
  keepAlive: boolean;
}

/** An empty one to read into. */
export function emptyHead(): ResponseHead {
  return { status: 0, body: BODY_NONE, length: 0, keepAlive: true };
}

const CR = 13;
const LF = 10;
const CONTENT_LENGTH = Buffer.from("content-length:");
const TRANSFER_ENCODING = Buffer.from("transfer-encoding:");
const CONNECTION = Buffer.from("connection:");

/**
 * Reads a head that starts at `from` into `head`. Returns where the body starts, {@link HEAD_INCOMPLETE} when `to`
 * comes first, or {@link HEAD_MALFORMED}. `noBody` is set for answers to HEAD.
 */
export function readHead(
  bytes: Buffer,
  from: number,
  to: number,
  noBody: boolean,
  head: ResponseHead,
): number {
  const statusEnd = lineEnd(bytes, from, to);
  if (statusEnd < 0) return HEAD_INCOMPLETE;
  const status = readStatus(bytes, from, statusEnd);
  if (status < 0) return HEAD_MALFORMED;
  let keepAlive = bytes[from + 7] === 0x31; // HTTP/1.1 stays open unless it says otherwise, HTTP/1.0 closes
  let length = -1;
  let chunked = false;
  let at = statusEnd + 1;
  for (;;) {
    const end = lineEnd(bytes, at, to);
    if (end < 0) return HEAD_INCOMPLETE;
    const stop = bytes[end - 1] === CR ? end - 1 : end;
    if (stop === at) {
      at = end + 1;
      break;
    }
    const letter = (bytes[at] ?? 0) | 0x20;
    if (letter === 0x63) {
      if (startsWith(bytes, at, stop, CONTENT_LENGTH)) {
        const value = readDigits(bytes, at + CONTENT_LENGTH.length, stop);
        if (value < 0 || (length >= 0 && length !== value)) return HEAD_MALFORMED;
        length = value;
      } else if (startsWith(bytes, at, stop, CONNECTION)) {
        const value = text(bytes, at + CONNECTION.length, stop);
        if (/(^|[\s,])close($|[\s,])/.test(value)) keepAlive = false;
        else if (/(^|[\s,])keep-alive($|[\s,])/.test(value)) keepAlive = true;
      }
    } else if (letter === 0x74 && startsWith(bytes, at, stop, TRANSFER_ENCODING)) {
      if (chunked || text(bytes, at + TRANSFER_ENCODING.length, stop) !== "chunked") return HEAD_MALFORMED;
      chunked = true;
    }
    at = end + 1;
  }
  if (chunked && length >= 0) return HEAD_MALFORMED;
  head.status = status;
  head.keepAlive = keepAlive;
  head.length = length;
  if (noBody || status < 200 || status === 204 || status === 304 || (length === 0 && !chunked))
    head.body = BODY_NONE;
  else if (chunked) head.body = BODY_CHUNKED;
  else head.body = length > 0 ? BODY_LENGTH : BODY_CLOSE;
  return at;
}

function lineEnd(bytes: Buffer, from: number, to: number): number {
  for (let i = from; i < to; i++) if (bytes[i] === LF) return i;
  return -1;
}

/** `HTTP/1.x NNN` and then a space or the end of the line; -1 for anything else. */
function readStatus(bytes: Buffer, at: number, end: number): number {
  if (end - at < 12 || bytes.toString("latin1", at, at + 7) !== "HTTP/1." || bytes[at + 8] !== 0x20)
    return -1;
  const after = bytes[at + 12];
  if (after !== 0x20 && after !== CR && after !== LF) return -1;
  const status = readDigits(bytes, at + 9, at + 12);
  return status >= 100 && status <= 599 ? status : -1;
}

/** A decimal number with optional blanks around it; -1 when it is none or unsafely large. */
function readDigits(bytes: Buffer, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && isBlank(bytes[at])) at++;
  while (end > at && isBlank(bytes[end - 1])) end--;
  if (at === end || end - at > 15) return -1;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09;
}

function startsWith(bytes: Buffer, at: number, end: number, name: Buffer): boolean {
  if (end - at < name.length) return false;
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[at + i] ?? 0;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== name[i]) return false;
  }
  return true;
}

function text(bytes: Buffer, from: number, to: number): string {
  return bytes.toString("latin1", from, to).trim().toLowerCase();
}
