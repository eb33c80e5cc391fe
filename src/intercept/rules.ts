/**
 * The rules of interception, as data: settings in, chains out, the same for every back end. What they decide, and in which order,
 * is Istio's (tools/istio-iptables), with three differences. The rules of all owners stand together, so that a process which has
 * only the sidecar's group is treated as the sidecar. A connection of the sidecar to its own pod goes through the same chain as
 * those of others, so that excluded ports are excluded for it too. And nothing that leads to 127.0.0.0/8, resolvers at 127.0.0.11
 * among it, is taken for a call of the pod to itself.
 */
import type { AddressRange, DnsSettings, Family, PortRange, Settings } from "./settings.ts";

/** All conditions must hold. */
export interface Rule {
  readonly protocol?: "tcp" | "udp";
  readonly isLoopback?: true;
  /** Ranges as `address/length`. */
  readonly from?: string;
  readonly to?: string;
  readonly notTo?: string;
  readonly fromPort?: number;
  readonly toPort?: PortRange;
  readonly owner?: Owner;
  readonly verdict: Verdict;
}

export type Owner = { readonly uid: number } | { readonly gid: number };

export type Verdict =
  /** What follows in this chain is not looked at. */
  | { readonly kind: "return" }
  | { readonly kind: "call"; readonly chain: string }
  /** To this port of this machine. */
  | { readonly kind: "redirect"; readonly port: number }
  /** Connections of different zones may have the same addresses and ports. */
  | { readonly kind: "zone"; readonly zone: number };

export interface Chain {
  readonly name: string;
  /** When packets come to it; absent: it is called. */
  readonly hook?: "prerouting" | "output";
  readonly rules: readonly Rule[];
}

export type TableKind = "nat" | "raw";

export interface Table {
  readonly family: Family;
  readonly kind: TableKind;
  readonly chains: readonly Chain[];
}

/** The sidecar connects from here to the application, which tells its connections from calls of the pod to itself. */
export const INBOUND_SOURCE: Readonly<Record<Family, string>> = { ipv4: "127.0.0.6", ipv6: "::6" };

const LOOPBACK: Readonly<Record<Family, string>> = { ipv4: "127.0.0.0/8", ipv6: "::1/128" };
const HOST_BITS: Readonly<Record<Family, number>> = { ipv4: 32, ipv6: 128 };
const DNS_PORT: PortRange = { first: 53, last: 53 };
const RETURN: Verdict = { kind: "return" };
/** The sidecar's own questions, and the application's: both may come from the same port. */
const SIDECAR_ZONE: Verdict = { kind: "zone", zone: 1 };
const APPLICATION_ZONE: Verdict = { kind: "zone", zone: 2 };

/** Everything that is to be programmed, for these families. */
export function tablesOf(settings: Settings, families: readonly Family[]): readonly Table[] {
  return families.flatMap((family) => {
    const nat: Table = { family, kind: "nat", chains: natChains(settings, family) };
    if (settings.dns === null) return [nat];
    return [nat, { family, kind: "raw" as const, chains: rawChains(settings, settings.dns, family) }];
  });
}

function natChains(settings: Settings, family: Family): readonly Chain[] {
  const toInbound: Verdict = { kind: "call", chain: "inbound" };
  return [
    { name: "inbound", rules: inboundRules(settings) },
    { name: "prerouting", hook: "prerouting", rules: [{ protocol: "tcp", verdict: toInbound }] },
    { name: "output", hook: "output", rules: outputRules(settings, family, toInbound) },
  ];
}

function inboundRules({ includeInboundPorts, excludeInboundPorts, inboundPort }: Settings): readonly Rule[] {
  const redirect: Verdict = { kind: "redirect", port: inboundPort };
  return [
    ...byPort(excludeInboundPorts, RETURN),
    ...(includeInboundPorts === "*"
      ? [{ protocol: "tcp" as const, verdict: redirect }]
      : byPort(includeInboundPorts, redirect)),
  ];
}

