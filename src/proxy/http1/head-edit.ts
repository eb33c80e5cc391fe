/**
 * The head that goes on, built from the one that came: kept fields are copied as whole runs of bytes in their order and case,
 * hop-by-hop fields and those a rule removes are left out, and what is added follows at the end (RFC 9110 §7.6).
 */
import { HTAB, SP } from "../http/byte-class.ts";
import { editedPath, type HeadEdit } from "../http/edit.ts";
import {
  CONNECTION,
  CONTENT_LENGTH,
  EXPECTED_TIMEOUT,
  equalsFolded,
  HOP_BY_HOP,
  HOST_FIELD,
  KEEP_ALIVE,
  OTHER,
  startsFolded,
  TE,
  TRANSFER_ENCODING,
  UPGRADE,
  WEFT_OWN,
  X_WEFT_ATTEMPT,
  X_WEFT_PRIORITY,
} from "../http/fields.ts";
import type { Head } from "../http/head.ts";
import { isMethod } from "./request-head.ts";

const OPTIONS = Buffer.from("OPTIONS", "latin1");
const HTTP_1_1 = Buffer.from(" HTTP/1.1\r\n", "latin1");
const HOST_PREFIX = Buffer.from("host: ", "latin1");
/** What HTTP/1.0 need not say and HTTP/1.1 must (Envoy's `default_host_for_http_10`). */
const NO_HOST = Buffer.from("localhost", "latin1");
const COMMA = 44;
const CRLF = Buffer.from("\r\n", "latin1");

/** Fields that stop at this hop, as a bit set of ids. */
const REQUEST_HOP = bits(
  CONNECTION,
  KEEP_ALIVE,
  HOP_BY_HOP,
  TE,
  UPGRADE,
  WEFT_OWN,
  X_WEFT_ATTEMPT,
  X_WEFT_PRIORITY,
  EXPECTED_TIMEOUT,
);
const RESPONSE_HOP = bits(CONNECTION, KEEP_ALIVE, HOP_BY_HOP);
const CONTENT_LENGTH_BIT = bits(CONTENT_LENGTH);
const HOST_BIT = bits(HOST_FIELD);
export const TRANSFER_ENCODING_BIT = bits(TRANSFER_ENCODING);
export const UPGRADE_BIT = bits(UPGRADE);
export const WEFT_OWN_BIT = bits(WEFT_OWN);
/** What the caller's sidecar tells the application by the called one's. */
export const CALLER_BITS = bits(X_WEFT_ATTEMPT, X_WEFT_PRIORITY);
export const EXPECTED_TIMEOUT_BIT = bits(EXPECTED_TIMEOUT);

/** What a `Connection` field may not take away from the request (hostile.md #25). */
const PROTECTED = [
  "host",
  "content-length",
  "transfer-encoding",
  "authorization",
  "cookie",
  "x-request-id",
].map((name) => Buffer.from(name, "latin1"));
const PROTECTED_PREFIXES = ["x-forwarded-", "x-weft-", "trace", "content-"].map((name) =>
  Buffer.from(name, "latin1"),
);

/** What Weft adds of its own: Host of an absolute target, request id, trace, scheme, connection. */
const OWN_BYTES = 1_024;

/** Bytes that hold `head` after `edit` and all that Weft adds to it. */
export function editedBytes(head: Head, edit: HeadEdit | null): number {
  return head.end - head.start + OWN_BYTES + (edit === null ? 0 : edit.growth);
}

function bits(...ids: readonly number[]): number {
  return ids.reduce((set, id) => set | (1 << id), 0);
}

/** Copies constant bytes to `out` at `at` and returns the offset after them. */
export function put(out: Buffer, at: number, bytes: Uint8Array): number {
  out.set(bytes, at);
  return at + bytes.length;
}

/** Request line in origin-form, then the fields that pass. Returns the offset at which more fields may follow. */
export function writeRequestHead(
  out: Buffer,
  at: number,
  head: Head,
  edit: HeadEdit | null,
  keep: number,
): number {
  let to = at + head.buf.copy(out, at, head.start, head.methodEnd + 1);
  // Absolute-form without a path is `*` for OPTIONS (RFC 9112 §3.2.4).
  if (edit !== null && edit.path !== null) to += out.write(editedPath(edit.path, head.path()), to, "latin1");
  else if (head.pathStart === head.targetEnd) out[to++] = isMethod(head, OPTIONS) ? 42 : 47;
  else to += head.buf.copy(out, to, head.pathStart, head.targetEnd);
  to = put(out, to, HTTP_1_1);

  let drop = REQUEST_HOP & ~keep;
  const newHost = edit !== null && edit.host !== null;
  // An absolute-form target's authority replaces Host (RFC 9112 §3.2.2).
  const isAbsolute = head.pathStart > head.targetStart;
  if (newHost || isAbsolute || !head.has(HOST_FIELD)) {
    drop |= HOST_BIT;
    to = put(out, to, HOST_PREFIX);
    if (newHost && edit.host !== null) to = put(out, to, edit.host);
    else if (head.authorityEnd === 0) to = put(out, to, NO_HOST);
    else to += head.buf.copy(out, to, head.authorityStart, head.authorityEnd);
    to = put(out, to, CRLF);
  }
  return copyFields(out, to, head, edit, drop);
}

