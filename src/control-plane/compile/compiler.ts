/**
 * Resources in, what sidecars need out: one compiled resource a name, made when first asked for and kept until something
 * it depends on changes. `update` answers which names now have another version; that a fresh compiler would give the
 * same answers is a property the tests check.
 */
import { hostName } from "../../discovery/host.ts";
import type { MutualTlsMode } from "../../discovery/listener.ts";
import type {
  Resource as Compiled,
  Node,
  ResourceType,
  VersionedResource,
} from "../../discovery/messages.ts";
import { INBOUND_POLICY } from "../../discovery/policy.ts";
import type { Resource } from "../../resources/resource.ts";
import { compileAddress } from "./address-route.ts";
import { type Affected, affectedBy, concernedBy } from "./affected.ts";
import { AskedAddresses } from "./asked-addresses.ts";
import { AskedHosts } from "./asked-hosts.ts";
import { compileCluster } from "./cluster.ts";
import { compileEndpoints } from "./endpoints.ts";
import { contentOf, differences, type Fingerprint } from "./fingerprint.ts";
import { compileHost } from "./host.ts";
import { type Addresses, idOf, NO_ADDRESSES } from "./inputs.ts";
import { type Instances, type Moved, NO_INSTANCES } from "./instances.ts";
import { compileInbound, compileOutbound } from "./listener.ts";
import { indexMesh, type MeshIndex } from "./mesh-index.ts";
import { addressNames, findServicePort, portNames, routeNames } from "./names.ts";
import { compilePolicy, policyNamespace } from "./policy.ts";
import { compileRoute, consumerNamespaces } from "./route.ts";
import { versioned, versionedPolicy } from "./version.ts";

/** A compiled resource that has another version than before, or is new, or is gone. */
export interface ChangedName {
  readonly type: ResourceType;
  readonly name: string;
}

const LISTENERS = ["outbound", "inbound"] as const;
const POLICIES = [INBOUND_POLICY] as const;
/** Types that have resources by address. */
const ADDRESSED = ["cluster", "endpoints", "route"] as const;

/** Nodes whose own resources are kept; beyond that the cache starts anew, so that it can't grow with every node ever seen. */
const MAX_NODES = 10_000;

export class Compiler {
  readonly #mtls: MutualTlsMode;
  readonly #instances: Instances;
  #mesh: MeshIndex;
  #taken: { readonly resources: readonly Resource[]; readonly addresses: Addresses } | undefined;
  #fingerprints: ReadonlyMap<string, Fingerprint> = new Map();
  #cache = new Map<string, VersionedResource | undefined>();
  #nodes = new Map<string, KnownNode>();
  readonly #asked = new AskedAddresses();
  readonly #hosts = new AskedHosts();

  /** `mtls`: what sidecars speak with each other: `STRICT` where the control plane gives them certificates. */
  constructor(mtls: MutualTlsMode = "DISABLE", instances: Instances = NO_INSTANCES) {
    this.#mtls = mtls;
    this.#instances = instances;
    this.#mesh = indexMesh([], mtls, NO_ADDRESSES, instances);
  }

