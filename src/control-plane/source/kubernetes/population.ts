/**
 * Who is where, out of pods and EndpointSlices: what the compiler asks of `Instances`. Two indexes are kept beside the
 * records: slices by Service, and slices by pod, since a pod that becomes known, or another one, changes what its
 * Services' endpoints say about it.
 */

import { shortAddress } from "../../compile/addresses.ts";
import type { ServicePortSpec, WorkloadInput } from "../../compile/inputs.ts";
import type { AddressedInstance, Instances, Moved, ServedAt } from "../../compile/instances.ts";
import { isSameSlice, type SliceEndpoint, type SliceRecord } from "./endpoint-slice.ts";
import { isSamePod, type PodRecord } from "./pod.ts";

export class Population implements Instances {
  readonly #slices = new Map<string, SliceRecord[]>();
  /** Services by pod: nearly always one. */
  readonly #servicesOf = new Map<string, readonly string[]>();
  readonly #pods = new Map<string, Map<string, PodRecord>>();
  readonly #namespaces = new Map<string, Readonly<Record<string, string>>>();
  /** Services by an endpoint's address. */
  readonly #servicesAt = new Map<string, readonly string[]>();
  readonly #movedAddresses = new Set<string>();
  readonly #movedServices = new Set<string>();
  readonly #movedWorkloads = new Set<string>();
  #namespacesMoved = false;

