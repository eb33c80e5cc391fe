/**
 * Two TrafficPolicies for one Service, or two PeerAuthentications for the same workloads: the older holds, then the first by name
 * (Gateway API, GEP-713); the others are reported, because nothing that they say has any effect.
 */
import type { Issue } from "./issue.ts";
import { byPrecedence } from "./precedence.ts";
import type { Path } from "./problem.ts";
import { type Resource, resourceId } from "./resource.ts";
import { warningAt } from "./warning.ts";

/** What a policy is for: two of the same kind with the same text are in conflict. */
interface Target {
  readonly text: string;
  /** Where that is written. */
  readonly path: Path;
  readonly found: string;
  readonly expected: string;
}

/** A warning for each policy that another one keeps from what it is for. */
export function policyConflicts(resources: readonly Resource[]): Issue[] {
  const byTarget = new Map<string, { readonly target: Target; readonly policies: Resource[] }>();
  for (const resource of resources) {
    const target = targetOf(resource);
    if (target === undefined) continue;
    const key = `${resource.kind} ${target.text}`;
    const group = byTarget.get(key) ?? { target, policies: [] };
    group.policies.push(resource);
    byTarget.set(key, group);
  }
  return [...byTarget.values()].flatMap(({ target, policies }) => {
    const [winner, ...losers] = policies.toSorted(byPrecedence);
    return winner === undefined ? [] : losers.map((policy) => conflict(policy, winner, target));
  });
}

function targetOf(resource: Resource): Target | undefined {
  const { namespace } = resource.metadata;
  switch (resource.kind) {
    case "TrafficPolicy": {
      const { name } = resource.spec.targetRef;
      const expected = "a Service without another policy";
      return {
        text: `Service ${namespace}/${name}`,
        path: ["spec", "targetRef", "name"],
        found: name,
        expected,
      };
    }
    case "PeerAuthentication": {
      const labels = Object.entries(resource.spec.selector?.matchLabels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .toSorted()
        .join();
      return {
        text: labels === "" ? `namespace ${namespace}` : `workloads ${labels} of namespace ${namespace}`,
        path: ["spec", "selector"],
        found: labels === "" ? "no selector" : labels,
        expected: "workloads without another policy",
      };
    }
    default:
      return undefined;
  }
}

function conflict(policy: Resource, winner: Resource, { text, path, found, expected }: Target): Issue {
  const { file, line } = winner.origin;
  const message = `has no effect: ${resourceId(winner)}, at ${file}:${line}, is for ${text} too and comes first`;
  return warningAt(policy, path, { found, expected, message });
}
