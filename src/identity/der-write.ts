/** Writes DER: values in, one encoding out. The counterpart of `der.ts` and `der-values.ts`. */
import { TAG } from "./der.ts";

/** One element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of content) length += part.length;
  return Buffer.concat([Buffer.from([tag, ...encodeLength(length)]), ...content]);
}

export function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return element(TAG.sequence, ...content);
}

export function set(...content: readonly Uint8Array[]): Uint8Array {
  return element(TAG.set, ...content);
}

/** An unsigned integer, big-endian; leading zeros are dropped. */
export function integer(value: Uint8Array): Uint8Array {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  const bytes = value.subarray(start);
  const isHigh = (bytes[0] ?? 0) >= 0x80;
  return element(TAG.integer, Uint8Array.from(isHigh || bytes.length === 0 ? [0] : []), bytes);
}

export function boolean(value: boolean): Uint8Array {
  return element(TAG.boolean, Uint8Array.of(value ? 0xff : 0));
}

export function octetString(value: Uint8Array): Uint8Array {
  return element(TAG.octetString, value);
}

export function bitString(value: Uint8Array): Uint8Array {
  return element(TAG.bitString, Uint8Array.of(0), value);
}

/** Named bits, bit 0 being the lowest of `bits`; at most 16. */
export function namedBits(bits: number): Uint8Array {
  const bytes = [0, 0];
  let highest = -1;
  for (let bit = 0; bit < 16; bit++) {
    if ((bits & (1 << bit)) === 0) continue;
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7));
    highest = bit;
  }
  const length = (highest >> 3) + 1;
  return element(TAG.bitString, Uint8Array.from([length * 8 - 1 - highest, ...bytes.slice(0, length)]));
}

/** From the dotted form. */
export function oid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(TAG.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(encodeBase128)));
}

export function utf8String(text: string): Uint8Array {
  return element(TAG.utf8String, Buffer.from(text));
}

/** Whole seconds of UTC; the short form until 2049 (RFC 5280 §4.1.2.5). */
export function time(ms: number): Uint8Array {
  const date = new Date(ms);
  const digits = date.toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  const isShort = date.getUTCFullYear() < 2050;
  return element(
    isShort ? TAG.utcTime : TAG.generalizedTime,
    Buffer.from(isShort ? digits.slice(2) : digits, "latin1"),
  );
}

function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

function encodeBase128(value: number): number[] {
  const bytes = [value % 128];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest % 128));
  }
  return bytes;
}
