/**
 * The difference between what was received and what the loops serve from, as changes for the loops. Level
 * triggered: it looks at the present state of the names that were touched, not at the history of messages, so
 * several updates of one resource in quick succession become one change.
 */
import type { DiscoveryError } from "../../discovery/messages.ts";
import type { RouteResource } from "../../discovery/route.ts";
import { hashTableFor } from "../clusters/hash-table.ts";
import type { Change } from "./loop-protocol.ts";
import type { References } from "./references.ts";
import type { Shelves, StoredType } from "./store.ts";
import { put } from "./store.ts";

export interface PlanState {
  readonly received: Shelves<null>;
  readonly applied: Shelves<never>;
  readonly references: References;
  /** Routes that a loop waits for: they are sent even if their version is the applied one. */
  readonly asked: Set<string>;
  /** Routes of which an answer is to come; another one without a received resource is dropped from the loops. */
  isWanted(route: string): boolean;
  readiness(route: RouteResource): Readiness;
}

/**
 * Whether every cluster that a route names has arrived, or is known not to exist; `refused`: one of them came in a
 * form that this sidecar refused, and no earlier version of it is held.
 */
export type Readiness =
  | { readonly kind: "ready" }
  | { readonly kind: "waiting" }
  | { readonly kind: "refused"; readonly cluster: string };

export interface Plan {
  readonly changes: Change[];
  /** Routes left out: their clusters are still missing, or nothing on its way will bring them. */
  readonly blocked: Map<string, Blocked>;
}

export type Blocked = "waiting" | DiscoveryError;

export type Touched = { readonly [T in StoredType]: Set<string> };

export function untouched(): Touched {
  return {
    cluster: new Set(),
    endpoints: new Set(),
    listener: new Set(),
    route: new Set(),
    policy: new Set(),
  };
}

/** Works out the changes for the touched names and puts them on the shelves of `applied`. */
export function makePlan(touched: Touched, state: PlanState): Plan {
  const plan: Plan = { changes: [], blocked: new Map() };
  for (const name of touched.cluster) planCluster(name, state, plan, touched);
  for (const name of touched.endpoints) planEndpoints(name, state, plan);
  for (const name of touched.listener) {
    const listener = state.received.listener.get(name);
    if (!listener || state.applied.listener.get(name)?.version === listener.version) continue;
    put(state.applied, "listener", listener);
    plan.changes.push({ kind: "listener", resource: listener.resource });
  }
  for (const name of touched.policy) {
    const policy = state.received.policy.get(name);
    if (!policy || state.applied.policy.get(name)?.version === policy.version) continue;
    put(state.applied, "policy", policy);
    plan.changes.push({ kind: "policy", resource: policy.resource });
  }
  for (const name of touched.route) planRoute(name, state, plan);
  return plan;
}

function planCluster(
  name: string,
  { received, applied, references }: PlanState,
  plan: Plan,
  touched: Touched,
): void {
  const cluster = received.cluster.get(name);
  const current = applied.cluster.get(name);
  if (cluster) {
    // Those that came before it, and the removal of those that had to stay without it.
    touched.endpoints.add(name);
    if (current?.version === cluster.version) return;
    put(applied, "cluster", cluster);
    const { loadBalancer } = cluster.resource;
    const endpoints = applied.endpoints.get(name)?.resource.endpoints;
    const isOther = current?.resource.loadBalancer !== loadBalancer;
    const table = isOther && endpoints !== undefined ? hashTableFor(loadBalancer, endpoints) : undefined;
    plan.changes.push({ kind: "cluster", resource: cluster.resource, ...(table && { table }) });
    return;
  }
  // A cluster goes when the last route that names it has gone: the routes' own updates follow its removal.
  if (references.isNamed(name)) return;
  if (applied.endpoints.delete(name)) plan.changes.push({ kind: "endpoints-removed", name });
  if (applied.cluster.delete(name)) plan.changes.push({ kind: "cluster-removed", name });
}

function planEndpoints(name: string, { received, applied }: PlanState, plan: Plan): void {
  // Without its cluster an endpoints resource has no place in a loop: it is sent when the cluster is.
  const cluster = applied.cluster.get(name);
  if (!cluster) return;
  const endpoints = received.endpoints.get(name);
  const current = applied.endpoints.get(name);
  if (endpoints) {
    if (current?.version === endpoints.version) return;
    put(applied, "endpoints", endpoints);
    const { endpoints: all } = endpoints.resource;
    const table = hashTableFor(cluster.resource.loadBalancer, all);
    plan.changes.push({ kind: "endpoints", name, endpoints: all, complete: true, ...(table && { table }) });
  } else if (endpoints === null && current !== undefined && received.cluster.get(name)) {
    applied.endpoints.delete(name);
    plan.changes.push({ kind: "endpoints-removed", name });
  }
}

function planRoute(name: string, state: PlanState, plan: Plan): void {
  const { received, applied, asked } = state;
  const route = received.route.get(name);
  if (route) {
    const readiness = state.readiness(route.resource);
    // Without a last good route, one that works in part is better than none.
    if (readiness.kind === "waiting" || (readiness.kind === "refused" && applied.route.has(name))) {
      plan.blocked.set(name, readiness.kind === "waiting" ? "waiting" : refusal(name, readiness.cluster));
      return;
    }
    const isAsked = asked.delete(name);
    if (applied.route.get(name)?.version === route.version && !isAsked) return;
    put(applied, "route", route);
    plan.changes.push({ kind: "route", resource: route.resource });
    return;
  }
  if (route === null) {
    asked.delete(name);
    applied.route.delete(name);
    plan.changes.push({ kind: "route-removed", name });
    return;
  }
  if (state.isWanted(name)) return; // The answer is still on its way; the last good route stays meanwhile.
  // Also one that the loops know as missing: nobody follows it any more.
  applied.route.delete(name);
  const isAsked = asked.delete(name);
  plan.changes.push(isAsked ? { kind: "route-removed", name } : { kind: "route-removed", name, idle: true });
}

function refusal(route: string, cluster: string): DiscoveryError {
  const message = `names cluster ${cluster}, which was refused; the last good route stays`;
  return { code: "invalid", message, resource: route };
}
