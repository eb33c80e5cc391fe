/**
 * Frames of `weft/1`, the hop between two sidecars (docs/reference/hop-protocol.md): eight bytes of header, then the payload.
 *
 *    0               16      24      32                              64
 *   | payload length | type  | flags | stream id                      | payload …
 */

/** By ALPN. The number is the version: whatever a peer must know to read the frames is fixed by it. */
export const HOP_PROTOCOL = "weft/1";

export const HEADER_BYTES = 8;
/** A longer payload goes in several frames, with those of other streams between them. */
export const MAX_PAYLOAD = 16_384;
/** Streams that are open at once on a connection. */
export const MAX_STREAMS = 256;
/** Bytes of a stream that may be sent before its first credit. */
export const INITIAL_WINDOW = 65_536;
/** Credit that a sender may hold. */
export const MAX_CREDIT = 0x7fff_ffff;

export const DATA = 0;
export const RESET = 1;
export const CREDIT = 2;
export const GOAWAY = 3;
export const PING = 4;
export const PONG = 5;

/** Of DATA: the sender will send no more on this stream. */
export const END = 1;

/** Payload bytes of each type but DATA. */
export const CONTROL_BYTES: readonly number[] = [0, 8, 4, 4, 8, 8];
/** The longest control frame. */
export const MAX_CONTROL = HEADER_BYTES + 8;

/** Of RESET. `refused`: no byte of the stream was looked at. */
export const RESET_CODES = { cancel: 0, cut: 1, refused: 2 } as const;

/** Of GOAWAY. Anything but `none` ends the connection at once. */
export const GOAWAY_CODES = { none: 0, protocol: 1, flowControl: 2, flood: 3, timeout: 4 } as const;
export type GoawayReason = keyof typeof GOAWAY_CODES;

/** Writes a header; returns where the payload begins. */
export function putHeader(
  out: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  stream: number,
): number {
  out[at] = length >>> 8;
  out[at + 1] = length;
  out[at + 2] = type;
  out[at + 3] = flags;
  return putNumber(out, at + 4, stream);
}

/** Writes 32 bits, the highest first. */
export function putNumber(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
  return at + 4;
}

export function readNumber(buf: Uint8Array, at: number): number {
  return ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
}
