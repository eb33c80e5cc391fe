/**
 * Whether a connection whose port does not say what it speaks begins with an HTTP/1 request, by its first bytes: a method in
 * capitals, a space, and a target that is a path (RFC 9112 §3). What is meant for a proxy, CONNECT or a whole URL, is none that
 * could be taken from its address, and neither is the preface of HTTP/2.
 */

export type Likeness = "http" | "other" | "undecided";

/**
 * Milliseconds that a client may be silent, where its port does not say what it speaks, before the server may be the one to speak
 * first (semantics.md, Protocols; Istio waits for ever).
 */
export const SILENCE_MS = 100;

const SPACE = 32;
const ASTERISK = 42;
const DASH = 45;
const SLASH = 47;
const CAPITAL_A = 65;
const CAPITAL_Z = 90;
const SHORTEST_METHOD = 3;
const LONGEST_METHOD = 24;
const PREFACE = Buffer.from("PRI * ", "latin1");

/** What `buf[start, end)`, the beginning of a connection, looks like. */
export function looksLikeRequest(buf: Uint8Array, start: number, end: number): Likeness {
  let at = start;
  while (at < end && isMethodByte(buf[at]!)) at++;
  const length = at - start;
  if (length > LONGEST_METHOD) return "other";
  if (at === end) return "undecided";
  if (buf[at] !== SPACE || length < SHORTEST_METHOD) return "other";
  if (at + 1 === end) return "undecided";
  if (buf[at + 1] === SLASH) return "http";
  if (buf[at + 1] !== ASTERISK) return "other";
  if (end - start < PREFACE.length) return "undecided";
  return PREFACE.equals(buf.subarray(start, start + PREFACE.length)) ? "other" : "http";
}

function isMethodByte(byte: number): boolean {
  return (byte >= CAPITAL_A && byte <= CAPITAL_Z) || byte === DASH;
}
