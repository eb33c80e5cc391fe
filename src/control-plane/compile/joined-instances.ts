/** Instances of two kinds as one: those that a source knows, and those that have registered themselves. */
import type { Instances, Moved } from "./instances.ts";

/** Of two with the same id or address, `first`'s. */
export function joinInstances(first: Instances, second: Instances): Instances {
  return {
    get: (id) => first.get(id) ?? second.get(id),
    at: (service, port) => [...first.at(service, port), ...second.at(service, port)],
    byAddress: (address, port) => first.byAddress(address, port) ?? second.byAddress(address, port),
    count: (service) => first.count(service) + second.count(service),
    get byNamespace() {
      return chain(first.byNamespace, second.byNamespace);
    },
    namespaceLabels: (name) => ({ ...second.namespaceLabels(name), ...first.namespaceLabels(name) }),
  };
}

export function joinMoved(a: Moved, b: Moved): Moved {
  return {
    services: new Set([...a.services, ...b.services]),
    workloads: new Set([...a.workloads, ...b.workloads]),
    addresses: new Set([...a.addresses, ...b.addresses]),
    namespaces: a.namespaces || b.namespaces,
  };
}

function* chain<T>(...lists: readonly Iterable<T>[]): Generator<T> {
  for (const list of lists) yield* list;
}
