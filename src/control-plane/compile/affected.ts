/**
 * Which compiled resources a change may concern. Generous where that is cheap (what did not change compiles to the same
 * version and is sent to nobody), exact where it matters: one workload that comes or goes concerns the endpoints of the
 * Services that select it, not the ten thousand others.
 */
import type { Node, ResourceType } from "../../discovery/messages.ts";
import { ROOT_NAMESPACE } from "../../resources/kind/authorization-policy.ts";
import type { Resource } from "../../resources/resource.ts";
import { parentServices } from "./attachment.ts";
import { idOf } from "./inputs.ts";
import type { Moved } from "./instances.ts";
import { type MeshIndex, selects, workloadId } from "./mesh-index.ts";
import { portNames, routeNames } from "./names.ts";
import { networkReaches } from "./network-policy.ts";
import { policyNamespace } from "./policy.ts";

export interface Affected {
  /** `<type> <name>`, see `affectedKey`. */
  readonly names: Set<string>;
  /** Whether any listener may differ. */
  readonly listeners: boolean;
  /** Namespaces of workloads whose policy may differ. */
  readonly policies: ReadonlySet<string> | "all";
}

/** A type and a name as one key. */
export function affectedKey(type: ResourceType, name: string): string {
  return `${type} ${name}`;
}

/** What the resources that are different before and after may concern. */
export function affectedBy(
  changed: readonly Resource[],
  indexes: readonly [before: MeshIndex, after: MeshIndex],
): Affected {
  const names = new Set<string>();
  let listeners = false;
  const policies = new Set<string>();
  const add = (type: ResourceType, list: readonly string[]) => {
    for (const name of list) names.add(affectedKey(type, name));
  };
  for (const resource of changed) {
    const id = idOf(resource.metadata);
    for (const index of indexes) {
      switch (resource.kind) {
        case "Service": {
          listeners = true;
          // What a Service leads to is what its RateLimits count.
          if (index.rateLimits.has(resource.metadata.namespace)) policies.add(resource.metadata.namespace);
          const service = index.services.get(id);
          if (service === undefined) break;
          add("cluster", portNames(service));
          add("endpoints", portNames(service));
          add("route", routeNames(service));
          break;
        }
        case "Workload": {
          listeners = true;
          policies.add(resource.metadata.namespace);
          // It may be one of those whom the NetworkPolicies of any namespace mean.
          for (const namespace of index.networkPolicies.keys()) policies.add(namespace);
          const labels = index.workloads.get(id)?.metadata.labels;
          for (const service of index.servicesOf(resource.metadata.namespace)) {
            if (selects(service.spec.selector, labels)) add("endpoints", portNames(service));
          }
          break;
        }
        case "HTTPRoute":
        case "TCPRoute":
          addRoutes(index, parentServices(resource), add);
          break;
        case "TrafficPolicy": {
          const target = idOf({
            namespace: resource.metadata.namespace,
            name: resource.spec.targetRef.name,
          });
          const service = index.services.get(target);
          if (service !== undefined) add("cluster", portNames(service));
          addRoutes(index, new Set([target]), add);
          break;
        }
        case "FaultInjection": {
          const { namespace } = resource.metadata;
          addRoutes(index, new Set([idOf({ namespace, name: resource.spec.targetRef.name })]), add);
          break;
        }
        case "PeerAuthentication": {
          listeners = true;
          const { namespace } = resource.metadata;
          const isMeshWide = namespace === ROOT_NAMESPACE;
          const services = isMeshWide ? index.services.values() : index.servicesOf(namespace);
          for (const service of services) add("endpoints", portNames(service));
          break;
        }
        case "RequestAuthentication":
        case "AuthorizationPolicy":
        case "NetworkPolicy":
        case "RateLimit":
          policies.add(resource.metadata.namespace);
          break;
        case "MeshConfig":
          listeners = true;
          policies.add(ROOT_NAMESPACE);
          break;
      }
      if (resource.kind === "Service") addRoutes(index, routesTo(index, id), add);
    }
  }
  return { names, listeners, policies: policies.has(ROOT_NAMESPACE) ? "all" : policies };
}

/** Nodes whose own resources may differ after instances have moved. */
export function concernedBy(
  { services, workloads, namespaces }: Moved,
  mesh: MeshIndex,
): { readonly listeners: (node: Node) => boolean; readonly policies: (node: Node) => boolean } {
  const isOne = (node: Node) => workloads.has(workloadId(node));
  // A namespace with other labels may be, or have been, one that any of them means.
  const concerned = new Set(namespaces ? mesh.networkPolicies.keys() : []);
  const homes = new Set([...workloads].map((id) => id.slice(0, id.indexOf("/"))));
  for (const namespace of mesh.networkPolicies.keys()) {
    if ([...homes].some((home) => networkReaches(mesh, namespace, home))) concerned.add(namespace);
  }
  for (const [namespace, limits] of mesh.rateLimits) {
    if (limits.some(({ spec }) => services.has(idOf({ namespace, name: spec.targetRef.name })))) {
      concerned.add(namespace);
    }
  }
  return {
    listeners: isOne,
    policies: (node) => isOne(node) || concerned.has(policyNamespace(mesh, node)),
  };
}

type Add = (type: ResourceType, names: readonly string[]) => void;

function addRoutes(index: MeshIndex, services: ReadonlySet<string>, add: Add): void {
  for (const id of services) {
    const service = index.services.get(id);
    if (service !== undefined) add("route", routeNames(service));
  }
}

/** Services with a route that refers to the Service `target`, which came, went or changed its ports. */
function routesTo(index: MeshIndex, target: string): ReadonlySet<string> {
  const found = new Set<string>();
  for (const [parent, routes] of index.routes) {
    for (const route of routes) {
      const refers = (route.spec.rules ?? []).some((rule) => {
        const mirrors = (rule.filters ?? []).flatMap((f) => f.requestMirror?.backendRef ?? []);
        return [...(rule.backendRefs ?? []), ...mirrors].some(
          (ref) => idOf({ namespace: ref.namespace ?? route.metadata.namespace, name: ref.name }) === target,
        );
      });
      if (refers) found.add(parent);
    }
  }
  return found;
}
