/**
 * From resources to processes: which workloads run here, on which ports, with which environment, and which service gets
 * the trickle. Pure, but for the ports that it asks for.
 */
import { isAbsolute, resolve } from "node:path";
import type { CallableService } from "./environment.ts";

/** What is read of a Workload. */
export interface PlannedWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly serviceAccount: string;
  /** 0 means: choose one. */
  readonly ports: Readonly<Record<string, number>>;
  readonly inboundPort?: number;
  /** Absent: it runs elsewhere. */
  readonly command?: readonly string[];
  readonly workingDirectory?: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What is read of a Service. */
export interface PlannedService extends CallableService {
  readonly namespace: string;
  readonly selector: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface SidecarPorts {
  readonly inbound: number;
  readonly outbound: number;
  readonly admin: number;
  readonly telemetry: number;
}

/** One workload that `weft up` runs, with its sidecar. */
export interface Instance {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly workload: PlannedWorkload;
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly sidecar: SidecarPorts;
  /** Services of its namespace, for its environment. */
  readonly services: readonly CallableService[];
}

/** The Service that a person, and the trickle, start from. */
export interface Entry {
  readonly service: PlannedService;
  readonly path: string;
  readonly instance: Instance;
}

/** One entry of the overlay that tells the control plane where instances really listen. */
export interface Address {
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
  readonly inboundPort: number;
}

/** On a Service: the path that `weft up` asks for, again and again. */
export const TRICKLE_ANNOTATION = "weft.dev/trickle";

/** Chooses a free port on an address and holds it. */
export type Hold = (address: string) => Promise<number>;

/** Instances for all workloads that have a command, in order of their ids. */
export async function planInstances(
  directory: string,
  workloads: readonly PlannedWorkload[],
  services: readonly PlannedService[],
  hold: Hold,
): Promise<readonly Instance[]> {
  const instances: Instance[] = [];
  const byId = [...workloads].sort((a, b) => (workloadId(a) < workloadId(b) ? -1 : 1));
  for (const workload of byId) {
    if (workload.command === undefined || workload.command.length === 0) continue;
    const { address } = workload;
    const ports: Record<string, number> = {};
    for (const [name, port] of Object.entries(workload.ports)) {
      ports[name] = port === 0 ? await hold(address) : port;
    }
    instances.push({
      id: workloadId(workload),
      workload,
      command: workload.command,
      workingDirectory: resolveFolder(directory, workload.workingDirectory),
      ports,
      sidecar: {
        inbound: workload.inboundPort || (await hold(address)),
        outbound: await hold(address),
        admin: await hold(address),
        telemetry: await hold(address),
      },
      services: services.filter((s) => s.namespace === workload.namespace),
    });
  }
  return instances;
}

/** The annotated Service with an instance here, if there is one. */
export function findEntry(
  services: readonly PlannedService[],
  instances: readonly Instance[],
): Entry | undefined {
  for (const service of services) {
    const path = service.annotations[TRICKLE_ANNOTATION];
    if (path === undefined) continue;
    const instance = instances.find((i) => selects(service, i.workload));
    if (instance !== undefined) return { service, path: path.startsWith("/") ? path : `/${path}`, instance };
  }
  return undefined;
}

/** The overlay document for all instances. */
export function addressOverlay(instances: readonly Instance[]): Readonly<Record<string, Address>> {
  return Object.fromEntries(
    instances.map((i) => [
      i.id,
      { address: i.workload.address, ports: i.ports, inboundPort: i.sidecar.inbound },
    ]),
  );
}

/** Whether a Service's selector holds for a workload; an empty selector selects nothing. */
export function selects(
  service: Pick<PlannedService, "namespace" | "selector">,
  workload: Pick<PlannedWorkload, "namespace" | "labels">,
): boolean {
  const wanted = Object.entries(service.selector);
  if (service.namespace !== workload.namespace || wanted.length === 0) return false;
  return wanted.every(([label, value]) => workload.labels[label] === value);
}

function workloadId(workload: PlannedWorkload): string {
  return `${workload.namespace}/${workload.name}`;
}

function resolveFolder(directory: string, folder: string | undefined): string {
  if (folder === undefined) return resolve(directory);
  return isAbsolute(folder) ? folder : resolve(directory, folder);
}
