/** What does not keep a pod from its sidecar, and will surprise its owner. */
import type { Container, Pod, SecurityContext } from "./pod.ts";
import { SIDECAR_ID } from "./settings.ts";

/** `isAsked`: whether the kubelet's probes and hooks of a container would go through the sidecar. */
export function warningsOf(
  { spec }: Pod,
  isNative: boolean,
  isAsked: (container: Container) => boolean,
): readonly string[] {
  const ownSidecars = (spec.initContainers ?? []).filter(isNativeSidecar);
  const exempt = [...ownSidecars, ...spec.containers].flatMap(({ name, securityContext }) => {
    const owner = ownerOf(securityContext, spec.securityContext);
    return owner === undefined ? [] : [`container ${name} runs as ${owner}, whose traffic is not taken`];
  });
  if (isNative) return exempt;
  const early = ownSidecars
    .filter(isAsked)
    .map(
      ({ name }) =>
        `container ${name} starts before a classic sidecar: its probes and hooks stay as they are, and fail where mutual TLS is demanded`,
    );
  const ends = spec.restartPolicy === "Never" || spec.restartPolicy === "OnFailure";
  const lasting = ends ? ["a classic sidecar does not end by itself: this pod will not complete"] : [];
  return [...exempt, ...early, ...lasting];
}

/** One of the application's: it starts before the containers and runs beside them. */
export function isNativeSidecar({ restartPolicy }: Container): boolean {
  return restartPolicy === "Always";
}

/** What it has in common with the sidecar; a container's own setting wins over the pod's. */
function ownerOf(own: SecurityContext | undefined, pods: SecurityContext | undefined): string | undefined {
  if ((own?.runAsUser ?? pods?.runAsUser) === SIDECAR_ID) return `user ${SIDECAR_ID}`;
  return (own?.runAsGroup ?? pods?.runAsGroup) === SIDECAR_ID ? `group ${SIDECAR_ID}` : undefined;
}