function outputRules(settings: Settings, family: Family, toInbound: Verdict): readonly Rule[] {
  const owners = ownersOf(settings.proxyUids, settings.proxyGids);
  const excluded = ownersOf(settings.excludeOutboundUids, settings.excludeOutboundGids);
  const redirect: Verdict = { kind: "redirect", port: settings.outboundPort };
  const source = `${INBOUND_SOURCE[family]}/${HOST_BITS[family]}`;
  return [
    ...byPort(settings.excludeOutboundPorts, RETURN),
    { isLoopback: true, from: source, verdict: RETURN },
    ...owners.map(
      (owner): Rule => ({
        protocol: "tcp",
        isLoopback: true,
        notTo: LOOPBACK[family],
        owner,
        verdict: toInbound,
      }),
    ),
    ...[...owners, ...excluded].map((owner): Rule => ({ owner, verdict: RETURN })),
    ...dnsRules(settings.dns, family),
    { isLoopback: true, verdict: RETURN },
    ...byRange(settings.excludeOutboundRanges, family, RETURN),
    ...byPort(settings.includeOutboundPorts, redirect),
    ...(settings.includeOutboundRanges === "*"
      ? [{ protocol: "tcp" as const, verdict: redirect }]
      : byRange(settings.includeOutboundRanges, family, redirect)),
  ];
}

function dnsRules(dns: DnsSettings | null, family: Family): readonly Rule[] {
  if (dns === null) return [];
  const verdict: Verdict = { kind: "redirect", port: dns.port };
  return serversOf(dns, family).flatMap((to) =>
    (["udp", "tcp"] as const).map((protocol): Rule => ({ protocol, to, toPort: DNS_PORT, verdict })),
  );
}

/** UDP has no connections of its own to tell apart by: a question of the sidecar must not be taken for the application's. */
function rawChains(settings: Settings, dns: DnsSettings, family: Family): readonly Chain[] {
  const owners = ownersOf(settings.proxyUids, settings.proxyGids);
  const servers = serversOf(dns, family);
  const protocol = "udp";
  return [
    {
      name: "raw_output",
      hook: "output",
      rules: [
        ...owners.map((owner): Rule => ({ protocol, toPort: DNS_PORT, owner, verdict: SIDECAR_ZONE })),
        ...owners.map((owner): Rule => ({ protocol, toPort: DNS_PORT, owner, verdict: RETURN })),
        ...owners.map((owner): Rule => ({ protocol, fromPort: dns.port, owner, verdict: APPLICATION_ZONE })),
        ...servers.map((to): Rule => ({ protocol, to, toPort: DNS_PORT, verdict: APPLICATION_ZONE })),
      ],
    },
    {
      name: "raw_prerouting",
      hook: "prerouting",
      rules: servers.map(
        (from): Rule => ({ protocol, from, fromPort: DNS_PORT.first, verdict: SIDECAR_ZONE }),
      ),
    },
  ];
}

function ownersOf(uids: readonly number[], gids: readonly number[]): readonly Owner[] {
  return [...uids.map((uid) => ({ uid })), ...gids.map((gid) => ({ gid }))];
}

function byPort(ports: readonly PortRange[], verdict: Verdict): readonly Rule[] {
  return ports.map((toPort) => ({ protocol: "tcp", toPort, verdict }));
}

function byRange(ranges: readonly AddressRange[], family: Family, verdict: Verdict): readonly Rule[] {
  return ranges
    .filter((range) => range.family === family)
    .map(({ cidr }) => ({ protocol: "tcp", to: cidr, verdict }));
}

function serversOf({ servers }: DnsSettings, family: Family): readonly string[] {
  return servers
    .filter((server) => server.includes(":") === (family === "ipv6"))
    .map((server) => `${server}/${HOST_BITS[family]}`);
}