  /**
   * Takes the whole state. With `addresses`, those Workloads are where these say.
   *
   * @returns names whose version changed, each once.
   */
  update(resources: readonly Resource[], addresses: Addresses = NO_ADDRESSES): readonly ChangedName[] {
    if (this.#isTaken(resources, addresses)) return [];
    this.#taken = { resources, addresses };
    const fingerprints = new Map<string, Fingerprint>();
    for (const resource of resources) {
      const address = resource.kind === "Workload" ? addresses[idOf(resource.metadata)] : undefined;
      const text = contentOf(resource) + (address === undefined ? "" : JSON.stringify(address));
      fingerprints.set(`${resource.kind} ${idOf(resource.metadata)}`, { resource, text });
    }
    const different = differences(this.#fingerprints, fingerprints);
    if (different.length === 0) return [];
    const before = this.#mesh;
    const indexed = indexMesh(resources, this.#mtls, addresses, this.#instances);
    // Who has which automatic address is worked out anew only where it may be another.
    const isSeated = different.every(({ kind }) => kind !== "Service" && kind !== "Workload");
    const after = isSeated ? { ...indexed, automatic: before.automatic } : indexed;
    const affected = affectedBy(different, [before, after]);
    const moved = before.automatic.differences(after.automatic);
    for (const key of [
      ...this.#asked.affected(affected.names, [before, after], moved),
      ...this.#hosts.affected(different, [before, after], moved),
    ])
      affected.names.add(key);
    const changed = this.#replace(before, after, affected);
    this.#fingerprints = fingerprints;
    if (affected.listeners) changed.push(...this.#recompile("listener", () => true));
    const { policies } = affected;
    if (policies !== "all" && policies.size === 0) return changed;
    const isConcerned = (node: Node) =>
      policies === "all" || [before, after].some((mesh) => policies.has(policyNamespace(mesh, node)));
    return [...changed, ...this.#recompile("policy", isConcerned)];
  }

  /**
   * Takes note that instances are others than they were. What nobody has asked for is not compiled.
   *
   * @returns names whose version changed, each once.
   */
  moved(moved: Moved): readonly ChangedName[] {
    const { services, workloads } = moved;
    if (services.size === 0 && workloads.size === 0 && !moved.namespaces) return [];
    // A new object, since what is remembered of a mesh is remembered by it.
    this.#mesh = { ...this.#mesh };
    const changed: ChangedName[] = [];
    for (const name of [...services].flatMap((id) => this.#portNames(id))) {
      if (this.#cache.has(cacheKey("endpoints", name, ""))) this.#renew("endpoints", name, changed);
    }
    for (const name of this.#asked.at(moved.addresses)) {
      for (const type of ADDRESSED) this.#renew(type, name, changed);
    }
    for (const service of [...services].flatMap((id) => this.#mesh.services.get(id) ?? [])) {
      const name = hostName(service.metadata);
      if (this.#hosts.has(name)) this.#renew("host", name, changed);
    }
    const { listeners, policies } = concernedBy(moved, this.#mesh);
    return [...changed, ...this.#recompile("listener", listeners), ...this.#recompile("policy", policies)];
  }

  /** Compiles anew what is the same for all clients. */
  #renew(type: ResourceType, name: string, changed: ChangedName[]): void {
    const key = cacheKey(type, name, "");
    const old = this.#cache.get(key);
    this.#cache.delete(key);
    const now = this.#cached(this.#mesh, type, name, "");
    if (now?.version !== old?.version) changed.push({ type, name });
  }

  #portNames(id: string): readonly string[] {
    const service = this.#mesh.services.get(id);
    return service === undefined ? [] : portNames(service);
  }

  /** Whether these very objects are what was taken last: so it is when only instances have moved. */
  #isTaken(resources: readonly Resource[], addresses: Addresses): boolean {
    const taken = this.#taken;
    if (taken?.addresses !== addresses || taken.resources.length !== resources.length) return false;
    return resources.every((resource, i) => resource === taken.resources[i]);
  }

  /** One resource as `node` should have it; undefined where nothing has that name. */
  get(type: ResourceType, name: string, node: Node): VersionedResource | undefined {
    if (type === "listener" || type === "policy") return this.#own(type, name, node);
    if (type === "host") this.#hosts.note(name);
    else this.#asked.note(name);
    return this.#cached(this.#mesh, type, name, node.namespace);
  }

  /** All names of a type, for those who subscribe to everything. */
  names(type: ResourceType, _node: Node): readonly string[] {
    if (type === "listener") return LISTENERS;
    if (type === "policy") return POLICIES;
    const services = [...this.#mesh.services.values()];
    if (type === "route") {
      this.#asked.noteAll();
      return services.flatMap((service) => [...routeNames(service), ...addressNames(service)]);
    }
    return type === "cluster" || type === "endpoints" ? services.flatMap(portNames) : [];
  }

  #replace(before: MeshIndex, after: MeshIndex, affected: Affected): ChangedName[] {
    const old = new Map<string, string>();
    for (const key of affected.names) {
      const { type, name } = parseKey(key);
      old.set(key, this.#signature(before, before, after, type, name));
    }
    for (const key of affected.names) {
      const { type, name } = parseKey(key);
      for (const namespace of this.#variants(before, after, type, name))
        this.#cache.delete(`${key} ${namespace}`);
    }
    this.#mesh = after;
    const changed: ChangedName[] = [];
    for (const key of affected.names) {
      const { type, name } = parseKey(key);
      if (this.#signature(after, before, after, type, name) !== old.get(key)) changed.push({ type, name });
    }
    return changed;
  }

  /** Versions under every namespace for which before or after may differ. */
  #signature(mesh: MeshIndex, before: MeshIndex, after: MeshIndex, type: ResourceType, name: string): string {
    return this.#variants(before, after, type, name)
      .map((namespace) => this.#cached(mesh, type, name, namespace)?.version ?? "-")
      .join();
  }

  #variants(before: MeshIndex, after: MeshIndex, type: ResourceType, name: string): readonly string[] {
    if (type !== "route") return [""];
    const found = new Set([""]);
    for (const mesh of [before, after]) {
      const target = findServicePort(mesh, name);
      if (target === undefined) continue;
      for (const namespace of consumerNamespaces(mesh, target.service)) found.add(namespace);
    }
    return [...found];
  }

  #cached(
    mesh: MeshIndex,
    type: ResourceType,
    name: string,
    namespace: string,
  ): VersionedResource | undefined {
    const target = type === "route" ? findServicePort(mesh, name) : undefined;
    const isVariant =
      target !== undefined &&
      target.only === undefined &&
      consumerNamespaces(mesh, target.service).has(namespace);
    const variant = isVariant ? namespace : "";
    const key = cacheKey(type, name, variant);
    const found = this.#cache.get(key);
    if (found !== undefined) return found;
    const compiled = compile(mesh, type, name, variant);
    const result = compiled === undefined ? undefined : versioned(name, compiled);
    if (result !== undefined) this.#cache.set(key, result);
    return result;
  }

  /** What every node has for itself. */
  #own(type: OwnType, name: string, node: Node): VersionedResource | undefined {
    const key = JSON.stringify(node);
    let known = this.#nodes.get(key);
    if (known === undefined) {
      if (this.#nodes.size >= MAX_NODES) this.#nodes.clear();
      known = { node, listener: new Map(), policy: new Map() };
      this.#nodes.set(key, known);
    }
    let found = known[type].get(name);
    if (found === undefined) {
      found = compileOwn(this.#mesh, type, name, node);
      if (found !== undefined) known[type].set(name, found);
    }
    return found;
  }

  #recompile(type: OwnType, isConcerned: (node: Node) => boolean): readonly ChangedName[] {
    const changed = new Set<string>();
    for (const { node, [type]: own } of this.#nodes.values()) {
      if (!isConcerned(node)) continue;
      for (const [name, old] of own) {
        const now = compileOwn(this.#mesh, type, name, node);
        if (now === undefined || now.version === old.version) continue;
        own.set(name, now);
        changed.add(name);
      }
    }
    return [...changed].map((name) => ({ type, name }));
  }
}

/** Types of which a node has its own. */
type OwnType = "listener" | "policy";

interface KnownNode extends Readonly<Record<OwnType, Map<string, VersionedResource>>> {
  readonly node: Node;
}

function compile(mesh: MeshIndex, type: ResourceType, name: string, namespace: string): Compiled | undefined {
  if (type === "host") return compileHost(mesh, name);
  const target = findServicePort(mesh, name);
  if (target === undefined) return undefined;
  if (target.isAddress) return compileAddress(mesh, type, name, namespace, target);
  const { service, port } = target;
  if (type === "route") return compileRoute(mesh, service, port, namespace, name);
  if (!name.includes(":")) return undefined;
  if (type === "cluster") return compileCluster(mesh, service, port);
  return type === "endpoints" ? compileEndpoints(mesh, service, port) : undefined;
}

function compileOwn(mesh: MeshIndex, type: OwnType, name: string, node: Node): VersionedResource | undefined {
  if (type === "policy") {
    return name === INBOUND_POLICY ? versionedPolicy(compilePolicy(mesh, node)) : undefined;
  }
  if (name === "outbound") return versioned(name, compileOutbound(mesh, node));
  return name === "inbound" ? versioned(name, compileInbound(mesh, node)) : undefined;
}

function cacheKey(type: ResourceType, name: string, namespace: string): string {
  return `${type} ${name} ${namespace}`;
}

function parseKey(key: string): ChangedName {
  const [type = "cluster", name = ""] = key.split(" ", 2);
  return { type: type as ResourceType, name };
}
