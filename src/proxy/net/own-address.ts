/**
 * Whether a connection would lead back to this sidecar: to one of its own ports, at any address of this machine. Names are asked
 * about once they are resolved, because anybody's DNS may point at 127.0.0.1.
 */
import net from "node:net";
import { networkInterfaces } from "node:os";

/** Whether `address`, as an IP address, and `port` are this sidecar's own. */
export type IsOwn = (address: string, port: number) => boolean;

/** Code of the error that closes a connection which would. */
export const LOOP = "ELOOP";

/** `ports` may grow later. Addresses that the machine gets later are not known. */
export function ownAddress(ports: ReadonlySet<number>): IsOwn {
  // Knows IPv4 addresses also as ::ffff:127.0.0.1.
  const own = new net.BlockList();
  own.addSubnet("127.0.0.0", 8);
  own.addAddress("0.0.0.0");
  own.addAddress("::1", "ipv6");
  own.addAddress("::", "ipv6");
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address, family } of addresses ?? [])
      own.addAddress(address, family === "IPv4" ? "ipv4" : "ipv6");
  }
  return (address, port) => {
    if (!ports.has(port)) return false;
    const family = net.isIP(address);
    return family !== 0 && own.check(address, family === 4 ? "ipv4" : "ipv6");
  };
}

/** Destroys a socket that is about to connect, as soon as it is known to lead back here. */
export function refuseOwn(socket: net.Socket, host: string, port: number, isOwn: IsOwn): void {
  const refuse = (_error: Error | null, address: string) => {
    if (isOwn(address, port)) socket.destroy(Object.assign(new Error("leads back here"), { code: LOOP }));
  };
  if (net.isIP(host) === 0) socket.on("lookup", refuse);
  else refuse(null, host);
}
