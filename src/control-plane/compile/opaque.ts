/**
 * Where connections to a port go that are not read as HTTP: to the backends of the TCPRoute that holds for it, else to the port's own
 * instances. As with HTTPRoutes, one of the client's namespace goes before those of the Service's; of several there the oldest wins.
 */
import { servicePortName } from "../../discovery/messages.ts";
import type { OpaquePort } from "../../discovery/route.ts";
import type { TcpRoute } from "../../resources/resource.ts";
import { resolveBackend } from "./action.ts";
import { isAttached } from "./attachment.ts";
import { idOf, type ServiceInput, type ServicePortSpec } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { detects, protocolOf } from "./protocol.ts";

/** Undefined: everything that comes to the port is HTTP. */
export function compileOpaque(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  clientNamespace: string,
): OpaquePort | undefined {
  const isCertain = protocolOf(port) === "tcp";
  if (!isCertain && !detects(port)) return undefined;
  const route = routeFor(mesh, service, port, clientNamespace);
  if (route === undefined) {
    return { isCertain, backends: [{ weight: 1, cluster: servicePortName(service.metadata, port.port) }] };
  }
  const backends = route.spec.rules.flatMap(({ backendRefs }) =>
    backendRefs.map((ref) => ({
      weight: ref.weight,
      ...resolveBackend(mesh, route.metadata.namespace, ref),
    })),
  );
  return { isCertain, backends };
}

function routeFor(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
  clientNamespace: string,
): TcpRoute | undefined {
  const attached = (mesh.tcpRoutes.get(idOf(service.metadata)) ?? []).filter((route) =>
    isAttached(route, service, port),
  );
  const of = (namespace: string) => attached.find((route) => route.metadata.namespace === namespace);
  return of(clientNamespace) ?? of(service.metadata.namespace);
}
