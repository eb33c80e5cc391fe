/**
 * Where a Service's port is served: the workloads that its selector takes and that listen somewhere. A workload with a sidecar is
 * reached at the sidecar's inbound port, whatever the port of the application; where that sidecar intercepts, at the application's
 * port, which then says what is meant; a port that it does not take is as one without a sidecar. Under mutual TLS where sidecars have
 * certificates. Ports that do not speak HTTP need that for an inbound port, because a CONNECT tells them apart there; without it they
 * are reached at the application itself. Ordered by name, so that the same instances always make the same version.
 */
import type { EndpointResource, EndpointsResource } from "../../discovery/messages.ts";
import { servicePortName } from "../../discovery/messages.ts";
import {
  idOf,
  type ServiceInput,
  type ServicePortSpec,
  type TakenPorts,
  type WorkloadInput,
} from "./inputs.ts";
import type { ServedAt } from "./instances.ts";
import { type MeshIndex, servedBy } from "./mesh-index.ts";
import { mutualTlsMode } from "./mutual-tls.ts";
import { protocolOf } from "./protocol.ts";

/** The endpoints of one port under `name`; `only`: of them this one. */
export function compileEndpoints(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  name = servicePortName(service.metadata, port.port),
  only?: ServedAt,
): EndpointsResource {
  const served =
    only === undefined
      ? [...written(mesh, service, port), ...mesh.instances.at(idOf(service.metadata), port)]
      : [only];
  const endpoints = served.flatMap((at) => endpoint(mesh, port, at) ?? []).sort(byWorkload);
  return { name, endpoints };
}

/** Where the Workloads that the selector takes serve. */
function written(mesh: MeshIndex, service: ServiceInput, port: ServicePortSpec): readonly ServedAt[] {
  return mesh.workloadsOf(service).map((workload) => servedBy(workload, port));
}

function endpoint(mesh: MeshIndex, port: ServicePortSpec, served: ServedAt): EndpointResource | undefined {
  const { workload, address, zone } = served;
  const { metadata, spec } = workload;
  const isEncrypted =
    mutualTlsMode(mesh, metadata.namespace, metadata.labels ?? {}, served.port ?? 0) !== "DISABLE";
  const sidecar = isEncrypted || protocolOf(port) !== "tcp" ? sidecarPort(workload, served.port) : undefined;
  const at = sidecar ?? served.port;
  if (at === undefined) return undefined;
  return {
    address,
    port: at,
    weight: spec.weight ?? 1,
    workload: metadata.name,
    namespace: metadata.namespace,
    serviceAccount: spec.serviceAccount ?? "default",
    app: metadata.labels?.["app"] ?? "",
    version: metadata.labels?.["version"] ?? "",
    ...(zone === undefined ? {} : { zone }),
    ...(sidecar !== undefined && isEncrypted && { tls: "mutual" }),
  };
}

function sidecarPort({ spec }: WorkloadInput, appPort: number | undefined): number | undefined {
  if (spec.intercepted === true) return takes(spec.takenPorts, appPort) ? appPort : undefined;
  return spec.inboundPort === 0 ? undefined : spec.inboundPort;
}

function takes(taken: TakenPorts | undefined, port: number | undefined): boolean {
  if (taken === undefined || port === undefined) return true;
  return !taken.except.includes(port) && taken.only?.includes(port) !== false;
}

function byWorkload(a: EndpointResource, b: EndpointResource): number {
  if (a.workload !== b.workload) return a.workload < b.workload ? -1 : 1;
  return a.address < b.address ? -1 : 1;
}
