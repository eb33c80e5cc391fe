/**
 * References that lead nowhere: a route for a Service that does not exist, a backend without that port. They are
 * warnings: what they name may come later, and until then only the traffic that concerns them fails.
 */
import type { Issue } from "./issue.ts";
import type { HttpRoute, Resource, Service, TrafficPolicy } from "./resource.ts";
import { resourceId } from "./resource.ts";
import { closest } from "./suggest.ts";

/** A warning for each, at the place of the resource that refers. */
export function danglingReferences(resources: readonly Resource[]): Issue[] {
  const services = new Map<string, Service>();
  for (const resource of resources) {
    if (resource.kind === "Service") services.set(key(resource.metadata), resource);
  }
  return resources.flatMap((resource) => {
    if (resource.kind === "HTTPRoute") return routeReferences(resource, services);
    if (resource.kind === "TrafficPolicy") return policyReferences(resource, services);
    return [];
  });
}

interface Reference {
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
}

function routeReferences(route: HttpRoute, services: ReadonlyMap<string, Service>): Issue[] {
  const { parentRefs, rules } = route.spec;
  const found: (Issue | undefined)[] = parentRefs.map((ref, i) =>
    check(route, `spec.parentRefs[${i}]`, ref, services),
  );
  for (const [r, rule] of rules.entries()) {
    for (const [b, ref] of rule.backendRefs.entries()) {
      found.push(check(route, `spec.rules[${r}].backendRefs[${b}]`, ref, services));
    }
    for (const [f, filter] of rule.filters.entries()) {
      if (filter.type !== "RequestMirror") continue;
      const field = `spec.rules[${r}].filters[${f}].requestMirror.backendRef`;
      found.push(check(route, field, filter.requestMirror.backendRef, services));
    }
  }
  return found.filter((issue) => issue !== undefined);
}

function policyReferences(policy: TrafficPolicy, services: ReadonlyMap<string, Service>): Issue[] {
  const issue = check(policy, "spec.targetRef", policy.spec.targetRef, services);
  return issue === undefined ? [] : [issue];
}

function check(
  from: Resource,
  field: string,
  ref: Reference,
  services: ReadonlyMap<string, Service>,
): Issue | undefined {
  const namespace = ref.namespace ?? from.metadata.namespace;
  const service = services.get(key({ name: ref.name, namespace }));
  const about = {
    severity: "warning",
    ...from.origin,
    column: 1,
    kind: from.kind,
    name: from.metadata.name,
  } as const;
  if (service === undefined) {
    const names = [...services.values()].filter((s) => s.metadata.namespace === namespace);
    const suggestion = closest(
      ref.name,
      names.map((s) => s.metadata.name),
    );
    const issue: Issue = {
      ...about,
      field: `${field}.name`,
      found: ref.name,
      expected: "a Service that exists",
      message: `${resourceId(from)} refers to Service ${namespace}/${ref.name}, which does not exist`,
    };
    return suggestion === undefined ? issue : { ...issue, suggestion };
  }
  const ports = service.spec.ports.map((p) => p.port);
  if (ref.port === undefined || ports.includes(ref.port)) return undefined;
  return {
    ...about,
    field: `${field}.port`,
    found: String(ref.port),
    expected: ports.join(", "),
    message: `${resourceId(from)} refers to port ${ref.port} of Service ${namespace}/${ref.name}, which has ${ports.join(", ")}`,
  };
}

function key({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
