/** Who a workload is, as its certificate will say. */
import type { WorkloadInput } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";

const DEFAULT_DOMAIN = "cluster.local";

/** `cluster.local/ns/default/sa/web`: without `spiffe://`. */
export function principalOf(mesh: MeshIndex, { metadata, spec }: WorkloadInput): string {
  return principal(mesh, metadata.namespace, spec.serviceAccount ?? "default");
}

/** The same of a service account. */
export function principal(mesh: MeshIndex, namespace: string, serviceAccount: string): string {
  const trustDomain = mesh.mesh?.spec.trustDomain ?? DEFAULT_DOMAIN;
  return `${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}
