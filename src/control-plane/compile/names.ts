/**
 * Names of compiled resources, and the Service port that each means. A route also has an alias without a port, for
 * requests whose Host has none: port 80 where the Service has it, else its first HTTP port. And it is found by address: the
 * Service's, or that of an endpoint, which then is the only one; such a one has a cluster of that name, too.
 */
import { addressName, servicePortName } from "../../discovery/messages.ts";
import { addressesOf } from "./addresses.ts";
import type { ServiceInput, ServicePortSpec } from "./inputs.ts";
import { idOf } from "./inputs.ts";
import type { ServedAt } from "./instances.ts";
import { type MeshIndex, selects, servedBy, targetPort } from "./mesh-index.ts";
import { protocolOf } from "./protocol.ts";

const NAME = /^([^.:]+)\.([^.:]+)(?::([0-9]{1,5}))?$/;
const ADDRESS = /^(?:([0-9]+(?:\.[0-9]+){3})|\[([0-9a-f:.]+)\]):([0-9]{1,5})$/;

export interface ServicePort {
  readonly service: ServiceInput;
  readonly port: ServicePortSpec;
  /** The name is an address. */
  readonly isAddress: boolean;
  /** The name means this instance alone. */
  readonly only?: ServedAt;
}

/** Address and port of a name that is an address. */
export function parseAddressName(
  name: string,
): { readonly address: string; readonly port: number } | undefined {
  const parts = ADDRESS.exec(name);
  if (parts === null) return undefined;
  const [, v4, v6, port] = parts;
  return { address: v4 ?? v6 ?? "", port: Number(port) };
}

/** The Service port that a name means, if it exists. Only a route's name may leave out the port. */
export function findServicePort(mesh: MeshIndex, name: string): ServicePort | undefined {
  const at = parseAddressName(name);
  if (at !== undefined) return findByAddress(mesh, at.address, at.port);
  const parts = NAME.exec(name);
  if (parts === null) return undefined;
  const [, serviceName = "", namespace = "", number] = parts;
  const service = mesh.services.get(idOf({ namespace, name: serviceName }));
  if (service === undefined) return undefined;
  const port =
    number === undefined
      ? portWithoutNumber(service)
      : service.spec.ports?.find((candidate) => String(candidate.port) === number);
  return port === undefined ? undefined : { service, port, isAddress: false };
}

function findByAddress(mesh: MeshIndex, address: string, number: number): ServicePort | undefined {
  const service = mesh.serviceAt.get(address) ?? mesh.automatic.at(address);
  if (service !== undefined) {
    const port = service.spec.ports?.find((candidate) => candidate.port === number);
    return port === undefined ? undefined : { service, port, isAddress: true };
  }
  for (const workload of mesh.workloadsAt.get(address) ?? []) {
    const { namespace, labels } = workload.metadata;
    for (const candidate of mesh.servicesOf(namespace)) {
      if (!selects(candidate.spec.selector, labels)) continue;
      const port = candidate.spec.ports?.find((each) => targetPort(each, workload) === number);
      if (port !== undefined)
        return { service: candidate, port, isAddress: true, only: servedBy(workload, port) };
    }
  }
  const found = mesh.instances.byAddress(address, number);
  const owner = found && mesh.services.get(found.service);
  const port = owner?.spec.ports?.find(({ name = "" }) => name === found?.portName);
  return found && owner && port && { service: owner, port, isAddress: true, only: found.at };
}

/** Names of the routes that a Service's own addresses lead to. */
export function addressNames(service: ServiceInput): readonly string[] {
  return addressesOf(service).flatMap((address) =>
    (service.spec.ports ?? []).map(({ port }) => addressName(address, port)),
  );
}

/** Names of a Service's clusters and endpoints. */
export function portNames(service: ServiceInput): readonly string[] {
  return (service.spec.ports ?? []).map((port) => servicePortName(service.metadata, port.port));
}

/** Names of a Service's routes: its ports, and the alias. */
export function routeNames(service: ServiceInput): readonly string[] {
  const names = portNames(service);
  if (portWithoutNumber(service) === undefined) return names;
  return [...names, `${service.metadata.name}.${service.metadata.namespace}`];
}

function portWithoutNumber(service: ServiceInput): ServicePortSpec | undefined {
  const ports = service.spec.ports ?? [];
  return ports.find((port) => port.port === 80) ?? ports.find((port) => protocolOf(port) === "http1");
}
