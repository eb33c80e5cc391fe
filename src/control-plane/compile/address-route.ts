/**
 * What an address leads to, as resources under its name. A Service's own address leads to the Service's route. That of an endpoint
 * leads to this endpoint, whatever routes the Service has: who calls an instance by its address means no other.
 */
import type { ClusterResource, Resource, ResourceType } from "../../discovery/messages.ts";
import { compileCluster } from "./cluster.ts";
import { compileEndpoints } from "./endpoints.ts";
import type { MeshIndex } from "./mesh-index.ts";
import type { ServicePort } from "./names.ts";
import { detects, protocolOf } from "./protocol.ts";
import { compileRoute } from "./route.ts";

/** `name`: the address; undefined where nothing has that type and name. */
export function compileAddress(
  mesh: MeshIndex,
  type: ResourceType,
  name: string,
  clientNamespace: string,
  { service, port, only }: ServicePort,
): Resource | undefined {
  if (only !== undefined) {
    if (type === "cluster") return instanceCluster(compileCluster(mesh, service, port), name);
    if (type === "endpoints") return compileEndpoints(mesh, service, port, name, only);
  }
  if (type !== "route") return undefined;
  if (only === undefined) return compileRoute(mesh, service, port, clientNamespace, name);
  const { name: own, namespace } = service.metadata;
  const isCertain = protocolOf(port) === "tcp";
  const backends = [{ weight: 1, cluster: name }];
  return {
    name,
    service: { name: own, namespace },
    port: port.port,
    matches: [{ rule: 0, source: `endpoint ${name}` }],
    rules: [{ name: "endpoint", action: { kind: "forward", backends } }],
    ...((isCertain || detects(port)) && { opaque: { backends, isCertain } }),
  };
}

/** Nobody else could take over from the only instance: whether it serves is seen by calling it. */
function instanceCluster(
  { healthCheck: _, outlier: __, ...cluster }: ClusterResource,
  name: string,
): ClusterResource {
  return { ...cluster, name };
}
