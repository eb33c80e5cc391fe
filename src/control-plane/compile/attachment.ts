/** Which ports of which Services a route hangs on (GAMMA: its parents are Services). */
import { idOf, type Metadata, type ServiceInput, type ServicePortSpec } from "./inputs.ts";
import type { ParentRef } from "./route-inputs.ts";

/** A route, as far as it says where it hangs. */
export interface Attached {
  readonly metadata: Metadata;
  readonly spec: { readonly parentRefs?: readonly ParentRef[] | undefined };
}

export function isAttached(route: Attached, service: ServiceInput, port: ServicePortSpec): boolean {
  return (route.spec.parentRefs ?? []).some(
    (parent) =>
      (parent.kind ?? "Service") === "Service" &&
      (parent.group ?? "") === "" &&
      parent.name === service.metadata.name &&
      (parent.namespace ?? route.metadata.namespace) === service.metadata.namespace &&
      (parent.port === undefined || parent.port === port.port) &&
      (parent.sectionName === undefined || parent.sectionName === port.name),
  );
}

/** Ids of the Services that a route names as parents, each once. */
export function parentServices(route: Attached): ReadonlySet<string> {
  const found = new Set<string>();
  for (const parent of route.spec.parentRefs ?? []) {
    if ((parent.kind ?? "Service") !== "Service" || (parent.group ?? "") !== "") continue;
    found.add(idOf({ namespace: parent.namespace ?? route.metadata.namespace, name: parent.name }));
  }
  return found;
}
