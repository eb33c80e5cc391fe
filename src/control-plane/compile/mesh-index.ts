/**
 * All resources, indexed by what the compiler asks: workloads by label, routes by the Service they hold for, policies by
 * target. Built anew for each change (a pass over the resources, some milliseconds for ten thousand) and never changed
 * afterwards, so that the state before a change can still be asked while the one after it is compared.
 */
import type { MutualTlsMode } from "../../discovery/listener.ts";
import type { Node } from "../../discovery/messages.ts";
import { byPrecedence } from "../../resources/precedence.ts";
import type {
  AuthorizationPolicy,
  FaultInjection,
  NetworkPolicy,
  PeerAuthentication,
  RateLimit,
  RequestAuthentication,
  Resource,
  TcpRoute,
} from "../../resources/resource.ts";
import { addressesOf, DEFAULT_ADDRESS, shortAddress } from "./addresses.ts";
import { parentServices } from "./attachment.ts";
import { AutomaticAddresses } from "./automatic.ts";
import {
  type Addresses,
  idOf,
  NO_ADDRESSES,
  type ServiceInput,
  type ServicePortSpec,
  type WorkloadAddress,
  type WorkloadInput,
} from "./inputs.ts";
import { type Instances, NO_INSTANCES, type ServedAt } from "./instances.ts";
import type { MeshInput, PolicyInput, RouteInput } from "./route-inputs.ts";

type Labels = Readonly<Record<string, string>>;

export interface MeshIndex {
  /** Workloads beside those that are resources, as they are now. */
  readonly instances: Instances;
  /** By `<namespace>/<name>`. */
  readonly services: ReadonlyMap<string, ServiceInput>;
  readonly workloads: ReadonlyMap<string, WorkloadInput>;
  /** HTTPRoutes by the Service they are attached to. */
  readonly routes: ReadonlyMap<string, readonly RouteInput[]>;
  /** TCPRoutes by the Service they are attached to, the one that wins first. */
  readonly tcpRoutes: ReadonlyMap<string, readonly TcpRoute[]>;
  readonly policies: ReadonlyMap<string, PolicyInput>;
  /** By the Service that clients call, in the order in which they are drawn. */
  readonly faults: ReadonlyMap<string, readonly FaultInjection[]>;
  /** By namespace, the one that wins first. */
  readonly peerAuthentication: ReadonlyMap<string, readonly PeerAuthentication[]>;
  /** By namespace. */
  readonly requestAuthentication: ReadonlyMap<string, readonly RequestAuthentication[]>;
  /** By namespace. */
  readonly authorization: ReadonlyMap<string, readonly AuthorizationPolicy[]>;
  /** By namespace, in order of name. */
  readonly networkPolicies: ReadonlyMap<string, readonly NetworkPolicy[]>;
  /** By namespace, in order of name. */
  readonly rateLimits: ReadonlyMap<string, readonly RateLimit[]>;
  readonly workloadsByNamespace: ReadonlyMap<string, readonly WorkloadInput[]>;
  readonly mesh: MeshInput | undefined;
  /** What holds for sidecars' inbound ports where no PeerAuthentication says anything; `DISABLE`: nobody has certificates. */
  readonly mtls: MutualTlsMode;
  /** By address in its shortest form; of two with the same, the first by id. */
  readonly serviceAt: ReadonlyMap<string, ServiceInput>;
  readonly workloadsAt: ReadonlyMap<string, readonly WorkloadInput[]>;
  /** Of Services that have none. */
  readonly automatic: AutomaticAddresses;
  servicesOf(namespace: string): readonly ServiceInput[];
  /** In order of name. */
  workloadsOf(service: ServiceInput): readonly WorkloadInput[];
}

