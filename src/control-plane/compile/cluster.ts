/**
 * A Service's port as something to connect to: its protocol, and what the TrafficPolicy for the Service says about load
 * balancing and connections.
 */
import type { ClusterResource } from "../../discovery/messages.ts";
import { servicePortName } from "../../discovery/messages.ts";
import { hashKey } from "./hash-key.ts";
import { compileHealthCheck } from "./health-check.ts";
import { idOf, type ServiceInput, type ServicePortSpec } from "./inputs.ts";
import type { MeshIndex } from "./mesh-index.ts";
import { protocolOf } from "./protocol.ts";
import { clusterResilience } from "./resilience.ts";

export const DEFAULT_CONNECT_TIMEOUT_MS = 2_000;
const DEFAULT_POOL_IDLE_MS = 3_600_000;

/** The cluster of one port. */
export function compileCluster(
  mesh: MeshIndex,
  service: ServiceInput,
  port: ServicePortSpec,
): ClusterResource {
  const { name, namespace } = service.metadata;
  const policy = mesh.policies.get(idOf(service.metadata))?.spec;
  const hash = hashKey(policy?.loadBalancer?.hash);
  const healthCheck = compileHealthCheck(policy?.healthCheck, port.port);
  return {
    name: servicePortName({ name, namespace }, port.port),
    service: { name, namespace },
    port: port.port,
    protocol: protocolOf(port),
    loadBalancer: policy?.loadBalancer?.policy ?? "leastRequest",
    connectTimeoutMs: policy?.timeouts?.connect ?? DEFAULT_CONNECT_TIMEOUT_MS,
    ...(hash === undefined ? {} : { hash }),
    poolIdleTimeoutMs: policy?.connectionPool?.idleTimeout ?? DEFAULT_POOL_IDLE_MS,
    ...clusterResilience(policy),
    ...(healthCheck === undefined ? {} : { healthCheck }),
  };
}
