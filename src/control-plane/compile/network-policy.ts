/**
 * NetworkPolicies of a workload, with their selectors resolved: workloads that are meant become the identities that they
 * prove, and the addresses that they connect from where they prove none. A service account that others share who are not
 * meant is not enough: the connection must come from an address of those who are.
 */
import type { NetworkPeers, NetworkRule, NetworkRules } from "../../discovery/policy.ts";
import { matchesLabels } from "../../resources/label-match.ts";
import type { NetworkPolicy } from "../../resources/resource.ts";
import { idOf, type WorkloadInput } from "./inputs.ts";
import { everyWorkload, type MeshIndex } from "./mesh-index.ts";
import { principalOf } from "./principal.ts";

type Labels = Readonly<Record<string, string>>;
type Ingress = NetworkPolicy["spec"]["ingress"][number];
type Peer = NonNullable<Ingress["from"]>[number];
type Port = NonNullable<Ingress["ports"]>[number];

/** The one label that namespaces have without being written down (Kubernetes sets it); others only a cluster knows. */
const NAMESPACE_LABEL = "kubernetes.io/metadata.name";
const DEFAULT_ADDRESS = "127.0.0.1";

/** What isolates a workload; undefined where nothing does. */
export function compileNetwork(
  mesh: MeshIndex,
  namespace: string,
  labels: Labels,
  workload: WorkloadInput | undefined,
): NetworkRules | undefined {
  const policies = (mesh.networkPolicies.get(namespace) ?? []).filter(
    ({ spec }) => (spec.policyTypes?.includes("Ingress") ?? true) && matchesLabels(spec.podSelector, labels),
  );
  if (policies.length === 0) return undefined;
  return {
    sources: policies.map(({ metadata }) => `NetworkPolicy ${idOf(metadata)}`),
    rules: policies.flatMap(({ spec }) =>
      spec.ingress.flatMap(({ from, ports }) => ruleOf(mesh, namespace, workload, from, ports)),
    ),
  };
}

/** None where the rule is about ports alone that the workload does not have, or that are not TCP. */
function ruleOf(
  mesh: MeshIndex,
  namespace: string,
  workload: WorkloadInput | undefined,
  from: readonly Peer[] = [],
  ports: readonly Port[] = [],
): readonly NetworkRule[] {
  const ranges = ports.flatMap((port) => rangeOf(port, workload));
  if (ports.length > 0 && ranges.length === 0) return [];
  return [
    {
      ...(from.length === 0 ? {} : { from: knownPeers(mesh, namespace, from) }),
      ...(ranges.length === 0 ? {} : { ports: ranges }),
    },
  ];
}

function rangeOf(
  { protocol, port, endPort }: Port,
  workload: WorkloadInput | undefined,
): readonly (readonly [number, number])[] {
  if (protocol !== "TCP") return [];
  if (port === undefined) return [[0, 65_535]];
  const number = typeof port === "number" ? port : workload?.spec.ports?.[port];
  return number === undefined ? [] : [[number, endPort ?? number]];
}

/** Whom a rule means is the same for all that it protects, and to find out is to look at every Workload. */
const known = new WeakMap<MeshIndex, Map<readonly Peer[], NetworkPeers>>();

function knownPeers(mesh: MeshIndex, namespace: string, peers: readonly Peer[]): NetworkPeers {
  let ofMesh = known.get(mesh);
  if (ofMesh === undefined) {
    ofMesh = new Map();
    known.set(mesh, ofMesh);
  }
  let found = ofMesh.get(peers);
  if (found === undefined) {
    found = peersOf(mesh, namespace, peers);
    ofMesh.set(peers, found);
  }
  return found;
}

function peersOf(mesh: MeshIndex, namespace: string, peers: readonly Peer[]): NetworkPeers {
  const namespaces = new Set<string>();
  const meant = new Set<WorkloadInput>();
  const blocks: { readonly cidr: string; readonly except: readonly string[] }[] = [];
  for (const { podSelector, namespaceSelector, ipBlock } of peers) {
    if (ipBlock !== undefined) {
      blocks.push({ cidr: ipBlock.cidr, except: ipBlock.except ?? [] });
      continue;
    }
    for (const [name, workloads] of everyWorkload(mesh)) {
      if (!takesNamespace(mesh, namespace, namespaceSelector, name)) continue;
      if (podSelector === undefined) namespaces.add(name);
      for (const workload of workloads) {
        if (podSelector === undefined || matchesLabels(podSelector, workload.metadata.labels ?? {})) {
          meant.add(workload);
        }
      }
    }
  }
  return { ...identitiesOf(mesh, meant, namespaces), namespaces: [...namespaces].sort(), blocks };
}

/** Whether the NetworkPolicies of `namespace` mean, or may mean, workloads of another one (or of their own). */
export function networkReaches(mesh: MeshIndex, namespace: string, name: string): boolean {
  return (mesh.networkPolicies.get(namespace) ?? []).some(({ spec }) =>
    spec.ingress.some(({ from = [] }) =>
      from.some(
        ({ ipBlock, namespaceSelector }) =>
          ipBlock === undefined && takesNamespace(mesh, namespace, namespaceSelector, name),
      ),
    ),
  );
}

function takesNamespace(
  mesh: MeshIndex,
  own: string,
  selector: Peer["namespaceSelector"],
  name: string,
): boolean {
  if (selector === undefined) return name === own;
  return matchesLabels(selector, { ...mesh.instances.namespaceLabels(name), [NAMESPACE_LABEL]: name });
}

/** Workloads as principals and addresses; whole namespaces need no principals. */
function identitiesOf(
  mesh: MeshIndex,
  meant: ReadonlySet<WorkloadInput>,
  namespaces: ReadonlySet<string>,
): Pick<NetworkPeers, "principals" | "principalsAt" | "addresses"> {
  const shared = new Set<string>();
  // A principal names its namespace: nobody elsewhere shares it.
  const involved = new Set([...meant].map(({ metadata }) => metadata.namespace));
  for (const [namespace, workloads] of everyWorkload(mesh)) {
    if (!involved.has(namespace)) continue;
    for (const workload of workloads) if (!meant.has(workload)) shared.add(principalOf(mesh, workload));
  }
  const principals = new Set<string>();
  const at = new Map<string, Set<string>>();
  const addresses = new Set<string>();
  for (const workload of meant) {
    const address = workload.spec.address ?? DEFAULT_ADDRESS;
    addresses.add(address);
    if (namespaces.has(workload.metadata.namespace)) continue;
    const principal = principalOf(mesh, workload);
    if (!shared.has(principal)) principals.add(principal);
    else at.set(principal, (at.get(principal) ?? new Set()).add(address));
  }
  const principalsAt = [...at]
    .map(([principal, list]) => ({ principal, addresses: [...list].sort() }))
    .sort((a, b) => (a.principal < b.principal ? -1 : 1));
  return { principals: [...principals].sort(), principalsAt, addresses: [...addresses].sort() };
}
