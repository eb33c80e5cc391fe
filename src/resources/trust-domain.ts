/** The trust domain of a mesh: what its identities are in. */
import type { Resource } from "./resource.ts";

const DEFAULT_TRUST_DOMAIN = "cluster.local";

/** As the MeshConfig among the resources says. */
export function trustDomainOf(resources: readonly Resource[]): string {
  const mesh = resources.find((resource) => resource.kind === "MeshConfig");
  return mesh?.spec.trustDomain ?? DEFAULT_TRUST_DOMAIN;
}
