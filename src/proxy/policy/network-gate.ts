/** NetworkPolicies of one workload, added up: who may connect at all. */
import type { NetworkPeers, NetworkRule, NetworkRules } from "../../discovery/policy.ts";
import { BlockSet } from "./address.ts";
import type { RequestView } from "./view.ts";

type Test = (view: RequestView) => boolean;

export class NetworkGate {
  /** The policies that isolate. */
  readonly source: string;
  readonly #rules: readonly Test[];

  /** Throws a RangeError for what is no address. */
  constructor({ sources, rules }: NetworkRules) {
    this.source = sources.join(", ");
    this.#rules = rules.map(ruleTest);
  }

  takes(view: RequestView): boolean {
    for (const rule of this.#rules) if (rule(view)) return true;
    return false;
  }
}

function ruleTest({ from, ports }: NetworkRule): Test {
  const comesFrom = from === undefined ? () => true : peersTest(from);
  return (view) =>
    (ports === undefined || ports.some(([first, last]) => view.port >= first && view.port <= last)) &&
    comesFrom(view);
}

function peersTest(peers: NetworkPeers): Test {
  const principals = new Set(peers.principals);
  const namespaces = new Set(peers.namespaces);
  const at = new Map(
    peers.principalsAt.map(({ principal, addresses }) => [principal, new BlockSet(addresses)]),
  );
  const addresses = new BlockSet(peers.addresses);
  const blocks = peers.blocks.map(
    ({ cidr, except }) => [new BlockSet([cidr]), new BlockSet(except)] as const,
  );
  return ({ principal, namespace, address }) => {
    if (principal === null) {
      if (addresses.has(address)) return true;
    } else if (principals.has(principal) || (namespace !== null && namespaces.has(namespace))) return true;
    else if (at.get(principal)?.has(address) === true) return true;
    return blocks.some(([block, except]) => block.has(address) && !except.has(address));
  };
}
