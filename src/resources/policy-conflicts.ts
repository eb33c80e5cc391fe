/**
 * Two TrafficPolicies for one Service: the older holds, then the first by name (Gateway API, GEP-713); the others are
 * reported, because nothing that they say has any effect.
 */
import type { Issue } from "./issue.ts";
import { placeOf, type Resource, resourceId, type TrafficPolicy } from "./resource.ts";

/** A warning for each policy that another one keeps from its Service. */
export function policyConflicts(resources: readonly Resource[]): Issue[] {
  const byTarget = new Map<string, TrafficPolicy[]>();
  for (const resource of resources) {
    if (resource.kind !== "TrafficPolicy") continue;
    const target = `${resource.metadata.namespace}/${resource.spec.targetRef.name}`;
    const policies = byTarget.get(target);
    if (policies === undefined) byTarget.set(target, [resource]);
    else policies.push(resource);
  }
  return [...byTarget].flatMap(([target, policies]) => {
    const [winner, ...losers] = [...policies].sort(byPrecedence);
    if (winner === undefined) return [];
    return losers.map((policy) => conflict(policy, winner, target));
  });
}

/** Older first, then by name; those without a time come last. */
function byPrecedence(a: TrafficPolicy, b: TrafficPolicy): number {
  return keyOf(a) < keyOf(b) ? -1 : 1;
}

function keyOf({ metadata }: TrafficPolicy): string {
  return `${metadata.creationTimestamp ?? "~"} ${metadata.name}`;
}

function conflict(policy: TrafficPolicy, winner: TrafficPolicy, target: string): Issue {
  const { file, line } = winner.origin;
  return {
    severity: "warning",
    file: policy.origin.file,
    ...placeOf(policy, ["spec", "targetRef", "name"]),
    kind: policy.kind,
    name: policy.metadata.name,
    field: "spec.targetRef.name",
    found: policy.spec.targetRef.name,
    expected: "a Service without another policy",
    message: `${resourceId(policy)} has no effect: ${resourceId(winner)}, at ${file}:${line}, is for Service ${target} too and comes first`,
  };
}
