/**
 * The one spelling of a path (RFC 3986 §6.2.2): percent-encoded unreserved characters decoded, other escapes in upper case,
 * no dot segments, no empty segments. Done in the bytes that came, before anything compares them, so that what routes and
 * policies see is what the application gets; the peers' path bypasses all lived between two spellings.
 */

const SLASH = 47;
const DOT = 46;
const PERCENT = 37;
const QUERY = 63;

/**
 * Normalizes the path of `buf[start, end)`, which begins with a slash, in place; the query stays as it is and moves up.
 * Returns the new end. A path that is normal is only looked at.
 */
export function normalizePath(buf: Uint8Array, start: number, end: number): number {
  let i = start;
  for (; i < end; i++) {
    const byte = buf[i]!;
    if (byte === QUERY) return end;
    if (byte === PERCENT) break;
    if (byte === SLASH && i + 1 < end && (buf[i + 1] === SLASH || buf[i + 1] === DOT)) break;
  }
  return i === end ? end : rewrite(buf, start, end);
}

function rewrite(buf: Uint8Array, start: number, end: number): number {
  let pathEnd = start;
  while (pathEnd < end && buf[pathEnd] !== QUERY) pathEnd++;
  const decodedEnd = decode(buf, start, pathEnd);
  const normalEnd = withoutDots(buf, start, decodedEnd);
  if (normalEnd === pathEnd) return end;
  buf.copyWithin(normalEnd, pathEnd, end);
  return end - (pathEnd - normalEnd);
}

/**
 * One pass: what is decoded is never looked at again, so `%2561` stays what it is. A `%` that begins no escape stays too,
 * and nothing is decoded that would make one of it: `%2%66` must not become `%2f`.
 */
function decode(buf: Uint8Array, start: number, end: number): number {
  let to = start;
  let stray = start - 3;
  for (let i = start; i < end; i++) {
    const byte = buf[i]!;
    const high = byte === PERCENT && i + 2 < end ? hex(buf[i + 1]!) : -1;
    const low = high < 0 ? -1 : hex(buf[i + 2]!);
    if (low < 0) {
      if (byte === PERCENT) stray = to;
      buf[to++] = byte;
      continue;
    }
    const value = high * 16 + low;
    i += 2;
    if (isUnreserved(value) && (to - stray > 2 || hex(value) < 0)) buf[to++] = value;
    else {
      buf[to++] = PERCENT;
      buf[to++] = upperHex(high);
      buf[to++] = upperHex(low);
    }
  }
  return to;
}

/** RFC 3986 §5.2.4, where empty segments count as `.`; the last segment of those leaves its slash. */
function withoutDots(buf: Uint8Array, start: number, end: number): number {
  let to = start;
  for (let i = start; i < end; ) {
    let next = i + 1;
    while (next < end && buf[next] !== SLASH) next++;
    const length = next - i - 1;
    const isUp = length === 2 && buf[i + 1] === DOT && buf[i + 2] === DOT;
    if (isUp) while (to > start && buf[--to] !== SLASH);
    if (isUp || length === 0 || (length === 1 && buf[i + 1] === DOT)) {
      if (next === end) buf[to++] = SLASH;
    } else {
      buf.copyWithin(to, i, next);
      to += next - i;
    }
    i = next;
  }
  return to;
}

function hex(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const lower = byte | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

function upperHex(digit: number): number {
  return digit < 10 ? digit + 48 : digit + 55;
}

/** RFC 3986 §2.3. */
function isUnreserved(byte: number): boolean {
  const lower = byte | 32;
  if (lower >= 97 && lower <= 122) return byte < 128;
  return (byte >= 48 && byte <= 57) || byte === 45 || byte === DOT || byte === 95 || byte === 126;
}