/** Indexes resources, with `addresses` laid over the Workloads. */
export function indexMesh(
  resources: readonly Resource[],
  mtls: MutualTlsMode,
  addresses: Addresses = NO_ADDRESSES,
  instances: Instances = NO_INSTANCES,
): MeshIndex {
  const services = new Map<string, ServiceInput>();
  const workloads = new Map<string, WorkloadInput>();
  const routes = new Map<string, RouteInput[]>();
  const tcpRoutes = new Map<string, TcpRoute[]>();
  const policies = new Map<string, PolicyInput>();
  const faults = new Map<string, FaultInjection[]>();
  const byLabel = new Map<string, WorkloadInput[]>();
  const byNamespace = new Map<string, ServiceInput[]>();
  const peerAuthentication = new Map<string, PeerAuthentication[]>();
  const requestAuthentication = new Map<string, RequestAuthentication[]>();
  const authorization = new Map<string, AuthorizationPolicy[]>();
  const networkPolicies = new Map<string, NetworkPolicy[]>();
  const rateLimits = new Map<string, RateLimit[]>();
  const workloadsByNamespace = new Map<string, WorkloadInput[]>();
  const serviceAt = new Map<string, ServiceInput>();
  const workloadsAt = new Map<string, WorkloadInput[]>();
  let mesh: MeshInput | undefined;
  for (const resource of resources) {
    switch (resource.kind) {
      case "Service":
        services.set(idOf(resource.metadata), resource);
        push(byNamespace, resource.metadata.namespace, resource);
        for (const address of addressesOf(resource)) {
          const other = serviceAt.get(address);
          if (other === undefined || idOf(resource.metadata) < idOf(other.metadata))
            serviceAt.set(address, resource);
        }
        break;
      case "Workload": {
        const workload = overlaid(resource, addresses[idOf(resource.metadata)]);
        workloads.set(idOf(resource.metadata), workload);
        push(workloadsByNamespace, resource.metadata.namespace, workload);
        push(workloadsAt, shortAddress(workload.spec.address ?? DEFAULT_ADDRESS), workload);
        for (const [key, value] of Object.entries(workload.metadata.labels ?? {})) {
          push(byLabel, labelKey(workload.metadata.namespace, key, value), workload);
        }
        break;
      }
      case "HTTPRoute":
        for (const parent of parentServices(resource)) push(routes, parent, resource);
        break;
      case "TCPRoute":
        for (const parent of parentServices(resource)) push(tcpRoutes, parent, resource);
        break;
      case "TrafficPolicy": {
        const target = idOf({
          namespace: resource.metadata.namespace,
          name: resource.spec.targetRef.name,
        });
        policies.set(target, winner(policies.get(target), resource));
        break;
      }
      case "RateLimit":
        push(rateLimits, resource.metadata.namespace, resource);
        break;
      case "FaultInjection": {
        const { name } = resource.spec.targetRef;
        push(faults, idOf({ namespace: resource.metadata.namespace, name }), resource);
        break;
      }
      case "PeerAuthentication":
        push(peerAuthentication, resource.metadata.namespace, resource);
        break;
      case "RequestAuthentication":
        push(requestAuthentication, resource.metadata.namespace, resource);
        break;
      case "AuthorizationPolicy":
        push(authorization, resource.metadata.namespace, resource);
        break;
      case "NetworkPolicy":
        push(networkPolicies, resource.metadata.namespace, resource);
        break;
      case "MeshConfig":
        mesh = resource;
        break;
    }
  }
  for (const list of [...byLabel.values(), ...networkPolicies.values(), ...rateLimits.values()]) {
    list.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }
  for (const list of [...peerAuthentication.values(), ...faults.values(), ...tcpRoutes.values()])
    list.sort(byPrecedence);
  return {
    instances,
    services,
    workloads,
    routes,
    tcpRoutes,
    policies,
    faults,
    peerAuthentication,
    requestAuthentication,
    authorization,
    networkPolicies,
    rateLimits,
    workloadsByNamespace,
    serviceAt,
    workloadsAt,
    automatic: new AutomaticAddresses(
      [...services.values()],
      (address) => serviceAt.has(address) || workloadsAt.has(address),
    ),
    mesh,
    mtls,
    servicesOf: (namespace) => byNamespace.get(namespace) ?? [],
    workloadsOf: (service) => {
      const selector = service.spec.selector ?? {};
      const [first] = Object.entries(selector);
      if (first === undefined) return [];
      const candidates = byLabel.get(labelKey(service.metadata.namespace, ...first)) ?? [];
      return candidates.filter((workload) => selects(selector, workload.metadata.labels));
    },
  };
}

/** Id of the node's Workload, which it names with or without its namespace; empty where it names none. */
export function workloadId({ workload, namespace }: Node): string {
  return workload === "" || workload.includes("/") ? workload : `${namespace}/${workload}`;
}

/** The node's Workload. */
export function workloadOf(mesh: MeshIndex, node: Node): WorkloadInput | undefined {
  const id = workloadId(node);
  return id === "" ? undefined : (mesh.workloads.get(id) ?? mesh.instances.get(id));
}

/** Every workload, by namespace; a namespace may come twice. */
export function* everyWorkload(mesh: MeshIndex): Iterable<[string, Iterable<WorkloadInput>]> {
  yield* mesh.workloadsByNamespace;
  for (const [namespace, workloads] of mesh.instances.byNamespace) yield [namespace, workloads.values()];
}

/** Whether all of `selector` holds; an empty one selects nothing, as in Kubernetes' Services. */
export function selects(selector: Labels | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([key, value]) => labels?.[key] === value);
}

/** Number of the workload's port that a Service's port leads to; undefined while it isn't known. */
export function targetPort(port: ServicePortSpec, workload: WorkloadInput | undefined): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === "number") return target;
  const found = workload?.spec.ports?.[target];
  return found === undefined || found === 0 ? undefined : found;
}

/** Where a Workload serves a port. */
export function servedBy(workload: WorkloadInput, port: ServicePortSpec): ServedAt {
  const { address = DEFAULT_ADDRESS, zone } = workload.spec;
  return { workload, address, port: targetPort(port, workload), zone };
}

function overlaid(workload: WorkloadInput, address: WorkloadAddress | undefined): WorkloadInput {
  if (address === undefined) return workload;
  const ports = { ...workload.spec.ports, ...address.ports };
  return { metadata: workload.metadata, spec: { ...workload.spec, ...address, ports } };
}

/** Two policies for one Service: the older, then the first by name. */
function winner(a: PolicyInput | undefined, b: PolicyInput): PolicyInput {
  return a === undefined || byPrecedence(a, b) > 0 ? b : a;
}

function labelKey(namespace: string, key: string, value: string): string {
  return `${namespace}\n${key}=${value}`;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
