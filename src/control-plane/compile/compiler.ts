/**
 * Resources in, what sidecars need out: one compiled resource a name, made when first asked for and kept until something
 * it depends on changes. `update` answers which names now have another version; that a fresh compiler would give the
 * same answers is a property the tests check.
 */
import type {
  Resource as Compiled,
  MutualTlsMode,
  Node,
  ResourceType,
  VersionedResource,
} from "../../discovery/messages.ts";
import type { Resource } from "../../resources/resource.ts";
import { type Affected, affectedBy } from "./affected.ts";
import { compileCluster } from "./cluster.ts";
import { compileEndpoints } from "./endpoints.ts";
import { type Addresses, idOf, NO_ADDRESSES } from "./inputs.ts";
import { compileInbound, compileOutbound } from "./listener.ts";
import { indexMesh, type MeshIndex } from "./mesh-index.ts";
import { findServicePort, portNames, routeNames } from "./names.ts";
import { compileRoute, consumerNamespaces } from "./route.ts";
import { versioned } from "./version.ts";

/** A compiled resource that has another version than before, or is new, or is gone. */
export interface ChangedName {
  readonly type: ResourceType;
  readonly name: string;
}

const LISTENERS = ["outbound", "inbound"] as const;

/** Nodes whose listeners are kept; beyond that the cache starts anew, so that it can't grow with every node ever seen. */
const MAX_NODES = 10_000;

export class Compiler {
  readonly #mtls: MutualTlsMode;
  #mesh: MeshIndex;
  #fingerprints: ReadonlyMap<string, Fingerprint> = new Map();
  #cache = new Map<string, VersionedResource | undefined>();
  #nodes = new Map<string, { readonly node: Node; readonly listeners: Map<string, VersionedResource> }>();

  /** `mtls`: what sidecars speak with each other: `STRICT` where the control plane gives them certificates. */
  constructor(mtls: MutualTlsMode = "DISABLE") {
    this.#mtls = mtls;
    this.#mesh = indexMesh([], mtls);
  }

  /**
   * Takes the whole state. With `addresses`, those Workloads are where these say.
   *
   * @returns names whose version changed, each once.
   */
  update(resources: readonly Resource[], addresses: Addresses = NO_ADDRESSES): readonly ChangedName[] {
    const fingerprints = new Map<string, Fingerprint>();
    for (const resource of resources) {
      const address = resource.kind === "Workload" ? addresses[idOf(resource.metadata)] : undefined;
      const text = contentOf(resource) + (address === undefined ? "" : JSON.stringify(address));
      fingerprints.set(`${resource.kind} ${idOf(resource.metadata)}`, { resource, text });
    }
    const different = differences(this.#fingerprints, fingerprints);
    if (different.length === 0) return [];
    const before = this.#mesh;
    const after = indexMesh(resources, this.#mtls, addresses);
    const affected = affectedBy(different, [before, after]);
    const changed = this.#replace(before, after, affected);
    this.#fingerprints = fingerprints;
    if (affected.listeners) changed.push(...this.#recompileListeners());
    return changed;
  }

  /** One resource as `node` should have it; undefined where nothing has that name. */
  get(type: ResourceType, name: string, node: Node): VersionedResource | undefined {
    if (type === "listener") return this.#listener(name, node);
    return this.#cached(this.#mesh, type, name, node.namespace);
  }

  /** All names of a type, for those who subscribe to everything. */
  names(type: ResourceType, _node: Node): readonly string[] {
    if (type === "listener") return LISTENERS;
    const services = [...this.#mesh.services.values()];
    if (type === "route") return services.flatMap(routeNames);
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
    const target = findServicePort(mesh, name);
    if (target === undefined) return undefined;
    const isVariant = type === "route" && consumerNamespaces(mesh, target.service).has(namespace);
    const variant = isVariant ? namespace : "";
    const key = `${type} ${name} ${variant}`;
    const found = this.#cache.get(key);
    if (found !== undefined) return found;
    const compiled = compile(mesh, type, name, variant);
    const result = compiled === undefined ? undefined : versioned(name, compiled);
    if (result !== undefined) this.#cache.set(key, result);
    return result;
  }

  #listener(name: string, node: Node): VersionedResource | undefined {
    if (name !== "outbound" && name !== "inbound") return undefined;
    const key = JSON.stringify(node);
    let known = this.#nodes.get(key);
    if (known === undefined) {
      if (this.#nodes.size >= MAX_NODES) this.#nodes.clear();
      known = { node, listeners: new Map() };
      this.#nodes.set(key, known);
    }
    let listener = known.listeners.get(name);
    if (listener === undefined) {
      listener = versioned(name, compileListener(this.#mesh, name, node));
      known.listeners.set(name, listener);
    }
    return listener;
  }

  #recompileListeners(): readonly ChangedName[] {
    const changed = new Set<string>();
    for (const { node, listeners } of this.#nodes.values()) {
      for (const [name, old] of listeners) {
        if (name !== "outbound" && name !== "inbound") continue;
        const now = versioned(name, compileListener(this.#mesh, name, node));
        if (now.version === old.version) continue;
        listeners.set(name, now);
        changed.add(name);
      }
    }
    return [...changed].map((name) => ({ type: "listener", name }));
  }
}

interface Fingerprint {
  readonly resource: Resource;
  readonly text: string;
}

/** JSON of resources that have not been read anew is not made anew. */
const contents = new WeakMap<Resource, string>();

function contentOf(resource: Resource): string {
  let text = contents.get(resource);
  if (text === undefined) {
    text = JSON.stringify([resource.metadata, resource.spec]);
    contents.set(resource, text);
  }
  return text;
}

/** Resources that came, went (as they were) or differ (both as they were and as they are). */
function differences(
  before: ReadonlyMap<string, Fingerprint>,
  after: ReadonlyMap<string, Fingerprint>,
): readonly Resource[] {
  const found: Resource[] = [];
  for (const [key, { resource, text }] of after) {
    const old = before.get(key);
    if (old?.text === text) continue;
    if (old !== undefined) found.push(old.resource);
    found.push(resource);
  }
  for (const [key, { resource }] of before) if (!after.has(key)) found.push(resource);
  return found;
}

function compile(mesh: MeshIndex, type: ResourceType, name: string, namespace: string): Compiled | undefined {
  const target = findServicePort(mesh, name);
  if (target === undefined) return undefined;
  const { service, port } = target;
  if (type === "route") return compileRoute(mesh, service, port, namespace, name);
  if (!name.includes(":")) return undefined;
  if (type === "cluster") return compileCluster(mesh, service, port);
  return type === "endpoints" ? compileEndpoints(mesh, service, port) : undefined;
}

function compileListener(mesh: MeshIndex, name: (typeof LISTENERS)[number], node: Node) {
  return name === "outbound" ? compileOutbound(mesh, node) : compileInbound(mesh, node);
}

function parseKey(key: string): ChangedName {
  const [type = "cluster", name = ""] = key.split(" ", 2);
  return { type: type as ResourceType, name };
}
