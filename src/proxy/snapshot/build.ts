/**
 * Whether a resource can be compiled, tried on the control thread before any traffic loop sees it: what fails here is
 * refused (NACK) and the last good version stays live. The loops then run the same code on what has passed.
 */

import type { HostResource } from "../../discovery/host.ts";
import type { ListenerResource } from "../../discovery/listener.ts";
import { MUTUAL_TLS_MODES } from "../../discovery/listener.ts";
import type {
  ClusterResource,
  DiscoveryError,
  EndpointsResource,
  Resource,
  ResourceType,
} from "../../discovery/messages.ts";
import { LOAD_BALANCERS, UPSTREAM_TLS } from "../../discovery/messages.ts";
import type { PolicyResource } from "../../discovery/policy.ts";
import type { RouteResource } from "../../discovery/route.ts";
import { Limit } from "../limit/limit.ts";
import { Judge } from "../policy/judge.ts";
import { VirtualHost } from "../routing/virtual-host.ts";
import { checkHealthCheck } from "./health-check.ts";
import { checkHost } from "./host-check.ts";

/** Why `resource` is not usable, or undefined. */
export function checkResource(type: ResourceType, resource: Resource): DiscoveryError | undefined {
  try {
    return checkOf(type, resource);
  } catch (error) {
    // Of a shape that this sidecar does not know: a newer control plane's, or a snapshot's.
    const message = error instanceof Error ? error.message : String(error);
    return { code: "invalid", message, resource: resource.name };
  }
}

function checkOf(type: ResourceType, resource: Resource): DiscoveryError | undefined {
  switch (type) {
    case "route":
      return checkRoute(resource as RouteResource);
    case "cluster":
      return checkCluster(resource as ClusterResource);
    case "listener":
      return checkListener(resource as ListenerResource);
    case "endpoints":
      return checkEndpoints(resource as EndpointsResource);
    case "policy":
      return checkPolicy(resource as PolicyResource);
    case "host":
      return checkHost(resource as HostResource);
    case "secret":
      return { code: "unknown_type", message: `this sidecar does not know ${type} resources` };
  }
}

/** What this sidecar can't decide by must not pass for what allows. */
function checkPolicy(policy: PolicyResource): DiscoveryError | undefined {
  let field = "policies";
  try {
    Judge.of(policy);
    field = "limits";
    for (const rules of policy.limits ?? []) new Limit(rules, 1, UNCOUNTED, 0);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "invalid", message, resource: policy.name, field };
  }
}

const UNCOUNTED = { passed() {}, limited() {} };

function checkRoute(route: RouteResource): DiscoveryError | undefined {
  try {
    new VirtualHost(route);
    return undefined;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { code: "invalid", message, resource: route.name, field: "matches" };
  }
}

/** A mode that this sidecar does not know must not pass for one that takes plaintext. */
function checkListener(listener: ListenerResource): DiscoveryError | undefined {
  if (listener.name !== "inbound") return undefined;
  for (const [index, { mtls }] of listener.ports.entries()) {
    const problem = checkWord(listener.name, `ports[${index}].mtls`, mtls, MUTUAL_TLS_MODES);
    if (problem !== undefined) return problem;
  }
  return (
    checkWord(listener.name, "mtls", listener.mtls, MUTUAL_TLS_MODES) ??
    checkWord(listener.name, "otherPorts", listener.otherPorts, MUTUAL_TLS_MODES)
  );
}

function checkEndpoints({ name, endpoints }: EndpointsResource): DiscoveryError | undefined {
  for (const { tls } of endpoints) {
    if (tls !== undefined && tls !== "mutual") return checkWord(name, "endpoints.tls", tls, UPSTREAM_TLS);
  }
  return undefined;
}

function checkWord(
  resource: string,
  field: string,
  found: string | undefined,
  words: readonly string[],
): DiscoveryError | undefined {
  if (found === undefined || words.includes(found)) return undefined;
  const message = `expected one of ${words.join(", ")}, found ${JSON.stringify(found)}`;
  return { code: "invalid", message, resource, field };
}

function checkCluster(cluster: ClusterResource): DiscoveryError | undefined {
  for (const field of ["connectTimeoutMs", "poolIdleTimeoutMs"] as const) {
    const ms = cluster[field];
    if (!Number.isFinite(ms) || ms <= 0) {
      return {
        code: "invalid",
        message: `expected milliseconds over 0, found ${ms}`,
        resource: cluster.name,
        field,
      };
    }
  }
  return (
    checkWord(cluster.name, "loadBalancer", cluster.loadBalancer, LOAD_BALANCERS) ??
    checkHealthCheck(cluster.name, cluster.healthCheck)
  );
}
