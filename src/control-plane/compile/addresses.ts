/**
 * Addresses that lead to Services: of their own, and of their endpoints. Sidecars that intercept ask for routes by them, one
 * address and port at a time, because a connection says nothing else of where it goes.
 */
import { isIP, SocketAddress } from "node:net";
import type { ServiceInput } from "./inputs.ts";

/** Of a Workload that names none. */
export const DEFAULT_ADDRESS = "127.0.0.1";

/** The Service's own, in their shortest form. */
export function addressesOf({ spec }: ServiceInput): readonly string[] {
  const all = [...(spec.clusterIP === undefined ? [] : [spec.clusterIP]), ...(spec.clusterIPs ?? [])];
  return [...new Set(all.filter((address) => isIP(address) !== 0).map(shortAddress))];
}

/** An address as sidecars write it: IPv6 in its shortest form (RFC 5952). */
export function shortAddress(address: string): string {
  return address.includes(":") ? new SocketAddress({ address, family: "ipv6" }).address : address;
}
