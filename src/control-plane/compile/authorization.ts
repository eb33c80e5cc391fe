/**
 * AuthorizationPolicies as the sidecars of the workloads that they select get them. What a policy says is the same for all of
 * them and is compiled once.
 */
import type { AuthorizationPolicyRules, AuthorizationRule } from "../../discovery/policy.ts";
import { ROOT_NAMESPACE } from "../../resources/kind/authorization-policy.ts";
import { matchesLabels } from "../../resources/label-match.ts";
import type { AuthorizationPolicy } from "../../resources/resource.ts";
import { idOf } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";

type Labels = Readonly<Record<string, string>>;

/** Policies for a workload: its namespace's and the mesh's, in order of name. */
export function compileAuthorization(
  mesh: MeshIndex,
  namespace: string,
  labels: Labels,
): readonly AuthorizationPolicyRules[] {
  const own = namespace === ROOT_NAMESPACE ? [] : (mesh.authorization.get(namespace) ?? []);
  return [...(mesh.authorization.get(ROOT_NAMESPACE) ?? []), ...own]
    .filter(({ spec }) => spec.selector === undefined || matchesLabels(spec.selector, labels))
    .map(rulesOf)
    .sort((a, b) => (a.source < b.source ? -1 : 1));
}

const compiled = new WeakMap<AuthorizationPolicy, AuthorizationPolicyRules>();

function rulesOf(policy: AuthorizationPolicy): AuthorizationPolicyRules {
  let rules = compiled.get(policy);
  if (rules === undefined) {
    const { action } = policy.spec;
    const source = `AuthorizationPolicy ${idOf(policy.metadata)}`;
    rules = { source, action, rules: policy.spec.rules.map(ruleOf) };
    compiled.set(policy, rules);
  }
  return rules;
}

function ruleOf({ from, to, when }: AuthorizationPolicy["spec"]["rules"][number]): AuthorizationRule {
  return {
    ...(from === undefined ? {} : { from: from.map(({ source }) => source) }),
    ...(to === undefined ? {} : { to: to.map(({ operation }) => operation) }),
    ...(when === undefined ? {} : { when }),
  };
}
