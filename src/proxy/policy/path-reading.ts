/**
 * How a path may be read. What lets a request through compares with the path as it is forwarded. What refuses one compares
 * with everything that an application might make of it: escapes decoded, path parameters (`;x`) left out, letters in lower
 * case; so no spelling of a refused path gets past. Paths that even this can't settle are refused where a policy asks for
 * paths at all.
 */
import { isUtf8 } from "node:buffer";

const NEEDS_READING = /[A-Z%;]/;
const ESCAPE = /%([0-9A-Fa-f]{2})/g;

/** The reading of those that refuse. */
export function looseReading(path: string): string {
  if (!NEEDS_READING.test(path)) return path;
  const text = path.includes("%") ? decoded(path) : path;
  const bare = text.includes(";") ? text.replace(/;[^/]*/g, "").replace(/\/{2,}/g, "/") : text;
  return bare.toLowerCase();
}

/** A policy's path as requests have it: other characters than a path may hold are percent-encoded. */
export function strictReading(value: string): string {
  return value.replace(/[^\x21-\x7e]+/gu, encodeURIComponent).replace(ESCAPE, (escaped, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return /[A-Za-z0-9._~-]/.test(character) ? character : escaped.toUpperCase();
  });
}

/** Characters with which a path may be more than one. */
const SUSPICIOUS = /[%;]/;
/** A slash, a backslash or a control character behind an escape; an escape behind an escape; a `%` that is none. */
const TREACHEROUS = /%(?:2[fF]|5[cC]|[01][0-9A-Fa-f]|7[fF]|25[0-9A-Fa-f]{2}|(?![0-9A-Fa-f]{2}))/;
/** A dot segment for those who leave out parameters. */
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:;|%3B)/i;

/** Whether different readers may take a normalized path for different ones in a way that no reading covers. */
export function isAmbiguous(path: string): boolean {
  if (!SUSPICIOUS.test(path)) return false;
  return TREACHEROUS.test(path) || DOT_SEGMENT.test(path) || (path.includes("%") && !isUtf8(bytesOf(path)));
}

function decoded(path: string): string {
  return bytesOf(path).toString("utf8");
}

function bytesOf(path: string): Buffer {
  const bytes = Buffer.from(path, "utf8");
  let to = 0;
  for (let i = 0; i < bytes.length; i++) {
    const value = bytes[i] === 37 ? Number.parseInt(bytes.toString("latin1", i + 1, i + 3), 16) : Number.NaN;
    if (Number.isNaN(value)) bytes[to++] = bytes[i] ?? 0;
    else {
      bytes[to++] = value;
      i += 2;
    }
  }
  return bytes.subarray(0, to);
}
