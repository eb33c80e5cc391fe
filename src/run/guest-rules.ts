/**
 * The host's rules for a program in a network namespace of its own: it reaches what the host reaches, with the host's address, and
 * its sidecar is reached at a port of the host. A table of its own, so that it goes as a whole.
 */
import type { GuestNames } from "./guest-names.ts";

export interface Published {
  /** Of the host. */
  readonly address: string;
  readonly port: number;
}

/** For `nft -f`. `guest`: its address; `inboundPort`: its sidecar's. */
export function hostRules({ table }: GuestNames, guest: string, at: Published, inboundPort: number): string {
  const publish = `ip daddr ${at.address} tcp dport ${at.port} dnat to ${guest}:${inboundPort}`;
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${guest} masquerade
  }
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ${publish}
  }
  chain output {
    type nat hook output priority -100;
    ${publish}
  }
}
`;
}
