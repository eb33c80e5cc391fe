/**
 * TLS or not, by the first bytes of a connection. A ClientHello begins with a handshake record (RFC 8446 §5.1): type 22,
 * version 3.x, length, message type 1. No HTTP request begins with such a byte, so the first one nearly decides.
 */

export type FirstBytes = "tls" | "plaintext" | "undecided";

/** Most bytes that stay undecided. */
export const UNDECIDED_BYTES = 5;

const HANDSHAKE = 22;
const MAJOR_VERSION = 3;
const CLIENT_HELLO = 1;

/** What `buf[start, end)`, the beginning of a connection and not empty, speaks. */
export function sniff(buf: Uint8Array, start: number, end: number): FirstBytes {
  if (buf[start] !== HANDSHAKE) return "plaintext";
  if (end - start > 1 && buf[start + 1] !== MAJOR_VERSION) return "plaintext";
  if (end - start <= UNDECIDED_BYTES) return "undecided";
  return buf[start + UNDECIDED_BYTES] === CLIENT_HELLO ? "tls" : "plaintext";
}
