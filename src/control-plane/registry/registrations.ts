/**
 * Who has registered itself, as instances for the compiler. One that drains is gone at once; one whose stream is lost is kept for a
 * while, as it comes back in most cases: its sidecar was started anew, or the network had a moment. Who has registered with another
 * replica is an instance as well, until it comes here. What the Services allow is asked at each compilation, of all of them, so that a
 * change of theirs counts for those who are there already.
 */
import type { Node } from "../../discovery/messages.ts";
import { RECONNECT_MS } from "../../discovery/server.ts";
import type { Resource } from "../../resources/resource.ts";
import { idOf, type ServicePortSpec, type WorkloadInput } from "../compile/inputs.ts";
import type { Instances, Moved, ServedAt } from "../compile/instances.ts";
import { workloadId } from "../compile/mesh-index.ts";
import type { ReplicaWord } from "../shared-root.ts";
import { type Claim, Elsewhere } from "./elsewhere.ts";
import {
  type JoinedService,
  type Registrant,
  registrantOf,
  serves,
  serviceOf,
  whyNoRegistrant,
  whyNotTaken,
  workloadFrom,
} from "./registrant.ts";

export interface RegistrationsOptions {
  /** Instances that are known by other ways: nobody takes their place. */
  readonly known: Instances;
  /** Somebody came or went. */
  readonly onChange: () => void;
  /** Calls back in so many milliseconds, unless what it returns is called before. */
  readonly after: (ms: number, run: () => void) => () => void;
}

/** Most whose return is waited for at once; beyond that, who is lost is gone. */
const MAX_AWAITED = 10_000;

export class Registrations implements Instances {
  readonly #options: RegistrationsOptions;
  /** By id of the workload. */
  readonly #nodes = new Map<string, Registrant>();
  /** Of those whose stream is lost: what ends the wait for them. */
  readonly #awaited = new Map<string, () => void>();
  readonly #elsewhere = new Elsewhere();
  /** Of `#nodes`, those that are here only because other replicas say so. */
  readonly #foreign = new Set<string>();
  readonly #byService = new Map<string, Set<string>>();
  #services: ReadonlyMap<string, JoinedService> = new Map();
  #written: ReadonlySet<string> = new Set();
  #seen: readonly Resource[] = [];
  #moved: readonly Registrant[] = [];

  constructor(options: RegistrationsOptions) {
    this.#options = options;
  }