/** Status line and the fields that pass. `dropMore` is a set of ids beside the hop-by-hop ones. */
export function writeResponseHead(
  out: Buffer,
  at: number,
  head: Head,
  edit: HeadEdit | null,
  dropMore: number,
): number {
  const to = at + head.buf.copy(out, at, head.start, head.lineEnd + 2);
  // An HTTP/1.0 upstream's version is not ours (RFC 9110 §2.5).
  out[at + 7] = 49;
  return copyFields(out, to, head, edit, RESPONSE_HOP | dropMore | dropForStatus(head.status));
}

/** A length where there can be no body (RFC 9110 §8.6), and an offer to upgrade this connection, which is not that one (§7.8). */
function dropForStatus(status: number): number {
  if (status === 101) return CONTENT_LENGTH_BIT;
  if (status < 200 || status === 204) return CONTENT_LENGTH_BIT | UPGRADE_BIT;
  return status === 426 ? 0 : UPGRADE_BIT;
}

function copyFields(out: Buffer, at: number, head: Head, edit: HeadEdit | null, drop: number): number {
  const { buf, fieldCount, ids } = head;
  const removes = edit !== null && edit.remove.length > 0 ? edit.remove : null;
  const checksNames = removes !== null || head.hasNominated;
  let to = at;
  let runStart = head.lineEnd + 2;
  if ((head.seen & drop) !== 0 || checksNames) {
    for (let field = 0; field < fieldCount; field++) {
      const id = ids[field]!;
      const isDropped =
        (id !== OTHER && (drop & (1 << id)) !== 0) || (checksNames && isRemoved(head, field, removes, id));
      if (!isDropped) continue;
      const lineStart = head.nameStart(field);
      if (lineStart > runStart) to += buf.copy(out, to, runStart, lineStart);
      runStart = field + 1 < fieldCount ? head.nameStart(field + 1) : head.end - 2;
    }
  }
  const end = head.end - 2;
  if (end > runStart) to += buf.copy(out, to, runStart, end);
  return edit === null ? to : put(out, to, edit.add);
}

/** Whether the upstream gets this field of a request, as far as no rule edits it. */
export function isForwarded(head: Head, field: number): boolean {
  const id = head.ids[field]!;
  const passes = CALLER_BITS | EXPECTED_TIMEOUT_BIT;
  if (id !== OTHER && (REQUEST_HOP & ~passes & (1 << id)) !== 0) return false;
  return !head.hasNominated || !isRemoved(head, field, null, id);
}

function isRemoved(head: Head, field: number, removes: readonly Buffer[] | null, id: number): boolean {
  const start = head.nameStart(field);
  const end = head.nameEnd(field);
  if (removes !== null && id !== TRANSFER_ENCODING) {
    for (const name of removes) if (equalsFolded(head.buf, start, end, name)) return true;
  }
  // An Upgrade field passes or stops by its status alone: naming it is what it asks for.
  return (
    head.hasNominated && id !== UPGRADE && isNominated(head, start, end) && !isProtected(head.buf, start, end)
  );
}

/** Whether a `Connection` field names the field in `[start, end)`. */
function isNominated(head: Head, start: number, end: number): boolean {
  const name = Buffer.from(head.buf.toString("latin1", start, end).toLowerCase(), "latin1");
  for (let field = head.find(CONNECTION); field >= 0; field = head.find(CONNECTION, field + 1)) {
    const valueEnd = head.valueEnd(field);
    for (let i = head.valueStart(field); i < valueEnd; i++) {
      while (i < valueEnd && isBlank(head.buf[i]!)) i++;
      const tokenStart = i;
      while (i < valueEnd && head.buf[i] !== COMMA) i++;
      let tokenEnd = i;
      while (tokenEnd > tokenStart && isBlank(head.buf[tokenEnd - 1]!)) tokenEnd--;
      if (equalsFolded(head.buf, tokenStart, tokenEnd, name)) return true;
    }
  }
  return false;
}

function isBlank(byte: number): boolean {
  return byte === SP || byte === HTAB;
}

function isProtected(buf: Buffer, start: number, end: number): boolean {
  for (const name of PROTECTED) if (equalsFolded(buf, start, end, name)) return true;
  for (const prefix of PROTECTED_PREFIXES) {
    if (end - start >= prefix.length && startsFolded(buf, start, prefix)) return true;
  }
  return false;
}
