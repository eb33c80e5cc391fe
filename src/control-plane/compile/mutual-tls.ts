/**
 * Whether a workload's port is spoken to under mutual TLS, by the PeerAuthentications that concern it: port, then workload, then
 * namespace, then mesh; of two for the same the older, then the first by name (as Istio).
 */
import type { MutualTlsMode } from "../../discovery/listener.ts";
import { ROOT_NAMESPACE } from "../../resources/kind/authorization-policy.ts";
import { matchesLabels } from "../../resources/label-match.ts";
import type { PeerAuthentication } from "../../resources/resource.ts";
import type { MeshIndex } from "./mesh-index.ts";

type Labels = Readonly<Record<string, string>>;
type Mode = MutualTlsMode | "UNSET" | undefined;

/** Without certificates in the mesh: `DISABLE`, whatever is wished. `port` is the application's. */
export function mutualTlsMode(
  mesh: MeshIndex,
  namespace: string,
  labels: Labels,
  port: number,
): MutualTlsMode {
  if (mesh.mtls === "DISABLE") return "DISABLE";
  const here = mesh.peerAuthentication.get(namespace) ?? [];
  const selected = here.find(
    (policy) => hasSelector(policy) && matchesLabels(policy.spec.selector ?? {}, labels),
  );
  const ofMesh = mesh.peerAuthentication.get(ROOT_NAMESPACE) ?? [];
  const wishes: readonly Mode[] = [
    selected?.spec.portLevelMtls?.[port]?.mode,
    selected?.spec.mtls?.mode,
    here.find((policy) => !hasSelector(policy))?.spec.mtls?.mode,
    ofMesh.find((policy) => !hasSelector(policy))?.spec.mtls?.mode,
  ];
  for (const wish of wishes) if (wish !== undefined && wish !== "UNSET") return wish;
  return mesh.mtls;
}

/**
 * What a listener takes whose ports have these modes. With certificates it is never without TLS: what a client speaks shows in its
 * first bytes, and clients learn of a change of modes at another time than the listener.
 */
export function listenerMode(mesh: MeshIndex, modes: readonly MutualTlsMode[]): MutualTlsMode {
  if (mesh.mtls === "DISABLE") return "DISABLE";
  return modes.every((mode) => mode === "STRICT") ? "STRICT" : "PERMISSIVE";
}

function hasSelector({ spec }: PeerAuthentication): boolean {
  return Object.keys(spec.selector?.matchLabels ?? {}).length > 0;
}
