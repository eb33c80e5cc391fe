/**
 * A sidecar's two listeners: who it speaks for, its limits, and which ports of which Services its application serves.
 * They depend on the node that asks: `app` of its ports (`weft sidecar --app-port`) overrides the Workload's.
 */
import type {
  InboundListenerResource,
  InboundPort,
  ListenerLimits,
  LocalWorkload,
  OutboundListenerResource,
} from "../../discovery/listener.ts";
import type { Node } from "../../discovery/messages.ts";
import { DEFAULT_CONNECT_TIMEOUT_MS } from "./cluster.ts";
import { idOf, type ServiceInput, type WorkloadInput } from "./inputs.ts";
import { type MeshIndex, selects, targetPort, workloadOf } from "./mesh-index.ts";
import { listenerMode, mutualTlsMode } from "./mutual-tls.ts";
import { principal } from "./principal.ts";
import { detects, protocolOf } from "./protocol.ts";

const DEFAULT_DOMAIN = "cluster.local";
const DEFAULT_METRIC_PREFIX = "istio";

/** What holds for connections that the application opens. */
export function compileOutbound(mesh: MeshIndex, node: Node): OutboundListenerResource {
  const spec = mesh.mesh?.spec;
  return {
    name: "outbound",
    local: localWorkload(mesh, node),
    limits: limits(mesh),
    outboundPolicy: spec?.outboundPolicy ?? "ALLOW_ANY",
    clusterDomain: spec?.clusterDomain ?? DEFAULT_DOMAIN,
    discoveryTimeoutMs: spec?.discoveryTimeout ?? 1_000,
    metricPrefix: spec?.telemetry?.metricPrefix ?? DEFAULT_METRIC_PREFIX,
  };
}

/** What holds for connections that others open to the application. */
export function compileInbound(mesh: MeshIndex, node: Node): InboundListenerResource {
  const ports = inboundPorts(mesh, node);
  return {
    name: "inbound",
    local: localWorkload(mesh, node),
    limits: limits(mesh),
    metricPrefix: mesh.mesh?.spec.telemetry?.metricPrefix ?? DEFAULT_METRIC_PREFIX,
    ports,
    connectTimeoutMs: DEFAULT_CONNECT_TIMEOUT_MS,
    mtls: listenerMode(
      mesh,
      ports.map(({ mtls }) => mtls ?? mesh.mtls),
    ),
    otherPorts: modeOf(mesh, node, workloadOf(mesh, node), 0),
  };
}

function localWorkload(mesh: MeshIndex, node: Node): LocalWorkload {
  const workload = workloadOf(mesh, node);
  const labels = { ...node.labels, ...workload?.metadata.labels };
  const name = workload?.metadata.name ?? (node.workload.split("/").at(-1) || (node.service ?? node.id));
  const namespace = workload?.metadata.namespace ?? node.namespace;
  const account = workload?.spec.serviceAccount ?? (node.serviceAccount || "default");
  return {
    workload: name,
    namespace,
    app: labels["app"] ?? "",
    version: labels["version"] ?? "",
    principal: `spiffe://${principal(mesh, namespace, account)}`,
    ...(workload?.spec.zone === undefined ? {} : { zone: workload.spec.zone }),
  };
}

function limits(mesh: MeshIndex): ListenerLimits {
  const spec = mesh.mesh?.spec;
  const { loopDelay, memory } = spec?.overload ?? {};
  const overload = {
    ...(loopDelay !== undefined && { loopDelayMs: loopDelay }),
    ...(memory !== undefined && { memoryShare: memory / 100 }),
  };
  return {
    ...(Object.keys(overload).length > 0 && { overload }),
    maxHeadBytes: spec?.limits?.maxHeadBytes ?? 65_536,
    maxHeaders: spec?.limits?.maxHeaders ?? 100,
    headTimeoutMs: spec?.timeouts?.headers ?? 10_000,
    streamIdleTimeoutMs: spec?.timeouts?.streamIdle ?? 300_000,
    connectionIdleTimeoutMs: spec?.timeouts?.connectionIdle ?? 3_600_000,
  };
}

/** Which of the application's ports which Services lead to. */
export function inboundPorts(mesh: MeshIndex, node: Node): readonly InboundPort[] {
  const workload = workloadOf(mesh, node);
  const found: InboundPort[] = [];
  for (const service of servedBy(mesh, node, workload)) {
    for (const port of service.spec.ports ?? []) {
      const appPort = node.ports.app ?? targetPort(port, workload);
      if (appPort === undefined || appPort === 0) continue;
      const { name, namespace } = service.metadata;
      found.push({
        service: { name, namespace },
        servicePort: port.port,
        appPort,
        protocol: protocolOf(port),
        ...(detects(port) && { detects: true }),
        mtls: modeOf(mesh, node, workload, appPort),
      });
    }
  }
  return found.length > 0 ? found : withoutService(mesh, node, workload);
}

function servedBy(mesh: MeshIndex, node: Node, workload: WorkloadInput | undefined): readonly ServiceInput[] {
  if (node.service !== undefined) {
    const service = mesh.services.get(idOf({ namespace: node.namespace, name: node.service }));
    return service === undefined ? [] : [service];
  }
  const namespace = workload?.metadata.namespace ?? node.namespace;
  const labels = workload?.metadata.labels ?? node.labels;
  return mesh
    .servicesOf(namespace)
    .filter((service) => selects(service.spec.selector, labels))
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** No Service leads here: the application is still reached, and counted under the workload's own name. */
function withoutService(
  mesh: MeshIndex,
  node: Node,
  workload: WorkloadInput | undefined,
): readonly InboundPort[] {
  const app = node.ports.app ?? Object.values(workload?.spec.ports ?? {}).find((port) => (port ?? 0) > 0);
  if (app === undefined || app === 0) return [];
  const name = workload?.metadata.name ?? node.service ?? node.workload.split("/").at(-1) ?? "";
  const namespace = workload?.metadata.namespace ?? node.namespace;
  const mtls = modeOf(mesh, node, workload, app);
  return [{ service: { name, namespace }, servicePort: app, appPort: app, protocol: "http1", mtls }];
}

function modeOf(mesh: MeshIndex, node: Node, workload: WorkloadInput | undefined, port: number) {
  const { namespace, labels } = workload?.metadata ?? node;
  return mutualTlsMode(mesh, namespace, labels ?? {}, port);
}