  /** Takes note of what is written. */
  see(resources: readonly Resource[]): void {
    if (resources === this.#seen) return;
    this.#seen = resources;
    const services = new Map<string, JoinedService>();
    const written = new Set<string>();
    for (const resource of resources) {
      if (resource.kind === "Service") services.set(idOf(resource.metadata), resource);
      else if (resource.kind === "Workload") written.add(idOf(resource.metadata));
    }
    this.#services = services;
    this.#written = written;
  }

  /** Why a sidecar that wants to register gets no stream: whoever started it is told. */
  refusal(node: Node): string | undefined {
    // Before anything was read nobody is refused: a control plane that starts does not yet know its Services.
    if (node.registers !== true || this.#services.size === 0) return undefined;
    const registrant = registrantOf(node);
    if (registrant === undefined) return `it cannot be registered: ${whyNoRegistrant(node)}`;
    const id = workloadId(node);
    const before = this.#nodes.get(id);
    const isAnothers = before !== undefined && before.serviceAccount !== node.serviceAccount;
    if (isAnothers || this.#written.has(id) || this.#options.known.get(id) !== undefined)
      return `there is a workload ${id} already`;
    const found = this.#services.get(serviceOf(registrant));
    const others = () =>
      [...this.#services]
        .filter(([other]) => other.startsWith(`${node.namespace}/`))
        .map(([, { metadata }]) => metadata.name);
    return whyNotTaken(registrant, found, others);
  }

  arrived(node: Node): void {
    const registrant = registrantOf(node);
    if (registrant === undefined) this.leaving(node);
    else {
      this.#elsewhere.forget(workloadId(node));
      this.#put(registrant);
    }
  }

  /** From now on nobody is sent there. */
  leaving(node: Node): void {
    this.#elsewhere.forget(workloadId(node));
    this.#remove(workloadId(node));
  }

  /** The stream has ended. */
  left(node: Node): void {
    const id = workloadId(node);
    if (this.#nodes.get(id) !== node) return;
    if (this.#awaited.size >= MAX_AWAITED) this.#remove(id);
    else
      this.#awaited.set(
        id,
        this.#options.after(RECONNECT_MS, () => this.#remove(id)),
      );
  }

  /** Those who registered with an earlier run of this control plane, and are waited for. */
  restore(nodes: readonly Node[]): void {
    for (const node of nodes) {
      const registrant = registrantOf(node);
      if (registrant === undefined) continue;
      this.#put(registrant);
      this.left(registrant);
    }
  }

  /** Takes what the other replicas say now of those who have registered with them; `now`: monotonic milliseconds. */
  hear(words: readonly ReplicaWord[], now: number): void {
    const elsewhere = this.#elsewhere.hear(words, now);
    for (const id of this.#foreign) if (!elsewhere.has(id)) this.#remove(id);
    for (const [id, { node, isLost }] of elsewhere) {
      const isOwn = this.#nodes.has(id) && !this.#foreign.has(id);
      // Who is waited for here is not if it has a stream there.
      if (isOwn && (isLost || !this.#awaited.has(id))) continue;
      this.#put(node);
      this.#foreign.add(id);
    }
  }

  /** All that are registered here now. */
  get nodes(): readonly Node[] {
    return this.claims.map(({ node }) => node);
  }

  /** The same, for the other replicas. */
  get claims(): readonly Claim[] {
    const own = [...this.#nodes].filter(([id]) => !this.#foreign.has(id));
    return own.map(([id, node]) => ({ node, isLost: this.#awaited.has(id) }));
  }

  /** Changes since this was last asked. */
  take(): Moved {
    const moved = this.#moved;
    this.#moved = [];
    return {
      services: new Set(moved.map(serviceOf)),
      workloads: new Set(moved.map(workloadId)),
      addresses: new Set(),
      namespaces: false,
    };
  }

  close(): void {
    for (const stop of this.#awaited.values()) stop();
  }

  get(id: string): WorkloadInput | undefined {
    const node = this.#nodes.get(id);
    return node === undefined ? undefined : workloadFrom(node, this.#taking(node));
  }

  at(service: string, port: ServicePortSpec): readonly ServedAt[] {
    return this.#instancesOf(service).flatMap((node) => this.#servedAt(node, port) ?? []);
  }

  /** Nobody calls it by its address: its application is not to be found there. */
  byAddress(): undefined {}

  count(service: string): number {
    return this.#instancesOf(service).length;
  }

  /** For policies of others, which select by labels: those that a sidecar gives itself make nobody trust it. */
  get byNamespace(): Iterable<readonly [string, ReadonlyMap<string, WorkloadInput>]> {
    return [...this.#nodes].map(([id, node]) => {
      const workload = workloadFrom({ ...node, labels: {} }, this.#taking(node));
      return [node.namespace, new Map([[id, workload]])] as const;
    });
  }

  namespaceLabels(): Readonly<Record<string, string>> {
    return {};
  }

  /** The node's Service, where that takes it. */
  #taking(node: Registrant): JoinedService | undefined {
    const service = this.#services.get(serviceOf(node));
    return whyNotTaken(node, service, () => []) === undefined ? service : undefined;
  }

  #instancesOf(service: string): readonly Registrant[] {
    const ids = [...(this.#byService.get(service) ?? [])];
    const nodes = ids.flatMap((id) => this.#nodes.get(id) ?? []);
    return nodes.filter((node) => this.#taking(node) !== undefined);
  }

  #servedAt(node: Registrant, port: ServicePortSpec): ServedAt | undefined {
    const service = this.#taking(node);
    if (service === undefined || !serves(node, service, port)) return undefined;
    const workload = workloadFrom(node, service);
    return { workload, address: node.address, port: node.ports.app, zone: undefined };
  }

  #put(node: Registrant): void {
    const id = workloadId(node);
    const before = this.#nodes.get(id);
    this.#stopWaiting(id);
    this.#foreign.delete(id);
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(node)) {
      this.#nodes.set(id, node);
      return;
    }
    this.#remove(id);
    this.#nodes.set(id, node);
    const ids = this.#byService.get(serviceOf(node)) ?? new Set();
    this.#byService.set(serviceOf(node), ids.add(id));
    this.#changed(node);
  }

  #remove(id: string): void {
    const node = this.#nodes.get(id);
    if (node === undefined) return;
    this.#stopWaiting(id);
    this.#foreign.delete(id);
    this.#nodes.delete(id);
    const ids = this.#byService.get(serviceOf(node));
    ids?.delete(id);
    if (ids?.size === 0) this.#byService.delete(serviceOf(node));
    this.#changed(node);
  }

  #stopWaiting(id: string): void {
    this.#awaited.get(id)?.();
    this.#awaited.delete(id);
  }

  #changed(node: Registrant): void {
    this.#moved = [...this.#moved, node];
    this.#options.onChange();
  }
}