  /** Changes since this was last asked. */
  take(): Moved {
    const moved: Moved = {
      services: new Set(this.#movedServices),
      workloads: new Set(this.#movedWorkloads),
      addresses: new Set(this.#movedAddresses),
      namespaces: this.#namespacesMoved,
    };
    this.#movedAddresses.clear();
    this.#movedServices.clear();
    this.#movedWorkloads.clear();
    this.#namespacesMoved = false;
    return moved;
  }

  /** @returns whether anybody is concerned. */
  podChanged(id: string, before: PodRecord | undefined, after: PodRecord | undefined): boolean {
    const namespace = (after ?? before)?.metadata.namespace ?? "";
    let pods = this.#pods.get(namespace);
    if (pods === undefined) {
      pods = new Map();
      this.#pods.set(namespace, pods);
    }
    if (after === undefined) pods.delete(id);
    else pods.set(id, after);
    if (pods.size === 0) this.#pods.delete(namespace);
    if (before !== undefined && after !== undefined && isSamePod(before, after)) return false;
    this.#movedWorkloads.add(id);
    for (const service of this.#servicesOf.get(id) ?? []) {
      this.#movedServices.add(service);
      for (const { endpoints } of this.#slices.get(service) ?? []) {
        for (const { pod, address } of endpoints)
          if (pod === id) this.#movedAddresses.add(shortAddress(address));
      }
    }
    return true;
  }

  /** @returns whether anybody is concerned. */
  sliceChanged(before: SliceRecord | undefined, after: SliceRecord | undefined): boolean {
    const isSame = before !== undefined && after !== undefined && isSameSlice(before, after);
    if (before !== undefined) this.#removeSlice(before);
    if (after !== undefined) this.#addSlice(after);
    if (isSame) return false;
    for (const slice of [before, after]) {
      if (slice === undefined) continue;
      this.#movedServices.add(slice.service);
      for (const { address } of slice.endpoints) this.#movedAddresses.add(shortAddress(address));
    }
    // A pod may have learned its zone.
    for (const { pod } of [...(before?.endpoints ?? []), ...(after?.endpoints ?? [])]) {
      if (pod !== undefined && this.#pod(pod)?.spec.zone === undefined) this.#movedZones(pod, before, after);
    }
    return true;
  }

  /** @returns whether anybody is concerned. */
  namespaceChanged(name: string, labels: Readonly<Record<string, string>> | undefined): boolean {
    const before = JSON.stringify(this.#namespaces.get(name));
    if (labels === undefined) this.#namespaces.delete(name);
    else this.#namespaces.set(name, labels);
    if (JSON.stringify(labels) === before) return false;
    this.#namespacesMoved = true;
    return true;
  }

  get(id: string): WorkloadInput | undefined {
    const pod = this.#pod(id);
    if (pod === undefined || pod.spec.zone !== undefined) return pod;
    const zone = this.#zoneOf(id);
    return zone === undefined ? pod : { metadata: pod.metadata, spec: { ...pod.spec, zone } };
  }

  /** Who is ready; where nobody is, those who end and still take requests, as kube-proxy has it. */
  at(service: string, port: ServicePortSpec): readonly ServedAt[] {
    const ready = this.#servedBy(service, port, ({ isReady }) => isReady);
    return ready.length > 0 ? ready : this.#servedBy(service, port, ({ isDraining }) => isDraining);
  }

  #servedBy(
    service: string,
    { name = "" }: ServicePortSpec,
    isMember: (endpoint: SliceEndpoint) => boolean,
  ): readonly ServedAt[] {
    const found = new Map<string, ServedAt>();
    for (const { ports, endpoints } of this.#sorted(service)) {
      if (!Object.hasOwn(ports, name)) continue;
      const port = ports[name];
      for (const endpoint of endpoints) {
        const key = endpoint.pod ?? endpoint.address;
        if (!isMember(endpoint) || found.has(key)) continue;
        const workload = this.#workloadAt(endpoint, service);
        if (workload === undefined) continue;
        const { address, zone = workload.spec.zone } = endpoint;
        found.set(key, { workload, address, port, zone });
      }
    }
    return [...found.values()];
  }

  byAddress(address: string, port: number): AddressedInstance | undefined {
    for (const service of [...(this.#servicesAt.get(address) ?? [])].sort()) {
      for (const { ports, endpoints } of this.#sorted(service)) {
        const [portName] = Object.entries(ports).find(([, number]) => number === port) ?? [];
        const endpoint = endpoints.find((one) => shortAddress(one.address) === address);
        const workload = endpoint && this.#workloadAt(endpoint, service);
        if (portName === undefined || endpoint === undefined || workload === undefined) continue;
        const { zone = workload.spec.zone } = endpoint;
        return { service, portName, at: { workload, address: endpoint.address, port, zone } };
      }
    }
    return undefined;
  }

  count(service: string): number {
    const [ready, draining] = [new Set<string>(), new Set<string>()];
    for (const { endpoints } of this.#slices.get(service) ?? []) {
      for (const { pod, address, isReady, isDraining } of endpoints) {
        if (isReady) ready.add(pod ?? address);
        else if (isDraining) draining.add(pod ?? address);
      }
    }
    return ready.size > 0 ? ready.size : draining.size;
  }

  get byNamespace(): ReadonlyMap<string, ReadonlyMap<string, WorkloadInput>> {
    return this.#pods;
  }

  /** Names of all namespaces. */
  get namespaces(): Iterable<string> {
    return this.#namespaces.keys();
  }

  namespaceLabels(name: string): Readonly<Record<string, string>> {
    return this.#namespaces.get(name) ?? {};
  }

  #pod(id: string): PodRecord | undefined {
    return this.#pods.get(id.slice(0, id.indexOf("/")))?.get(id);
  }

  /** A pod that is not known is not served: nobody could tell whether it has a sidecar. */
  #workloadAt({ pod, address }: SliceEndpoint, service: string): WorkloadInput | undefined {
    if (pod !== undefined) return this.#pod(pod);
    const namespace = service.slice(0, service.indexOf("/"));
    return { metadata: { name: address, namespace }, spec: { address, inboundPort: 0 } };
  }

  /** IPv4 first: where a pod has an address of each family, it is one endpoint. */
  #sorted(service: string): readonly SliceRecord[] {
    return (this.#slices.get(service) ?? []).toSorted((a, b) =>
      a.isIpv6 === b.isIpv6 ? (a.name < b.name ? -1 : 1) : Number(a.isIpv6) - Number(b.isIpv6),
    );
  }

  #zoneOf(pod: string): string | undefined {
    for (const service of this.#servicesOf.get(pod) ?? []) {
      for (const { endpoints } of this.#slices.get(service) ?? []) {
        const found = endpoints.find((endpoint) => endpoint.pod === pod && endpoint.zone !== undefined);
        if (found !== undefined) return found.zone;
      }
    }
    return undefined;
  }

  #movedZones(pod: string, before: SliceRecord | undefined, after: SliceRecord | undefined): void {
    const [old, now] = [before, after].map(
      (slice) => slice?.endpoints.find((endpoint) => endpoint.pod === pod)?.zone,
    );
    if (old !== now) this.#movedWorkloads.add(pod);
  }

  #addSlice(slice: SliceRecord): void {
    const { service } = slice;
    const list = this.#slices.get(service);
    if (list === undefined) this.#slices.set(service, [slice]);
    else list.push(slice);
    for (const { pod, address } of slice.endpoints) {
      if (pod !== undefined) addTo(this.#servicesOf, pod, service);
      addTo(this.#servicesAt, shortAddress(address), service);
    }
  }

  #removeSlice(slice: SliceRecord): void {
    const { service } = slice;
    const left = (this.#slices.get(service) ?? []).filter((other) => other !== slice);
    if (left.length === 0) this.#slices.delete(service);
    else this.#slices.set(service, left);
    const others = left.flatMap(({ endpoints }) => endpoints);
    const pods = new Set(others.map(({ pod }) => pod));
    const addresses = new Set(others.map(({ address }) => shortAddress(address)));
    for (const endpoint of slice.endpoints) {
      const [pod, address] = [endpoint.pod, shortAddress(endpoint.address)];
      if (pod !== undefined && !pods.has(pod)) removeFrom(this.#servicesOf, pod, service);
      if (!addresses.has(address)) removeFrom(this.#servicesAt, address, service);
    }
  }
}

function addTo(index: Map<string, readonly string[]>, key: string, service: string): void {
  const services = index.get(key);
  if (services === undefined) index.set(key, [service]);
  else if (!services.includes(service)) index.set(key, [...services, service]);
}

function removeFrom(index: Map<string, readonly string[]>, key: string, service: string): void {
  const services = (index.get(key) ?? []).filter((other) => other !== service);
  if (services.length === 0) index.delete(key);
  else index.set(key, services);
}
