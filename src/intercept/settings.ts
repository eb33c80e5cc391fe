/**
 * What is intercepted and what is not: the settings of `weft init`, and how their texts are read. Names are those of Istio's
 * annotations (`traffic.sidecar.istio.io/excludeOutboundPorts` and so on), so that what people know holds.
 */
import { isIP } from "node:net";

export type Family = "ipv4" | "ipv6";

/** First and last port, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export interface AddressRange {
  readonly family: Family;
  /** `address/length`. */
  readonly cidr: string;
}

export interface Settings {
  /** Where the sidecar takes what the application sends. Default 15001. */
  readonly outboundPort: number;
  /** Where it takes what others send. Default 15006. */
  readonly inboundPort: number;
  /** Users whose traffic is the sidecar's own. Default 1337. */
  readonly proxyUids: readonly number[];
  readonly proxyGids: readonly number[];
  /** Ports of the application that are intercepted. Default `*`. */
  readonly includeInboundPorts: "*" | readonly PortRange[];
  /** The sidecar's metrics and health, 15020, always among them. */
  readonly excludeInboundPorts: readonly PortRange[];
  /** Intercepted wherever they lead, unless to an excluded range. Default: none. */
  readonly includeOutboundPorts: readonly PortRange[];
  readonly excludeOutboundPorts: readonly PortRange[];
  /** Where intercepted connections lead. Default `*`. */
  readonly includeOutboundRanges: "*" | readonly AddressRange[];
  readonly excludeOutboundRanges: readonly AddressRange[];
  /** Users whose traffic is left alone. */
  readonly excludeOutboundUids: readonly number[];
  readonly excludeOutboundGids: readonly number[];
  /** Null: DNS goes its own way. */
  readonly dns: DnsSettings | null;
}

export interface DnsSettings {
  /** Default 15053. */
  readonly port: number;
  /** Addresses of the resolvers that are asked; questions to others go their own way, as in Istio. */
  readonly servers: readonly string[];
}

export const DEFAULTS: Settings = {
  outboundPort: 15_001,
  inboundPort: 15_006,
  proxyUids: [1_337],
  proxyGids: [1_337],
  includeInboundPorts: "*",
  excludeInboundPorts: [{ first: 15_020, last: 15_020 }],
  includeOutboundPorts: [],
  excludeOutboundPorts: [],
  includeOutboundRanges: "*",
  excludeOutboundRanges: [],
  excludeOutboundUids: [],
  excludeOutboundGids: [],
  dns: null,
};

const MAX_PORT = 65_535;
const MAX_ID = 4_294_967_294;

/** `80,8000-8080`; empty: none. Throws a RangeError that says what is wrong. */
export function parsePorts(text: string): readonly PortRange[] {
  return items(text).map((item) => {
    const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(item) ?? [];
    const range = { first: Number(first), last: Number(last) };
    const isGood = first !== "" && range.first >= 1 && range.last <= MAX_PORT && range.first <= range.last;
    if (!isGood)
      throw new RangeError(`"${item}" is not a port from 1 to 65535, or a range such as 8000-8080`);
    return range;
  });
}

/** `10.0.0.0/8,fd00::/8`, addresses without a length too; empty: none. Throws a RangeError. */
export function parseRanges(text: string): readonly AddressRange[] {
  return items(text).map((item) => {
    const [address = "", length, more] = item.split("/");
    const version = address.includes("%") ? 0 : isIP(address);
    const bits = version === 4 ? 32 : 128;
    const isGood =
      version !== 0 &&
      more === undefined &&
      (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits));
    if (!isGood) throw new RangeError(`"${item}" is not an address or a range such as 10.0.0.0/8`);
    return { family: version === 4 ? "ipv4" : "ipv6", cidr: `${address}/${Number(length ?? bits)}` };
  });
}

/** `*`, or a list that `parse` takes. */
export function allOr<T>(parse: (text: string) => readonly T[]): (text: string) => "*" | readonly T[] {
  return (text) => (text.trim() === "*" ? "*" : parse(text));
}

/** `1337,2000`: numbers of users or groups. Throws a RangeError. */
export function parseIds(text: string): readonly number[] {
  return items(text).map((item) => {
    const id = Number(item);
    if (!/^\d{1,10}$/.test(item) || id > MAX_ID)
      throw new RangeError(`"${item}" is not the number of a user`);
    return id;
  });
}

/** Addresses of resolvers. Throws a RangeError. */
export function parseServers(text: string): readonly string[] {
  return items(text).map((item) => {
    if (isIP(item) === 0 || item.includes("%")) throw new RangeError(`"${item}" is not an address`);
    return item;
  });
}

/** The resolvers that `/etc/resolv.conf` names. */
export function nameservers(resolvConf: string): readonly string[] {
  const named = [...resolvConf.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, address = ""]) => address);
  return named.filter((address) => isIP(address) !== 0 && !address.includes("%"));
}

function items(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
