/**
 * Names of compiled resources, and the Service port that each means. A route also has an alias without a port, for
 * requests whose Host has none: port 80 where the Service has it, else its first HTTP port.
 */
import { servicePortName } from "../../discovery/messages.ts";
import type { ServiceInput, ServicePortSpec } from "./inputs.ts";
import { idOf } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { protocolOf } from "./protocol.ts";

const NAME = /^([^.:]+)\.([^.:]+)(?::([0-9]{1,5}))?$/;

export interface ServicePort {
  readonly service: ServiceInput;
  readonly port: ServicePortSpec;
}

/** The Service port that a name means, if it exists. Only a route's name may leave out the port. */
export function findServicePort(mesh: MeshIndex, name: string): ServicePort | undefined {
  const parts = NAME.exec(name);
  if (parts === null) return undefined;
  const [, serviceName = "", namespace = "", number] = parts;
  const service = mesh.services.get(idOf({ namespace, name: serviceName }));
  if (service === undefined) return undefined;
  const port =
    number === undefined
      ? portWithoutNumber(service)
      : service.spec.ports?.find((candidate) => String(candidate.port) === number);
  return port === undefined ? undefined : { service, port };
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
