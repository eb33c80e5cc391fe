/** Policies whose selector takes no Workload: nothing that they say has any effect, which for a DENY is worth a warning. */
import type { Issue } from "./issue.ts";
import { ROOT_NAMESPACE } from "./kind/authorization-policy.ts";
import { matchesLabels } from "./label-match.ts";
import type {
  AuthorizationPolicy,
  NetworkPolicy,
  PeerAuthentication,
  RequestAuthentication,
  Resource,
  Workload,
} from "./resource.ts";
import { warningAt } from "./warning.ts";

/** A warning for each. */
export function idleSelectors(resources: readonly Resource[]): Issue[] {
  const policies = resources.filter(isSelecting);
  if (policies.length === 0) return [];
  const workloads = resources.filter((r) => r.kind === "Workload");
  return policies.flatMap((policy) => (takesAny(policy, workloads) ? [] : [idle(policy)]));
}

type Selecting = AuthorizationPolicy | NetworkPolicy | PeerAuthentication | RequestAuthentication;

const SELECTING: readonly string[] = [
  "AuthorizationPolicy",
  "NetworkPolicy",
  "PeerAuthentication",
  "RequestAuthentication",
] satisfies Selecting["kind"][];

function isSelecting(resource: Resource): resource is Selecting {
  return SELECTING.includes(resource.kind);
}

function takesAny(policy: Selecting, workloads: readonly Workload[]): boolean {
  const isMeshWide =
    (policy.kind === "AuthorizationPolicy" || policy.kind === "RequestAuthentication") &&
    policy.metadata.namespace === ROOT_NAMESPACE;
  const selector = policy.kind === "NetworkPolicy" ? policy.spec.podSelector : policy.spec.selector;
  // What has no selector is for workloads that come later too.
  if (selector === undefined || isEmpty(selector)) return true;
  return workloads.some(
    ({ metadata }) =>
      (isMeshWide || metadata.namespace === policy.metadata.namespace) &&
      matchesLabels(selector, metadata.labels),
  );
}

function isEmpty(selector: object): boolean {
  return Object.values(selector).every((part: object) => Object.keys(part).length === 0);
}

function idle(policy: Selecting): Issue {
  const path = ["spec", policy.kind === "NetworkPolicy" ? "podSelector" : "selector"];
  return warningAt(policy, path, {
    found: "no Workload",
    expected: "labels that a Workload has",
    message: "selects no Workload",
  });
}
