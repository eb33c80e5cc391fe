/** What is answered about a name that the mesh has, or that can't be: addresses, names of others, services (RFC 1035, 2308, 2782). */
import type { Answer } from "dns-packet";
import type { HostResource } from "../../discovery/host.ts";
import type { PortName } from "./meaning.ts";
import { type Query, RCODE, type Reply, TYPE } from "./packet.ts";

/** Addresses of the mesh, in seconds, as in Istio. */
export const TTL = 30;
/** That there is none: soon there may be one. */
const NEGATIVE_TTL = 5;

/** All addresses of the kind that is asked for, in an order that changes; none: so it is said. */
export function addressReply(query: Query, addresses: readonly string[], domain: string): Reply {
  const answers = addresses.flatMap((address) => addressRecord(query, query.asked.name, address) ?? []);
  if (answers.length === 0) return empty(query, RCODE.ok, domain);
  const first = answers.length === 1 ? 0 : Math.floor(Math.random() * answers.length);
  return { answers: [...answers.slice(first), ...answers.slice(0, first)] };
}

/** Where a named port is served; the addresses stand beside it. */
export function serviceReply(
  query: Query,
  host: HostResource,
  { port, protocol }: PortName,
  domain: string,
): Reply {
  const found = protocol === "tcp" ? host.ports.find(({ name }) => name === port) : undefined;
  if (found === undefined || host.alias !== undefined) return empty(query, RCODE.noName, domain);
  if (query.type !== TYPE.srv && query.type !== TYPE.any) return empty(query, RCODE.ok, domain);
  const targets = targetsOf(host, domain);
  return {
    answers: targets.map(({ name: target }) => ({
      ...{ type: "SRV", name: query.asked.name, ttl: TTL },
      data: { priority: 0, weight: Math.floor(100 / targets.length), port: found.port, target },
    })),
    additionals: targets.flatMap(({ name, addresses }) =>
      addresses.map((address) => addressAnswer(name, address)),
    ),
  };
}

/** Whose an address is. */
export function ownerReply(query: Query, { service }: HostResource, domain: string): Reply {
  if (query.type !== TYPE.ptr && query.type !== TYPE.any) return empty(query, RCODE.ok, domain);
  const data = qualified(service, domain);
  return { answers: [{ type: "PTR", name: query.asked.name, ttl: TTL, data }] };
}

/** No name, or none of that kind: with what says for how long that holds. */
export function empty(query: Query, rcode: number, domain: string): Reply {
  const { name } = query.asked;
  const isInDomain = name.toLowerCase().endsWith(`.${domain}`);
  const minimum = NEGATIVE_TTL;
  const data = {
    ...{ mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7_200, retry: 1_800 },
    ...{ expire: 86_400, minimum },
  };
  return {
    rcode,
    authorities: [{ type: "SOA", name: isInDomain ? domain : name, ttl: minimum, data }],
  };
}

/** The name that another one stands for. */
export function aliasRecord(name: string, alias: string): Answer {
  return { type: "CNAME", name, ttl: TTL, data: alias };
}

function addressRecord(query: Query, name: string, address: string): Answer | undefined {
  const type = address.includes(":") ? TYPE.aaaa : TYPE.a;
  return query.type === type || query.type === TYPE.any ? addressAnswer(name, address) : undefined;
}

function addressAnswer(name: string, address: string): Answer {
  return { type: address.includes(":") ? "AAAA" : "A", name, ttl: TTL, data: address };
}

function targetsOf({ service, addresses, instances }: HostResource, domain: string) {
  const name = qualified(service, domain);
  if (instances === undefined) return [{ name, addresses }];
  return instances.map((instance) => ({ name: `${instance.name}.${name}`, addresses: [instance.address] }));
}

function qualified({ name, namespace }: HostResource["service"], domain: string): string {
  return `${name}.${namespace}.svc.${domain}`;
}
