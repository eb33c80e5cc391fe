/**
 * Where a sidecar that intercepts connects to its application from. The rules of `weft init` know these addresses and leave what
 * comes from them alone (Istio's 127.0.0.6), so that a connection to the application is not taken for a call of the pod to itself.
 */
import { networkInterfaces } from "node:os";
import type { SourceAddress } from "./net/tcp-connection.ts";

const IPV4 = "127.0.0.6";
/** `weft init` has given it to the loopback interface; elsewhere the system chooses. */
const IPV6 = "::6";

/** The addresses that this machine has. */
export function applicationSource(): SourceAddress {
  const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === IPV6),
  );
  return hasIpv6 ? { ipv4: IPV4, ipv6: IPV6 } : { ipv4: IPV4 };
}
