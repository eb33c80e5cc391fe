/**
 * The header section of a message, requests and responses alike (RFC 9112 §5): one pass that checks every byte,
 * records offsets and notes what decides the framing. CRLF only, no obs-fold, no space before the colon.
 */
import { CR, FIELD_VALUE, HTAB, LF, LOWER, SP, TOKEN } from "../http/byte-class.ts";
import { CONNECTION, CONTENT_LENGTH, fieldId, OTHER, TRANSFER_ENCODING } from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import { BAD_MESSAGE, FIELDS_TOO_LARGE, INCOMPLETE, NOT_IMPLEMENTED } from "./fault.ts";

/** Digits that always stay under 2^53. */
const MAX_LENGTH_DIGITS = 15;
const COLON = 58;
const COMMA = 44;

const CLOSE = Buffer.from("close");
const KEEP_ALIVE = Buffer.from("keep-alive");
const UPGRADE = Buffer.from("upgrade");
const CHUNKED = Buffer.from("chunked");

/** Reads fields from `pos` up to and with the empty line; `buf[…, end)` is what has arrived. */
export function readFields(buf: Buffer, pos: number, end: number, head: Head): number {
  const maxFields = head.maxFields;
  for (;;) {
    if (pos >= end) return INCOMPLETE;
    const nameStart = pos;
    while (pos < end && TOKEN[buf[pos]!] !== 0) pos++;
    if (pos >= end) return INCOMPLETE;
    if (pos === nameStart) {
      if (buf[pos] !== CR) return BAD_MESSAGE;
      if (pos + 1 >= end) return INCOMPLETE;
      return buf[pos + 1] === LF ? pos + 2 : BAD_MESSAGE;
    }
    if (buf[pos] !== COLON) return BAD_MESSAGE;
    const nameEnd = pos++;
    while (pos < end && (buf[pos] === SP || buf[pos] === HTAB)) pos++;
    const valueStart = pos;
    while (pos < end && FIELD_VALUE[buf[pos]!] !== 0) pos++;
    if (pos + 1 >= end) return pos < end && buf[pos] !== CR ? BAD_MESSAGE : INCOMPLETE;
    if (buf[pos] !== CR || buf[pos + 1] !== LF) return BAD_MESSAGE;
    let valueEnd = pos;
    while (valueEnd > valueStart && (buf[valueEnd - 1] === SP || buf[valueEnd - 1] === HTAB)) valueEnd--;
    pos += 2;

    if (head.fieldCount === maxFields) return FIELDS_TOO_LARGE;
    const id = fieldId(buf, nameStart, nameEnd);
    if (id !== OTHER && id <= TRANSFER_ENCODING) {
      const fault = noteFraming(buf, id, valueStart, valueEnd, head);
      if (fault !== 0) return fault;
    }
    head.addField(id, nameStart, nameEnd, valueStart, valueEnd);
  }
}

function noteFraming(buf: Buffer, id: number, start: number, end: number, head: Head): number {
  if (id === CONTENT_LENGTH) return noteContentLength(buf, start, end, head);
  if (id === TRANSFER_ENCODING) return noteTransferEncoding(buf, start, end, head);
  if (id === CONNECTION) return noteConnection(buf, start, end, head);
  return 0;
}

/** One field, digits only (RFC 9110 §8.6); the peers' smuggling record is why a repeated one is refused, not merged. */
function noteContentLength(buf: Buffer, start: number, end: number, head: Head): number {
  if (head.contentLength >= 0 || start === end || end - start > MAX_LENGTH_DIGITS) return BAD_MESSAGE;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = buf[i]! - 48;
    if (digit < 0 || digit > 9) return BAD_MESSAGE;
    length = length * 10 + digit;
  }
  head.contentLength = length;
  return 0;
}

/** `chunked`, once and alone. A list of known shape is a coding that Weft lacks (501), anything else is bad. */
function noteTransferEncoding(buf: Buffer, start: number, end: number, head: Head): number {
  if (head.isChunked) return BAD_MESSAGE;
  if (isWord(buf, start, end, CHUNKED)) {
    head.isChunked = true;
    return 0;
  }
  let tokens = 0;
  for (let i = start; i < end; ) {
    const tokenStart = i;
    while (i < end && TOKEN[buf[i]!] !== 0) i++;
    if (i === tokenStart) return BAD_MESSAGE;
    tokens++;
    while (i < end && (buf[i] === SP || buf[i] === HTAB)) i++;
    if (i === end) break;
    if (buf[i] !== COMMA) return BAD_MESSAGE;
    i++;
    while (i < end && (buf[i] === SP || buf[i] === HTAB)) i++;
    if (i === end) return BAD_MESSAGE;
  }
  return tokens === 0 ? BAD_MESSAGE : NOT_IMPLEMENTED;
}

function noteConnection(buf: Buffer, start: number, end: number, head: Head): number {
  if (isWord(buf, start, end, KEEP_ALIVE)) noteKeepAlive(head);
  else if (isWord(buf, start, end, CLOSE)) head.keepAlive = false;
  else noteConnectionList(buf, start, end, head);
  return 0;
}

/** `close` wins over `keep-alive`, in whatever field it stands (RFC 9112 §9.3): only HTTP/1.0's first field can turn it on. */
function noteKeepAlive(head: Head): void {
  if (head.minorVersion === 0 && !head.has(CONNECTION)) head.keepAlive = true;
}

function noteConnectionList(buf: Buffer, start: number, end: number, head: Head): void {
  let closes = false;
  for (let i = start; i < end; ) {
    while (i < end && (buf[i] === COMMA || buf[i] === SP || buf[i] === HTAB)) i++;
    const tokenStart = i;
    while (i < end && buf[i] !== COMMA) i++;
    let tokenEnd = i;
    while (tokenEnd > tokenStart && (buf[tokenEnd - 1] === SP || buf[tokenEnd - 1] === HTAB)) tokenEnd--;
    if (tokenEnd === tokenStart) continue;
    if (isWord(buf, tokenStart, tokenEnd, CLOSE)) closes = true;
    else if (isWord(buf, tokenStart, tokenEnd, KEEP_ALIVE)) noteKeepAlive(head);
    else if (isWord(buf, tokenStart, tokenEnd, UPGRADE)) head.hasConnectionUpgrade = true;
    else head.hasNominated = true;
  }
  if (closes) head.keepAlive = false;
}

function isWord(buf: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if (LOWER[buf[start + i]!] !== word[i]) return false;
  return true;
}
