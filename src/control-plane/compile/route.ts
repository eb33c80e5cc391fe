/**
 * The routes of a Service's port, for the clients of one namespace (GAMMA). A route in the Service's own namespace
 * (producer) holds for every client; one in another namespace (consumer) holds for clients of that namespace, and there
 * it replaces the producer's: the two are never merged. A port without routes forwards to its own cluster; with routes,
 * nothing falls through to it.
 */
import { servicePortName } from "../../discovery/messages.ts";
import type { RouteMatch, RouteResource, RouteRule } from "../../discovery/route.ts";
import type { TrafficPolicySpec } from "../../resources/kind/traffic-policy.ts";
import { compileAction } from "./action.ts";
import { isAttached } from "./attachment.ts";
import { compileFaults } from "./faults.ts";
import { hashKey } from "./hash-key.ts";
import { idOf, type ServiceInput, type ServicePortSpec } from "./inputs.ts";
import { compileMatch } from "./match.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { withComparison } from "./mirror-comparison.ts";
import { compileOpaque } from "./opaque.ts";
import { compareMatches, type RankedMatch } from "./precedence.ts";
import { priorityRules, retryPolicy } from "./resilience.ts";
import type { RouteInput, RuleInput } from "./route-inputs.ts";

/** The route of one port under `name` (its canonical name or the alias without port). */
export function compileRoute(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  clientNamespace: string,
  name: string,
): RouteResource {
  const ref = { name: service.metadata.name, namespace: service.metadata.namespace };
  const policy = mesh.policies.get(idOf(service.metadata))?.spec;
  const routes = routesFor(mesh, service, port, clientNamespace);
  const injections = mesh.faults.get(idOf(service.metadata)) ?? [];
  const opaque = compileOpaque(mesh, service, port, clientNamespace);
  const head = { name, service: ref, port: port.port, ...(opaque && { opaque }) };
  if (routes.length === 0) {
    const cluster = servicePortName(ref, port.port);
    const action = { kind: "forward", backends: [{ weight: 1, cluster }] } as const;
    const faults = compileFaults(injections, undefined);
    const rule = {
      name: "default",
      action,
      ...waiting(undefined, undefined, policy),
      ...(faults && { faults }),
    };
    return { ...head, matches: [{ rule: 0, source: `Service ${idOf(ref)}` }], rules: [rule] };
  }
  const rules: RouteRule[] = [];
  const ranked: RankedMatch[] = [];
  for (const route of routes) {
    const owner = `HTTPRoute ${idOf(route.metadata)}`;
    const faults = compileFaults(injections, route.metadata);
    for (const [ruleIndex, rule] of (route.spec.rules ?? [{}]).entries()) {
      const index = rules.length;
      const label = rule.name ?? `rule ${ruleIndex}`;
      const compiled = compileRule(mesh, route, rule, `${idOf(route.metadata)} ${label}`, policy);
      rules.push({ ...compiled, ...(faults && { faults }) });
      const matches = rule.matches === undefined || rule.matches.length === 0 ? [{}] : rule.matches;
      for (const [matchIndex, match] of matches.entries()) {
        const source = `${owner} rule ${ruleIndex} match ${matchIndex}`;
        ranked.push({
          match: compileMatch(match, index, source),
          createdAt: age(route),
          route: idOf(route.metadata),
          ruleIndex,
          matchIndex,
        });
      }
    }
  }
  const matches: readonly RouteMatch[] = ranked.sort(compareMatches).map((r) => r.match);
  return { ...head, matches, rules };
}

/** Namespaces whose clients have routes of their own to a Service. */
export function consumerNamespaces(mesh: MeshIndex, service: ServiceInput): ReadonlySet<string> {
  const own = service.metadata.namespace;
  const id = idOf(service.metadata);
  const routes = [...(mesh.routes.get(id) ?? []), ...(mesh.tcpRoutes.get(id) ?? [])];
  return new Set(routes.map((route) => route.metadata.namespace).filter((namespace) => namespace !== own));
}

function routesFor(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  clientNamespace: string,
): readonly RouteInput[] {
  const attached = (mesh.routes.get(idOf(service.metadata)) ?? []).filter((route) =>
    isAttached(route, service, port),
  );
  const inNamespace = (namespace: string) =>
    attached
      .filter((route) => route.metadata.namespace === namespace)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const consumer = inNamespace(clientNamespace);
  return consumer.length > 0 ? consumer : inNamespace(service.metadata.namespace);
}

function compileRule(
  mesh: MeshIndex,
  route: RouteInput,
  rule: RuleInput,
  name: string,
  policy: TrafficPolicySpec | undefined,
): RouteRule {
  const compiled = compileAction(mesh, route.metadata.namespace, rule);
  const action = withComparison(compiled, policy?.mirrorComparison);
  const stickyBy = hashKey(policy?.sticky);
  const isSticky = action.kind === "forward" && action.backends.length > 1 && stickyBy !== undefined;
  return {
    name,
    action: isSticky ? { ...action, stickyBy } : action,
    ...waiting(rule, route.metadata.name, policy),
  };
}

/** How long is waited, what is tried again, who goes first. Zero switches a timeout off, as in the Gateway API. */
function waiting(
  rule: Pick<RuleInput, "timeouts" | "retry"> | undefined,
  route: string | undefined,
  policy: TrafficPolicySpec | undefined,
) {
  const request = rule?.timeouts?.request ?? policy?.timeouts?.request ?? 0;
  const backend = rule?.timeouts?.backendRequest ?? policy?.timeouts?.backendRequest ?? 0;
  const retry = retryPolicy(rule?.retry, policy?.retry);
  const priority = priorityRules(policy?.priority, route);
  return {
    ...(request > 0 && { requestTimeoutMs: request }),
    ...(backend > 0 && { backendRequestTimeoutMs: backend }),
    ...(retry && { retry }),
    ...(priority && { priority }),
  };
}

function age(route: RouteInput): number {
  const at = Date.parse(route.metadata.creationTimestamp ?? "");
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}
