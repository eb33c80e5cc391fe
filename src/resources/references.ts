/**
 * References that lead nowhere: a route for a Service that does not exist, a backend without that port. They are
 * warnings: what they name may come later, and until then only the traffic that concerns them fails (with 500, as the
 * Gateway API has it).
 */
import { strayFaultRoutes } from "./fault-routes.ts";
import { idleSelectors } from "./idle-selectors.ts";
import type { Issue } from "./issue.ts";
import { isService } from "./kind/http-route-backend.ts";
import { policyConflicts } from "./policy-conflicts.ts";
import type { Path } from "./problem.ts";
import type { HttpRoute, Resource, Service, TcpRoute } from "./resource.ts";
import { closest } from "./suggest.ts";
import { warningAt } from "./warning.ts";

/** A warning for each, at the place where it stands, and what else is only seen when all are looked at. */
export function danglingReferences(resources: readonly Resource[]): Issue[] {
  return [...brokenReferences(resources), ...idleSelectors(resources)];
}

/** The same without what only is known where all Workloads are resources. */
export function brokenReferences(resources: readonly Resource[]): Issue[] {
  const services = new Map<string, Service>();
  for (const resource of resources) {
    if (resource.kind === "Service") services.set(key(resource.metadata), resource);
  }
  const issues: Issue[] = [];
  for (const resource of resources) {
    for (const reference of referencesOf(resource)) {
      // To suggest is to compare with all Services: not for the thousandth.
      const known = issues.length < MAX_SUGGESTIONS ? services.values() : [];
      issues.push(...check(resource, reference, services.get(targetOf(resource, reference)), known));
    }
  }
  return [...issues, ...policyConflicts(resources), ...strayFaultRoutes(resources)];
}

/** Dangling references that get a suggestion. */
const MAX_SUGGESTIONS = 100;

interface Reference {
  readonly path: Path;
  readonly name: string;
  readonly namespace?: string;
  readonly port?: number;
  /** Name of a port. */
  readonly sectionName?: string;
  /** Whether traffic is sent there: not into another namespace without a ReferenceGrant, a kind that Weft has not. */
  readonly isBackend: boolean;
  /** That the Service does not exist is said of another reference. */
  readonly isAgain?: boolean;
}

function referencesOf(resource: Resource): readonly Reference[] {
  if (resource.kind === "RateLimit") {
    return [{ path: ["spec", "targetRef"], name: resource.spec.targetRef.name, isBackend: false }];
  }
  if (resource.kind === "TrafficPolicy") {
    const { targetRef, healthCheck } = resource.spec;
    const target = { path: ["spec", "targetRef"], name: targetRef.name, isBackend: false };
    if (healthCheck?.port === undefined) return [target];
    const { port } = healthCheck;
    return [target, { ...target, path: ["spec", "healthCheck"], port, isAgain: true }];
  }
  if (resource.kind === "FaultInjection") {
    return [{ path: ["spec", "targetRef"], name: resource.spec.targetRef.name, isBackend: false }];
  }
  if (resource.kind === "TCPRoute") return [...parentsOf(resource.spec), ...backendsOf(resource.spec)];
  return resource.kind === "HTTPRoute" ? referencesOfRoute(resource) : [];
}

function referencesOfRoute({ spec }: HttpRoute): readonly Reference[] {
  const found = [...parentsOf(spec), ...backendsOf(spec)];
  for (const [r, { filters }] of spec.rules.entries()) {
    const rule = ["spec", "rules", r];
    for (const [f, filter] of filters.entries()) {
      if (filter.type !== "RequestMirror") continue;
      const path = [...rule, "filters", f, "requestMirror", "backendRef"];
      const { backendRef } = filter.requestMirror;
      if (isService(backendRef)) found.push({ ...backendRef, path, isBackend: true });
    }
  }
  return found;
}

function parentsOf({ parentRefs }: Pick<HttpRoute["spec"], "parentRefs">): Reference[] {
  return parentRefs.flatMap((parent, i) =>
    isService(parent) ? [{ ...parent, path: ["spec", "parentRefs", i], isBackend: false }] : [],
  );
}

function backendsOf({ rules }: Pick<HttpRoute["spec"] | TcpRoute["spec"], "rules">): Reference[] {
  return rules.flatMap(({ backendRefs }, r) =>
    backendRefs.flatMap((backend, b) => {
      const path = ["spec", "rules", r, "backendRefs", b];
      return isService(backend) ? [{ ...backend, path, isBackend: true }] : [];
    }),
  );
}

function check(
  from: Resource,
  reference: Reference,
  service: Service | undefined,
  known: Iterable<Service>,
): Issue[] {
  const { path, name, port, sectionName, isBackend } = reference;
  const namespace = reference.namespace ?? from.metadata.namespace;
  const target = `Service ${namespace}/${name}`;
  const warning = (field: string, found: string, expected: string, message: string, suggestion?: string) =>
    warningAt(from, [...path, field], { found, expected, message: `refers to ${message}`, suggestion });
  if (service === undefined) {
    if (reference.isAgain === true) return [];
    const suggestion = closest(name, namesIn(namespace, known));
    return [warning("name", name, "a Service that exists", `${target}, which does not exist`, suggestion)];
  }
  const { ports } = service.spec;
  const numbers = ports.map((p) => p.port).join(", ") || "none";
  const names = ports.flatMap((p) => p.name ?? []).join(", ") || "none";
  const issues: Issue[] = [];
  if (isBackend && namespace !== from.metadata.namespace) {
    const message = `${target} in another namespace, which needs a ReferenceGrant`;
    issues.push(warning("namespace", namespace, from.metadata.namespace, message));
  }
  if (port !== undefined && !ports.some((p) => p.port === port)) {
    issues.push(warning("port", String(port), numbers, `port ${port} of ${target}, which has ${numbers}`));
  }
  if (sectionName !== undefined && !ports.some((p) => p.name === sectionName)) {
    const message = `port "${sectionName}" of ${target}, which has ${names}`;
    issues.push(warning("sectionName", sectionName, names, message));
  }
  return issues;
}

function targetOf(from: Resource, { name, namespace = from.metadata.namespace }: Reference): string {
  return key({ namespace, name });
}

function namesIn(namespace: string, services: Iterable<Service>): readonly string[] {
  return [...services].flatMap(({ metadata }) => (metadata.namespace === namespace ? metadata.name : []));
}

function key({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `${namespace}/${name}`;
}
