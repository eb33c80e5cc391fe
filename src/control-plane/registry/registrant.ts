/**
 * A sidecar that is an instance of a Service because it says so (`weft run`): what nobody has written, and no cluster knows. The
 * Service must let it: its service account is the one that is called like the Service, or one of the annotation
 * `weft.dev/join`. As Istio's WorkloadGroup, which names the service account that may register by it.
 */
import { isIP } from "node:net";
import type { Node } from "../../discovery/messages.ts";
import { closest } from "../../resources/suggest.ts";
import type { ServicePortSpec, WorkloadInput } from "../compile/inputs.ts";
import { workloadId } from "../compile/mesh-index.ts";

/** On a Service: service accounts, separated by commas, whose sidecars may be its instances. */
export const JOIN_ANNOTATION = "weft.dev/join";

/** What is read of a Service. */
export interface JoinedService {
  readonly metadata: {
    readonly name: string;
    readonly annotations?: Readonly<Record<string, string>> | undefined;
  };
  readonly spec: {
    readonly selector?: Readonly<Record<string, string>> | undefined;
    readonly ports?: readonly ServicePortSpec[] | undefined;
  };
}

/** A node with all that makes an instance of it. */
export type Registrant = Node & {
  readonly service: string;
  readonly ports: Node["ports"] & { readonly app: number };
};

const MAX_PORT = 65_535;

/** Undefined where the node wants nothing, or lacks something (`whyNoRegistrant`). */
export function registrantOf(node: Node): Registrant | undefined {
  return node.registers === true && whyNoRegistrant(node) === undefined ? (node as Registrant) : undefined;
}

/** What is wrong with what a node says of itself. */
export function whyNoRegistrant(node: Node): string | undefined {
  const { service, address, ports, namespace } = node;
  const [home, name, more] = workloadId(node).split("/");
  // Its certificate says of which namespace it is.
  if (home !== namespace || name === "" || more !== undefined) return `"${node.workload}" is no name for it`;
  if (service === undefined || service === "") return "it does not say of which Service it is an instance";
  if (ports.app === undefined) return "it does not say on which port its application listens";
  for (const port of [ports.inbound, ports.app]) {
    if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) return `${port} is no port`;
  }
  return isIP(address) === 0 || address.includes("%") ? `"${address}" is no address` : undefined;
}

/** Id of the Service, in the node's own namespace: its certificate says which that is. */
export function serviceOf({ namespace, service }: Registrant): string {
  return `${namespace}/${service}`;
}

/** Service accounts whose sidecars may be instances. */
export function accountsOf({ metadata }: JoinedService): readonly string[] {
  const listed = metadata.annotations?.[JOIN_ANNOTATION];
  if (listed === undefined) return [metadata.name];
  return listed.split(",").map((account) => account.trim());
}

/** Why a Service does not take the node, for the person who started it. `others`: Services of the namespace. */
export function whyNotTaken(
  { namespace, service, serviceAccount }: Registrant,
  found: JoinedService | undefined,
  others: () => readonly string[],
): string | undefined {
  if (found === undefined) {
    const close = closest(service, others());
    return `there is no Service ${namespace}/${service}${close === undefined ? "" : `, did you mean "${close}"?`}`;
  }
  const accounts = accountsOf(found);
  if (accounts.includes(serviceAccount)) return undefined;
  return (
    `service account ${serviceAccount} may not join Service ${namespace}/${service}, ` +
    `${accounts.join(", ")} may (annotation ${JOIN_ANNOTATION} of the Service)`
  );
}

/** Whether the node's application serves a port of its Service: the only one, or that which leads to its number. */
export function serves({ ports }: Registrant, { spec }: JoinedService, port: ServicePortSpec): boolean {
  return spec.ports?.length === 1 || (port.targetPort ?? port.port) === ports.app;
}

/** The node as the compiler sees a Workload. It has the labels that its Service selects by, whatever it says. */
export function workloadFrom(node: Registrant, service: JoinedService | undefined): WorkloadInput {
  const { namespace, workload, address, ports, serviceAccount } = node;
  return {
    metadata: {
      name: workload.split("/").at(-1) ?? workload,
      namespace,
      labels: { ...node.labels, ...service?.spec.selector },
    },
    spec: { address, inboundPort: ports.inbound, serviceAccount },
  };
}
