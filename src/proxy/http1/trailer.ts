/**
 * Trailer fields that may pass (RFC 9110 §6.5.1): none that frames, routes, authenticates or tells who is speaking, since the
 * receiver may merge them into the head after policy has looked at it.
 */
import { equalsFolded, GRPC_STATUS, OTHER, startsFolded } from "../http/fields.ts";
import type { Head } from "../http/head.ts";

const FORBIDDEN = [
  "authorization",
  "cache-control",
  "content-encoding",
  "content-range",
  "content-type",
  "cookie",
  "forwarded",
  "max-forwards",
  "set-cookie",
  "trailer",
].map((name) => Buffer.from(name, "latin1"));
const FORWARDED_PREFIX = Buffer.from("x-forwarded-", "latin1");
const CRLF = Buffer.from("\r\n", "latin1");

/** The allowed fields as they came, with the empty line that ends the body. */
export function allowedTrailers(head: Head): Buffer {
  const kept: Buffer[] = [];
  for (let field = 0; field < head.fieldCount; field++) {
    if (isAllowed(head, field))
      kept.push(head.buf.subarray(head.nameStart(field), head.valueEnd(field)), CRLF);
  }
  kept.push(CRLF);
  return Buffer.concat(kept);
}

function isAllowed(head: Head, field: number): boolean {
  const id = head.ids[field]!;
  if (id !== OTHER && id !== GRPC_STATUS) return false;
  const start = head.nameStart(field);
  const end = head.nameEnd(field);
  if (end - start >= FORWARDED_PREFIX.length && startsFolded(head.buf, start, FORWARDED_PREFIX)) return false;
  for (const name of FORBIDDEN) if (equalsFolded(head.buf, start, end, name)) return false;
  return true;
}
