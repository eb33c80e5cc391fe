/**
 * What a name of the mesh means, for the DNS proxies of sidecars. Of headless Services only those whose instances are Workload
 * resources are told: of others the cluster's own DNS knows more (instances that are not ready but published, hostnames, both
 * families), and it is asked when the mesh knows nothing.
 */
import { type HostResource, hostName } from "../../discovery/host.ts";
import { addressesOf, DEFAULT_ADDRESS, shortAddress } from "./addresses.ts";
import { idOf, type ServiceInput } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";

const NAME = /^([^.:]+)\.([^.:]+)$/;
/** What can be one part of a name. */
const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** `name`: of a Service, or an automatic address; undefined where it means nothing. */
export function compileHost(mesh: MeshIndex, name: string): HostResource | undefined {
  const [, service = "", namespace = ""] = NAME.exec(name) ?? [];
  const found = mesh.services.get(idOf({ namespace, name: service })) ?? mesh.automatic.at(name);
  if (found === undefined) return undefined;
  const { name: own, namespace: home } = found.metadata;
  const meaning = meaningOf(mesh, found);
  const ports = (found.spec.ports ?? []).flatMap((port) =>
    port.name === undefined ? [] : [{ name: port.name, port: port.port }],
  );
  return meaning && { name, service: { name: own, namespace: home }, ports, ...meaning };
}

/** Whether instances are its addresses. */
export function isHeadless({ spec }: ServiceInput): boolean {
  return spec.clusterIP === "None" && spec.type !== "ExternalName";
}

/** Names of the resources about a Service. */
export function hostNames(mesh: MeshIndex, service: ServiceInput): readonly string[] {
  const automatic = mesh.automatic.isKnown ? mesh.automatic.of(service) : undefined;
  return [hostName(service.metadata), ...(automatic === undefined ? [] : [automatic])];
}

type Meaning = Pick<HostResource, "addresses" | "instances" | "alias">;

function meaningOf(mesh: MeshIndex, service: ServiceInput): Meaning | undefined {
  const { type, externalName } = service.spec;
  if (type === "ExternalName") {
    return externalName === undefined ? undefined : { addresses: [], alias: externalName };
  }
  if (isHeadless(service)) {
    if (mesh.instances.count(idOf(service.metadata)) > 0) return undefined;
    const all = mesh
      .workloadsOf(service)
      .map(({ metadata, spec }) => ({
        name: metadata.name,
        address: shortAddress(spec.address ?? DEFAULT_ADDRESS),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const addresses = [...new Set(all.map(({ address }) => address))];
    const instances = all.filter(({ name }) => LABEL.test(name));
    return all.length === 0 ? undefined : { addresses, instances };
  }
  const addresses = addressesOf(service);
  if (addresses.length > 0) return { addresses };
  const automatic = mesh.automatic.of(service);
  return automatic === undefined ? undefined : { addresses: [automatic] };
}
