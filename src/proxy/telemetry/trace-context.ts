/**
 * Request ids and W3C trace context for requests that come without (https://www.w3.org/TR/trace-context/). Random bytes come from
 * a pool, because one call of the generator per request costs more than the rest of the head.
 */
import { randomFillSync } from "node:crypto";

const POOL_BYTES = 4_096;
const HEX_DIGITS = Buffer.from("0123456789abcdef", "latin1");
const pool = Buffer.allocUnsafeSlow(POOL_BYTES);
let used = POOL_BYTES;

function take(bytes: number): number {
  if (used + bytes > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const at = used;
  used += bytes;
  return at;
}

function writeHex(out: Buffer, at: number, from: number, bytes: number): number {
  let to = at;
  for (let i = from; i < from + bytes; i++) {
    const byte = pool[i]!;
    out[to++] = HEX_DIGITS[byte >> 4]!;
    out[to++] = HEX_DIGITS[byte & 15]!;
  }
  return to;
}

/** Writes a random UUID (version 4, RFC 9562) and returns the offset after it. */
export function writeRequestId(out: Buffer, at: number): number {
  const from = take(16);
  pool[from + 6] = (pool[from + 6]! & 0x0f) | 0x40;
  pool[from + 8] = (pool[from + 8]! & 0x3f) | 0x80;
  let to = writeHex(out, at, from, 4);
  out[to++] = 45;
  to = writeHex(out, to, from + 4, 2);
  out[to++] = 45;
  to = writeHex(out, to, from + 6, 2);
  out[to++] = 45;
  to = writeHex(out, to, from + 8, 2);
  out[to++] = 45;
  return writeHex(out, to, from + 10, 6);
}

/** Writes a `traceparent` value of a new, unsampled trace and returns the offset after it. */
export function writeTraceparent(out: Buffer, at: number): number {
  const from = take(24);
  let to = at;
  out[to++] = 48;
  out[to++] = 48;
  out[to++] = 45;
  to = writeHex(out, to, from, 16);
  out[to++] = 45;
  to = writeHex(out, to, from + 16, 8);
  out[to++] = 45;
  out[to++] = 48;
  out[to++] = 48;
  return to;
}
