/** The primitive types of DER (X.690 §8 and §11), read strictly: each value has one encoding, and no other is taken. */
import { DerError, type DerReader, TAG } from "./der.ts";

/** Dotted form, as in "2.5.29.17". */
export function readOid(der: DerReader): string {
  const bytes = der.content(TAG.oid);
  const parts: number[] = [];
  let value = 0;
  let isStart = true;
  for (const byte of bytes) {
    if (isStart && byte === 0x80) throw new DerError("padded object identifier");
    value = value * 128 + (byte & 0x7f);
    if (value > 0xffff_ffff) throw new DerError("oversize object identifier");
    isStart = byte < 0x80;
    if (!isStart) continue;
    if (parts.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      parts.push(first, value - first * 40);
    } else parts.push(value);
    value = 0;
  }
  if (bytes.length === 0 || !isStart) throw new DerError("object identifier cut short");
  return parts.join(".");
}

/** Two's complement bytes as they stand, in their shortest form. */
export function readInteger(der: DerReader): Uint8Array {
  const bytes = der.content(TAG.integer);
  const [first, second] = bytes;
  if (first === undefined) throw new DerError("empty integer");
  if (second !== undefined && (first === 0x00 || first === 0xff) && second >= 0x80 === (first === 0xff)) {
    throw new DerError("padded integer");
  }
  return bytes;
}

/** An integer from 0 to 127, as versions and path lengths are. */
export function readSmallInteger(der: DerReader): number {
  const [value, more] = readInteger(der);
  if (value === undefined || value > 127 || more !== undefined) throw new DerError("integer out of range");
  return value;
}

export function readBoolean(der: DerReader): boolean {
  const [value, more] = der.content(TAG.boolean);
  if (more !== undefined || (value !== 0 && value !== 0xff)) throw new DerError("boolean");
  return value === 0xff;
}

/** A bit string of whole bytes, as keys and signatures are. */
export function readBitBytes(der: DerReader): Uint8Array {
  const bytes = der.content(TAG.bitString);
  if (bytes[0] !== 0) throw new DerError("bit string of odd length");
  return bytes.subarray(1);
}

/** A string of named bits as a number, bit 0 being the lowest; at most 16. */
export function readNamedBits(der: DerReader): number {
  const [unused, ...bytes] = der.content(TAG.bitString);
  const last = bytes.at(-1);
  if (unused === undefined || unused > 7 || bytes.length > 2) throw new DerError("named bits");
  if (last === undefined ? unused !== 0 : (last & ((2 << unused) - 1)) !== 1 << unused) {
    throw new DerError("named bits not in their shortest form");
  }
  let bits = 0;
  for (const [i, byte] of bytes.entries()) {
    for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >> bit)) !== 0) bits |= 1 << (i * 8 + bit);
  }
  return bits;
}

/** Milliseconds since 1970; RFC 5280 §4.1.2.5: UTC, with seconds, without fractions. */
export function readTime(der: DerReader): number {
  const isShort = der.tag === TAG.utcTime;
  const text = String.fromCharCode(
    ...der.content(isShort ? TAG.utcTime : TAG.generalizedTime).subarray(0, 16),
  );
  const match = (isShort ? UTC_TIME : GENERALIZED_TIME).exec(text);
  if (match === null) throw new DerError("time");
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const fullYear = isShort ? year + (year < 50 ? 2000 : 1900) : year;
  const time = new Date(0);
  time.setUTCFullYear(fullYear, month - 1, day);
  time.setUTCHours(hour, minute, second);
  const isReal =
    time.getUTCMonth() === month - 1 &&
    time.getUTCDate() === day &&
    time.getUTCHours() === hour &&
    minute < 60;
  if (!isReal || second > 59) throw new DerError("time");
  return time.getTime();
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
