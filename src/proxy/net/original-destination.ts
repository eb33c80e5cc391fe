/**
 * Where a redirected connection was going: netfilter remembers, and tells by `getsockopt(SO_ORIGINAL_DST)` on the accepted socket.
 * Node has no way to ask, so libc is called through `node:ffi` (docs/decisions/0010-node-ffi.md), which is experimental and
 * therefore loaded only where traffic is intercepted.
 */
import type { Socket } from "node:net";

export interface OriginalDestination {
  /** IP literal in its shortest form; IPv4 never as ::ffff:…. */
  readonly address: string;
  readonly port: number;
}

/** Null: the connection was not redirected, or is gone. */
export type AskOriginalDestination = (socket: Socket) => OriginalDestination | null;

/** Levels and option of Linux: SOL_IP and SOL_IPV6 with SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST, which are the same. */
const SOL_IP = 0;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
/** sizeof(struct sockaddr_in6); a sockaddr_in is the shorter one. Port at 2, IPv4 address at 4, IPv6 address at 8. */
const SOCKADDR_BYTES = 28;
const AF_INET6 = 10;
const INET6_ADDRSTRLEN = 46;

interface HandleOwner {
  readonly _handle: { readonly fd: number } | null;
}

/** Loads what is needed. Rejects where the system has no such call. */
export async function openOriginalDestination(): Promise<AskOriginalDestination> {
  const { dlopen } = await import("node:ffi");
  const { getsockopt, inet_ntop } = dlopen(null, {
    getsockopt: { arguments: ["int32", "int32", "int32", "buffer", "buffer"], return: "int32" },
    inet_ntop: { arguments: ["int32", "buffer", "buffer", "uint32"], return: "pointer" },
  }).functions;
  const address = Buffer.alloc(SOCKADDR_BYTES);
  const ipv6 = address.subarray(8, 24);
  const text = Buffer.alloc(INET6_ADDRSTRLEN);
  const length = Buffer.alloc(4);
  const lengthView = new Int32Array(length.buffer, length.byteOffset, 1);
  const asks = (fd: number, level: number) => {
    lengthView[0] = SOCKADDR_BYTES;
    return getsockopt(fd, level, SO_ORIGINAL_DST, address, length) === 0;
  };
  return (socket) => {
    const fd = (socket as unknown as HandleOwner)._handle?.fd ?? -1;
    if (fd < 0) return null;
    // A socket that listens on :: takes connections of both families, and answers for each at its own level.
    if (asks(fd, SOL_IP)) return { address: ipv4At(address, 4), port: address.readUInt16BE(2) };
    if (!asks(fd, SOL_IPV6)) return null;
    inet_ntop(AF_INET6, ipv6, text, INET6_ADDRSTRLEN);
    return { address: text.toString("latin1", 0, text.indexOf(0)), port: address.readUInt16BE(2) };
  };
}

function ipv4At(bytes: Buffer, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}
