/**
 * A request head, read in one pass (RFC 9112 §3, §6.3): request line, fields, then the rules that need both: one Host, one
 * framing, the authority that decides, one spelling of the path. What is not allowed is refused here and no upstream sees a byte of it.
 */
import { isAuthority } from "../http/authority.ts";
import { CR, LF, SLASH, SP, TARGET, TOKEN } from "../http/byte-class.ts";
import { EXPECT, equalsFolded, HOST_FIELD, UPGRADE } from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import { normalizePath } from "../http/path.ts";
import {
  BAD_MESSAGE,
  EXPECTATION_FAILED,
  FIELDS_TOO_LARGE,
  INCOMPLETE,
  NOT_IMPLEMENTED,
  URI_TOO_LONG,
  VERSION_NOT_SUPPORTED,
} from "./fault.ts";
import { readFields } from "./field-block.ts";

/** Longer methods than any that exist are refused as not implemented (RFC 9112 §3). */
const MAX_METHOD_BYTES = 32;
const ASTERISK = 42;

const HTTP_1 = Buffer.from("HTTP/1.");
const CONNECT = Buffer.from("CONNECT");
const OPTIONS = Buffer.from("OPTIONS");
const CONTINUE = Buffer.from("100-continue");
const HTTP_SCHEME = Buffer.from("http://");

/**
 * Reads the head that starts at `start` of `buf[…, end)` into `head`. Returns the offset after it, `INCOMPLETE`, or a
 * negative fault. `maxBytes` bounds the head from `start`.
 */
export function readRequestHead(
  buf: Buffer,
  start: number,
  end: number,
  head: Head,
  maxBytes: number,
): number {
  head.reset(buf, start);
  const limit = end - start > maxBytes ? start + maxBytes : end;
  const result = readHead(buf, start, limit, head);
  if (result !== INCOMPLETE || limit - start < maxBytes) return result;
  // The limit was reached inside the head; which part was too long tells the status.
  return head.lineEnd === 0 ? URI_TOO_LONG : FIELDS_TOO_LARGE;
}

function readHead(buf: Buffer, start: number, end: number, head: Head): number {
  let pos = start;
  head.lineEnd = 0;
  // RFC 9112 §2.2: one empty line before the request line is ignored, for clients that end bodies with one too many.
  if (buf[pos] === CR) {
    if (pos + 1 >= end) return INCOMPLETE;
    if (buf[pos + 1] !== LF) return BAD_MESSAGE;
    pos += 2;
  }
  head.start = pos;
  while (pos < end && TOKEN[buf[pos]!] !== 0) pos++;
  if (pos - head.start > MAX_METHOD_BYTES) return NOT_IMPLEMENTED;
  if (pos >= end) return INCOMPLETE;
  if (buf[pos] !== SP || pos === head.start) return BAD_MESSAGE;
  head.methodEnd = pos++;

  head.targetStart = pos;
  while (pos < end && TARGET[buf[pos]!] !== 0) pos++;
  if (pos >= end) return INCOMPLETE;
  if (buf[pos] !== SP || pos === head.targetStart) return BAD_MESSAGE;
  head.targetEnd = pos++;

  const version = readVersion(buf, pos, end, head);
  if (version <= 0) return version;
  head.lineEnd = version - 2;
  const after = readFields(buf, version, end, head);
  if (after <= 0) return after;
  head.end = after;
  const fault = checkRequest(buf, head);
  return fault === 0 ? after : fault;
}

function readVersion(buf: Buffer, start: number, end: number, head: Head): number {
  // "HTTP/1.1" CRLF; a prefix of it is incomplete, anything else is judged at its first wrong byte.
  for (let i = 0; i < HTTP_1.length; i++) {
    if (start + i >= end) return INCOMPLETE;
    if (buf[start + i] !== HTTP_1[i]) return otherVersion(buf, start, end, i);
  }
  const minorAt = start + HTTP_1.length;
  if (minorAt + 2 >= end) {
    if (minorAt < end && !isDigit(buf[minorAt]!)) return BAD_MESSAGE;
    if (minorAt + 1 < end && buf[minorAt + 1] !== CR) return BAD_MESSAGE;
    return INCOMPLETE;
  }
  const minor = buf[minorAt]! - 48;
  if (minor < 0 || minor > 9 || buf[minorAt + 1] !== CR || buf[minorAt + 2] !== LF) return BAD_MESSAGE;
  if (minor > 1) return VERSION_NOT_SUPPORTED;
  head.minorVersion = minor;
  head.keepAlive = minor === 1;
  return minorAt + 3;
}

