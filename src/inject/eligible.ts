/** Which pods get no sidecar, and why: a reason is always told. */
import type { Wishes } from "./annotations.ts";
import { INIT_CONTAINER, type Pod, SIDECAR_CONTAINER } from "./pod.ts";
import { type InjectSettings, SYSTEM_NAMESPACES } from "./settings.ts";
import { portsOf } from "./sidecar.ts";
import { sidecarVolumes } from "./volumes.ts";

/** The kubelet's, on pods that it makes to show those of its own files; changed, they would be made anew without end. */
const MIRROR = "kubernetes.io/config.mirror";

/** Sidecars of other meshes: two that take the same traffic would lead each other in circles. */
const OTHER_SIDECARS: readonly string[] = [
  "istio-proxy",
  "linkerd-proxy",
  "kuma-sidecar",
  "consul-dataplane",
  "cilium-envoy",
];

/** `pod`: without what an earlier injection added. `namespace`: where it goes, if it does not say so itself. */
export function whyNot(
  pod: Pod,
  wishes: Wishes,
  { ownNamespace }: InjectSettings,
  namespace: string | undefined,
): string | undefined {
  const { spec, metadata } = pod;
  if (wishes.inject === false) return 'weft.dev/inject is "false"';
  const home = metadata?.namespace || namespace;
  if (home !== undefined && [...SYSTEM_NAMESPACES, ownNamespace].includes(home)) {
    return `namespace ${home} is the system's`;
  }
  if (metadata?.annotations?.[MIRROR] !== undefined) {
    return "it shows a static pod, which its machine runs as it is written there";
  }
  if (spec.hostNetwork === true) {
    return "hostNetwork is true: its traffic can't be told from the machine's";
  }
  if (spec.os?.name === "windows" || spec.nodeSelector?.["kubernetes.io/os"] === "windows")
    return "it runs on Windows: there is no netfilter";
  const names = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  const other = names.find((name) => OTHER_SIDECARS.includes(name));
  if (other !== undefined) return `container ${other} is the sidecar of another mesh`;
  const taken =
    names.find((name) => name === INIT_CONTAINER || name === SIDECAR_CONTAINER) ??
    spec.volumes?.find(({ name }) => sidecarVolumes().some((volume) => volume.name === name))?.name;
  if (taken !== undefined) return `something of its own is called ${taken}`;
  return portConflict(pod, wishes);
}

function portConflict({ spec }: Pod, wishes: Wishes): string | undefined {
  const own = new Map(Object.entries(portsOf(wishes)).map(([name, port]) => [port, name]));
  for (const { name, ports = [] } of [...(spec.initContainers ?? []), ...spec.containers]) {
    for (const { containerPort } of ports ?? []) {
      const use = own.get(containerPort);
      if (use === undefined) continue;
      return `container ${name} has port ${containerPort}, the sidecar's ${use} port; weft.dev/${use}-port gives it another`;
    }
  }
  return undefined;
}
