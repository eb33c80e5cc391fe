/**
 * Where a Service's port is served: the workloads that its selector takes and that listen somewhere. A workload with a sidecar is
 * reached at the sidecar's inbound port, whatever the port of the application; where that sidecar intercepts, at the application's
 * port, which then says what is meant. Under mutual TLS where sidecars have certificates. Ports that do not speak HTTP need that for
 * an inbound port, because a CONNECT tells them apart there; without it they are reached at the application itself. Ordered by name,
 * so that the same instances always make the same version.
 */
import type { EndpointResource, EndpointsResource } from "../../discovery/messages.ts";
import { servicePortName } from "../../discovery/messages.ts";
import { DEFAULT_ADDRESS } from "./addresses.ts";
import type { ServiceInput, ServicePortSpec, WorkloadInput } from "./inputs.ts";
import { type MeshIndex, targetPort } from "./mesh-index.ts";
import { mutualTlsMode } from "./mutual-tls.ts";
import { protocolOf } from "./protocol.ts";

/** The endpoints of one port under `name`; `only`: of them this one. */
export function compileEndpoints(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  name = servicePortName(service.metadata, port.port),
  only?: WorkloadInput,
): EndpointsResource {
  const endpoints: EndpointResource[] = [];
  for (const workload of only === undefined ? mesh.workloadsOf(service) : [only]) {
    const { namespace, labels } = workload.metadata;
    const appPort = targetPort(port, workload);
    const isEncrypted = mutualTlsMode(mesh, namespace, labels ?? {}, appPort ?? 0) !== "DISABLE";
    const sidecar = isEncrypted || protocolOf(port) !== "tcp" ? sidecarPort(workload, appPort) : undefined;
    const at = sidecar ?? appPort;
    const isMutual = sidecar !== undefined && isEncrypted;
    if (at !== undefined) endpoints.push({ ...endpoint(workload, at), ...(isMutual && { tls: "mutual" }) });
  }
  return { name, endpoints };
}

function sidecarPort({ spec }: WorkloadInput, appPort: number | undefined): number | undefined {
  if (spec.intercepted === true) return appPort;
  return spec.inboundPort === 0 ? undefined : spec.inboundPort;
}

function endpoint({ metadata, spec }: WorkloadInput, port: number): EndpointResource {
  return {
    address: spec.address ?? DEFAULT_ADDRESS,
    port,
    weight: spec.weight ?? 1,
    workload: metadata.name,
    namespace: metadata.namespace,
    serviceAccount: spec.serviceAccount ?? "default",
    app: metadata.labels?.["app"] ?? "",
    version: metadata.labels?.["version"] ?? "",
    ...(spec.zone === undefined ? {} : { zone: spec.zone }),
  };
}