/** `HTTP/2.0` and the like are well formed but not spoken here; all else is no version at all. */
function otherVersion(buf: Buffer, start: number, end: number, mismatch: number): number {
  if (mismatch !== 5 || !isDigit(buf[start + 5]!)) return BAD_MESSAGE;
  if (start + 8 >= end) return INCOMPLETE;
  return buf[start + 6] === 46 && isDigit(buf[start + 7]!) && buf[start + 8] === CR
    ? VERSION_NOT_SUPPORTED
    : BAD_MESSAGE;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

function checkRequest(buf: Buffer, head: Head): number {
  if (head.isChunked && (head.contentLength >= 0 || head.minorVersion === 0)) return BAD_MESSAGE;

  if (head.has(HOST_FIELD)) {
    const host = head.find(HOST_FIELD);
    if (head.find(HOST_FIELD, host + 1) >= 0) return BAD_MESSAGE;
    head.authorityStart = head.valueStart(host);
    head.authorityEnd = head.valueEnd(host);
    if (!isAuthority(buf, head.authorityStart, head.authorityEnd)) return BAD_MESSAGE;
  } else if (head.minorVersion === 1) {
    return BAD_MESSAGE;
  }
  const fault = checkTarget(buf, head);
  if (fault !== 0) return fault;

  if (head.has(EXPECT)) {
    const expect = head.find(EXPECT);
    if (!equalsFolded(buf, head.valueStart(expect), head.valueEnd(expect), CONTINUE))
      return EXPECTATION_FAILED;
    if (head.find(EXPECT, expect + 1) >= 0) return BAD_MESSAGE;
  }
  return 0;
}

/** The four forms of RFC 9112 §3.2. In absolute-form and CONNECT the target's authority wins over Host. */
function checkTarget(buf: Buffer, head: Head): number {
  const { targetStart, targetEnd } = head;
  if (isConnect(head)) {
    if (!isAuthority(buf, targetStart, targetEnd) || !hasPort(buf, targetStart, targetEnd))
      return BAD_MESSAGE;
    head.authorityStart = targetStart;
    head.authorityEnd = targetEnd;
    head.pathStart = targetEnd;
    return head.contentLength > 0 || head.isChunked ? BAD_MESSAGE : 0;
  }
  head.pathStart = targetStart;
  if (buf[targetStart] === SLASH) {
    head.targetEnd = normalizePath(buf, targetStart, targetEnd);
    return 0;
  }
  if (buf[targetStart] === ASTERISK) {
    return targetEnd === targetStart + 1 && isMethod(head, OPTIONS) ? 0 : BAD_MESSAGE;
  }
  return checkAbsoluteForm(buf, head);
}

/** CONNECT has no default port (RFC 9110 §9.3.6). */
function hasPort(buf: Buffer, start: number, end: number): boolean {
  for (let i = end - 1; i > start && buf[i]! >= 48 && buf[i]! <= 57; i--) if (buf[i - 1] === 58) return true;
  return false;
}

function checkAbsoluteForm(buf: Buffer, head: Head): number {
  const { targetStart, targetEnd } = head;
  const scheme = schemeLength(buf, targetStart, targetEnd);
  if (scheme === 0) return BAD_MESSAGE;
  const authorityStart = targetStart + scheme;
  let authorityEnd = authorityStart;
  while (authorityEnd < targetEnd && buf[authorityEnd] !== SLASH && buf[authorityEnd] !== 63) authorityEnd++;
  if (!isAuthority(buf, authorityStart, authorityEnd)) return BAD_MESSAGE;
  // `http://host?query` has no path to forward as it stands.
  if (authorityEnd < targetEnd && buf[authorityEnd] !== SLASH) return BAD_MESSAGE;
  head.authorityStart = authorityStart;
  head.authorityEnd = authorityEnd;
  head.pathStart = authorityEnd;
  if (authorityEnd < targetEnd) head.targetEnd = normalizePath(buf, authorityEnd, targetEnd);
  return 0;
}

/** Length of `http://`, case folded; 0 for every other scheme: an https request comes as CONNECT. */
function schemeLength(buf: Buffer, start: number, end: number): number {
  return end - start > HTTP_SCHEME.length && equalsFolded(buf, start, start + HTTP_SCHEME.length, HTTP_SCHEME)
    ? HTTP_SCHEME.length
    : 0;
}

export function isConnect(head: Head): boolean {
  return isMethod(head, CONNECT);
}

/** Methods are case-sensitive (RFC 9110 §9.1). */
export function isMethod(head: Head, method: Uint8Array): boolean {
  if (head.methodEnd - head.start !== method.length) return false;
  for (let i = 0; i < method.length; i++) if (head.buf[head.start + i] !== method[i]) return false;
  return true;
}

/**
 * Whether the request asks to leave HTTP/1.1 for a protocol that Weft tunnels (RFC 9110 §7.8). One that also offers `h2c` does
 * not: behind its 101 requests would pass that nobody has read.
 */
export function wantsUpgrade(head: Head): boolean {
  if (!head.hasConnectionUpgrade || !head.has(UPGRADE) || head.minorVersion === 0) return false;
  let offers = 0;
  for (let field = head.find(UPGRADE); field >= 0; field = head.find(UPGRADE, field + 1)) {
    for (const protocol of head.value(field).split(",")) {
      const name = protocol.trim().toLowerCase();
      if (name.startsWith("h2")) return false;
      if (name !== "") offers++;
    }
  }
  return offers > 0;
}
