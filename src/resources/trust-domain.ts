/** The trust domain of a mesh: what its identities are in. */
import { readDocument } from "./document.ts";
import { type Resource, WEFT_API } from "./resource.ts";

const DEFAULT_TRUST_DOMAIN = "cluster.local";

/** As the MeshConfig among the resources says, else `fallback`. */
export function trustDomainOf(resources: readonly Resource[], fallback = DEFAULT_TRUST_DOMAIN): string {
  return meshConfigIn(resources)?.spec.trustDomain ?? fallback;
}

type Complete = (resources: readonly Resource[]) => readonly Resource[];

/**
 * Gives resources a MeshConfig that says `trustDomain` where none says any; the same for the same resources. Throws a RangeError for
 * what is no trust domain.
 */
export function completeTrustDomain(trustDomain: string): Complete {
  const metadata = { name: "default" };
  const document = { apiVersion: WEFT_API, kind: "MeshConfig", metadata, spec: { trustDomain } };
  const { envelope, problems } = readDocument(document);
  if (envelope === undefined || problems.length > 0) {
    throw new RangeError(`"${trustDomain}" is no trust domain`);
  }
  const origin = { file: "--trust-domain", line: 1 };
  const whole = { ...envelope, origin, document, places: new Uint32Array() } as Resource;
  const completed = new WeakMap<Resource, Resource>();
  return (resources) => {
    const mesh = meshConfigIn(resources);
    if (mesh === undefined) return [...resources, whole];
    if (mesh.spec.trustDomain !== undefined) return resources;
    const said = completed.get(mesh) ?? { ...mesh, spec: { ...mesh.spec, trustDomain } };
    completed.set(mesh, said);
    return resources.map((resource) => (resource === mesh ? said : resource));
  };
}

function meshConfigIn(resources: readonly Resource[]) {
  return resources.find((resource) => resource.kind === "MeshConfig");
}
