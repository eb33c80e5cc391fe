/**
 * `host[:port]` of Host fields and request targets (RFC 3986 §3.2, RFC 9110 §7.2). Stricter than the grammar: no user
 * information, no percent-encoding, no comma, nothing empty; the peers' host-rule bypasses all came through there.
 */
import { isIPv6 } from "node:net";
import { HOST } from "./byte-class.ts";

const OPEN_BRACKET = 91;
const CLOSE_BRACKET = 93;
const COLON = 58;
const DOT = 46;

/** Whether `buf[start, end)` is an authority that Weft accepts. */
export function isAuthority(buf: Uint8Array, start: number, end: number): boolean {
  if (start >= end || end - start > 260) return false;
  let i = start;
  if (buf[i] === OPEN_BRACKET) {
    while (i < end && buf[i] !== CLOSE_BRACKET) i++;
    if (i >= end || !isAddress(buf, start + 1, i)) return false;
    i++;
  } else {
    while (i < end && HOST[buf[i]!] !== 0) i++;
    // A single dot is the root of the DNS, and no host.
    if (i === start || (i === start + 1 && buf[start] === DOT)) return false;
  }
  if (i === end) return true;
  if (buf[i] !== COLON) return false;
  return portOf(buf, i + 1, end) > 0;
}

/** An IPv6 address without a zone, which means something on one machine only (RFC 6874 §4). */
function isAddress(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start > 45) return false;
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(buf[i]!);
  return isIPv6(text) && !text.includes("%");
}

function portOf(buf: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 5) return -1;
  let port = 0;
  for (let i = start; i < end; i++) {
    const digit = buf[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    port = port * 10 + digit;
  }
  return port > 65_535 ? -1 : port;
}

export interface Authority {
  /** Lower case, without brackets and without a trailing dot. */
  readonly host: string;
  /** 0 when none was written. */
  readonly port: number;
}

/** Splits an authority that `isAuthority` accepted. */
export function splitAuthority(text: string): Authority {
  const bracket = text.lastIndexOf("]");
  const colon = text.indexOf(":", bracket < 0 ? 0 : bracket);
  const port = colon < 0 ? 0 : Number(text.slice(colon + 1));
  const name = colon < 0 ? text : text.slice(0, colon);
  const bare = bracket < 0 ? name : name.slice(1, -1);
  const host = bare.endsWith(".") ? bare.slice(0, -1) : bare;
  return { host: host.toLowerCase(), port };
}
