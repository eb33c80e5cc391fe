/** What a sidecar is told about who may send what, and how much, to its workload: one resource, which changes as a whole. */
import type { Node } from "../../discovery/messages.ts";
import { INBOUND_POLICY, type PolicyResource } from "../../discovery/policy.ts";
import { compileAuthorization } from "./authorization.ts";
import { type MeshIndex, workloadOf } from "./mesh-index.ts";
import { compileNetwork } from "./network-policy.ts";
import { compileRateLimits } from "./rate-limit.ts";
import { compileTokens } from "./request-authentication.ts";

/** The policy of the node's workload. */
export function compilePolicy(mesh: MeshIndex, node: Node): PolicyResource {
  const workload = workloadOf(mesh, node);
  const namespace = policyNamespace(mesh, node);
  const labels = workload?.metadata.labels ?? node.labels;
  const network = compileNetwork(mesh, namespace, labels, workload);
  const tokens = compileTokens(mesh, namespace, labels);
  const limits = compileRateLimits(mesh, node);
  const spec = mesh.mesh?.spec;
  return {
    name: INBOUND_POLICY,
    defaultDeny: spec?.defaultDeny ?? false,
    exposeDenials: spec?.authorization?.exposeDenials ?? false,
    policies: compileAuthorization(mesh, namespace, labels),
    ...(tokens.length === 0 ? {} : { tokens }),
    ...(network === undefined ? {} : { network }),
    ...(limits.length === 0 ? {} : { limits }),
  };
}

/** The namespace whose policies a node has. */
export function policyNamespace(mesh: MeshIndex, node: Node): string {
  return workloadOf(mesh, node)?.metadata.namespace ?? node.namespace;
}
