/**
 * What hashing balancers look requests up in, made where no traffic waits for it: a thousand endpoints take milliseconds. The
 * control thread makes it with the update that needs it, and all traffic loops read the same memory.
 */
import type { EndpointResource, LoadBalancerPolicy } from "../../discovery/messages.ts";
import type { Balancer, Hashed, Random } from "./balancer.ts";
import { endpointKey, hashingKey } from "./endpoint.ts";
import { Maglev, maglevTable } from "./maglev.ts";
import { RingHash, ringPlaces } from "./ring-hash.ts";

export type HashTable =
  | { readonly policy: "ringHash"; readonly places: Float64Array }
  | { readonly policy: "maglev"; readonly places: Int32Array };

/** Undefined for policies that do not hash. */
export function hashTableOf(
  policy: LoadBalancerPolicy,
  candidates: readonly Hashed[],
): HashTable | undefined {
  switch (policy) {
    case "ringHash":
      return { policy, places: ringPlaces(candidates) };
    case "maglev":
      return { policy, places: maglevTable(candidates) };
    default:
      return undefined;
  }
}

/** For a cluster that is given these endpoints, in the order in which it then has them. */
export function hashTableFor(
  policy: LoadBalancerPolicy,
  endpoints: readonly EndpointResource[],
): HashTable | undefined {
  if (policy !== "ringHash" && policy !== "maglev") return undefined;
  const byKey = new Map(endpoints.map((endpoint) => [endpointKey(endpoint), endpoint]));
  const candidates = [...byKey.values()].map((endpoint) => ({
    key: hashingKey(endpoint),
    weight: endpoint.weight,
  }));
  return hashTableOf(policy, candidates);
}

export function balancerOf(table: HashTable, random: Random): Balancer {
  return table.policy === "ringHash" ? new RingHash(table.places, random) : new Maglev(table.places, random);
}
