/**
 * Header fields that the data plane itself reads or writes, as small integers. Names are told apart by length,
 * then last byte, then the rest, case folded; no string is made of a name that nobody asked for.
 */
import { LOWER } from "./byte-class.ts";

export const OTHER = 0;
export const HOST_FIELD = 1;
export const CONNECTION = 2;
export const CONTENT_LENGTH = 3;
export const TRANSFER_ENCODING = 4;
export const EXPECT = 5;
export const UPGRADE = 6;
export const TE = 7;
export const KEEP_ALIVE = 8;
/** Hop-by-hop fields that always stop here: `proxy-connection`, `proxy-authorization`, `http2-settings` … */
export const HOP_BY_HOP = 9;
export const X_REQUEST_ID = 10;
export const TRACEPARENT = 11;
export const X_FORWARDED_PROTO = 12;
/** `x-weft-*` and `x-forwarded-client-cert`: written by Weft alone, also where `_` stands for `-` (CGI reads both as one). */
export const WEFT_OWN = 13;
/** B3 in either form: a request that carries it needs no `traceparent` of ours. */
export const B3 = 14;
export const ACCEPT = 15;
/** Which try of a request this is: written anew by each caller's sidecar, passed by the called one's. */
export const X_WEFT_ATTEMPT = 16;
/** Milliseconds that the caller will wait (Envoy's). */
export const EXPECTED_TIMEOUT = 17;
export const GRPC_TIMEOUT = 18;
export const GRPC_STATUS = 19;
/** Class of a request, from its caller's sidecar. */
export const X_WEFT_PRIORITY = 20;

const NAMES: readonly (readonly [name: string, id: number])[] = [
  ["host", HOST_FIELD],
  ["connection", CONNECTION],
  ["content-length", CONTENT_LENGTH],
  ["transfer-encoding", TRANSFER_ENCODING],
  ["expect", EXPECT],
  ["upgrade", UPGRADE],
  ["te", TE],
  ["keep-alive", KEEP_ALIVE],
  ["proxy-connection", HOP_BY_HOP],
  ["proxy-authorization", HOP_BY_HOP],
  ["proxy-authenticate", HOP_BY_HOP],
  ["http2-settings", HOP_BY_HOP],
  ["x-request-id", X_REQUEST_ID],
  ["traceparent", TRACEPARENT],
  ["x-forwarded-proto", X_FORWARDED_PROTO],
  ["x-forwarded-client-cert", WEFT_OWN],
  ["b3", B3],
  ["x-b3-traceid", B3],
  ["accept", ACCEPT],
  ["x-weft-attempt", X_WEFT_ATTEMPT],
  ["x-envoy-expected-rq-timeout-ms", EXPECTED_TIMEOUT],
  ["grpc-timeout", GRPC_TIMEOUT],
  ["grpc-status", GRPC_STATUS],
  ["x-weft-priority", X_WEFT_PRIORITY],
];

interface Known {
  readonly bytes: Buffer;
  readonly last: number;
  readonly id: number;
}

const NONE: readonly Known[] = [];
const BY_LENGTH: readonly (readonly Known[])[] = Array.from({ length: 32 }, (_, length) => {
  const known = NAMES.filter(([name]) => name.length === length).map(([name, id]) => {
    const bytes = Buffer.from(name, "latin1");
    return { bytes, last: bytes[length - 1] ?? 0, id };
  });
  return known.length === 0 ? NONE : known;
});

const WEFT_PREFIX = Buffer.from("x-weft-", "latin1");
const CLIENT_CERT = Buffer.from("x-forwarded-client-cert", "latin1");
const DASH = 45;
const UNDERSCORE = 95;

/** Which of the fields above the name in `buf[start, end)` is; `OTHER` for all else. */
export function fieldId(buf: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length < 32) {
    const known = BY_LENGTH[length]!;
    if (known.length > 0) {
      const last = LOWER[buf[end - 1]!]!;
      for (let k = 0; k < known.length; k++) {
        const candidate = known[k]!;
        if (candidate.last === last && startsFolded(buf, start, candidate.bytes)) return candidate.id;
      }
    }
  }
  // 120 is x: nearly every other name is told apart by this load.
  if (length >= WEFT_PREFIX.length && LOWER[buf[start]!] === 120) {
    if (startsLoosely(buf, start, WEFT_PREFIX)) return WEFT_OWN;
    if (length === CLIENT_CERT.length && startsLoosely(buf, start, CLIENT_CERT)) return WEFT_OWN;
  }
  return OTHER;
}

/** As `startsFolded`, but `_` is as good as `-`. */
function startsLoosely(buf: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    const byte = buf[start + i]!;
    if (LOWER[byte] !== lower[i] && !(byte === UNDERSCORE && lower[i] === DASH)) return false;
  }
  return true;
}

/** Whether `buf[start, …)` begins with `lower`, ignoring ASCII case. The caller checks the length. */
export function startsFolded(buf: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (LOWER[buf[start + i]!] !== lower[i]) return false;
  }
  return true;
}

/** Whether `buf[start, end)` is exactly `lower`, ignoring ASCII case. */
export function equalsFolded(buf: Uint8Array, start: number, end: number, lower: Uint8Array): boolean {
  return end - start === lower.length && startsFolded(buf, start, lower);
}
