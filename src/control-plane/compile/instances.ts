/**
 * Workloads that a source knows by itself, beside those that are written as resources: pods, and what EndpointSlices say about
 * where Services are served. They are many and change all the time, so they are asked for and never listed: the compiler
 * is told which of them moved, and makes anew what these concern alone.
 */
import type { ServicePortSpec, WorkloadInput } from "./inputs.ts";

/** Somewhere a Service's port is served. */
export interface ServedAt {
  readonly workload: WorkloadInput;
  readonly address: string;
  /** The application's own; undefined while it isn't known. */
  readonly port: number | undefined;
  readonly zone: string | undefined;
}

/** A Service's port at one instance. */
export interface AddressedInstance {
  /** `<namespace>/<name>`. */
  readonly service: string;
  /** Empty for the port without a name. */
  readonly portName: string;
  readonly at: ServedAt;
}

export interface Instances {
  /** By `<namespace>/<name>`. */
  get(id: string): WorkloadInput | undefined;
  /** Where the port of the Service `<namespace>/<name>` is served now, in any order. */
  at(service: string, port: ServicePortSpec): readonly ServedAt[];
  /** Whom an address and port mean, ready or not: who calls an instance by its address means no other. */
  byAddress(address: string, port: number): AddressedInstance | undefined;
  /** How many serve any port of the Service. */
  count(service: string): number;
  /** By namespace, which may come twice, then by id. */
  readonly byNamespace: Iterable<readonly [string, ReadonlyMap<string, WorkloadInput>]>;
  namespaceLabels(name: string): Readonly<Record<string, string>>;
}

/** Instances that are others than they were, and Services that are served elsewhere: ids. */
export interface Moved {
  readonly services: ReadonlySet<string>;
  readonly workloads: ReadonlySet<string>;
  /** Addresses that may mean something else, in their shortest form. */
  readonly addresses: ReadonlySet<string>;
  /** The labels of a namespace are others: NetworkPolicies may mean other workloads. */
  readonly namespaces: boolean;
}

export const NO_INSTANCES: Instances = {
  get: () => undefined,
  at: () => [],
  byAddress: () => undefined,
  count: () => 0,
  byNamespace: [],
  namespaceLabels: () => ({}),
};

export const NOTHING_MOVED: Moved = {
  services: new Set(),
  workloads: new Set(),
  addresses: new Set(),
  namespaces: false,
};
