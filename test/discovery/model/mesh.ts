/**
 * The resources of a small mesh, as a control plane has them. A version is its content: what is taken back has the version it had.
 * Some are such that the sidecar refuses them.
 */
import { type HostResource, isAmongAll } from "../../../src/discovery/host.ts";
import type {
  DiscoveryError,
  Resource,
  ResourceType,
  VersionedResource,
} from "../../../src/discovery/messages.ts";
import { INBOUND_POLICY } from "../../../src/discovery/policy.ts";
import type { RouteResource } from "../../../src/discovery/route.ts";
import type { ChangedName, ResourceSource } from "../../../src/discovery/server.ts";
import { clustersOf } from "../../../src/proxy/snapshot/references.ts";
import { endpointsAt } from "../../harness/discovered.ts";
import { OPEN } from "../../harness/policy.ts";
import { cluster, INBOUND, OUTBOUND, route } from "../../harness/subscriber.ts";

export const ROUTES = ["a:80", "b:80", "240.0.0.1:80"] as const;
export const CLUSTERS = ["x", "y", "z"] as const;
export const HOSTS = ["h", "i"] as const;

export const NAMES = {
  cluster: CLUSTERS,
  endpoints: CLUSTERS,
  route: ROUTES,
  policy: [INBOUND_POLICY],
  host: HOSTS,
} as const;
export type UsedType = keyof typeof NAMES;
export const USED_TYPES = Object.keys(NAMES) as UsedType[];

/** One resource as it is to be: `content` says which clusters a route names, by bits, and otherwise what is in it. Null: none. */
export interface Edit {
  readonly type: UsedType;
  readonly name: string;
  readonly content: number | null;
  readonly isBad: boolean;
}

export class Mesh implements ResourceSource {
  readonly #now = new Map<string, VersionedResource>();
  /** Every content has one object, so that it can be told by it. */
  readonly #made = new Map<string, VersionedResource>();
  readonly #bad = new WeakSet<Resource>();

  constructor() {
    for (const resource of [INBOUND, OUTBOUND])
      this.#now.set(`listener ${resource.name}`, { name: resource.name, version: "1", resource });
  }

  edit({ type, name, content, isBad }: Edit): ChangedName {
    const key = `${type} ${name}`;
    if (content === null) this.#now.delete(key);
    else this.#now.set(key, this.#make(key, { type, name, content, isBad }));
    return { type, name };
  }

  get(type: ResourceType, name: string): VersionedResource | undefined {
    return this.#now.get(`${type} ${name}`);
  }

  names(type: ResourceType): readonly string[] {
    return this.all(type).filter((name) => isAmongAll(type, name));
  }

  all(type: ResourceType): readonly string[] {
    const ofType = [...this.#now.keys()].filter((key) => key.startsWith(`${type} `));
    return ofType.map((key) => key.slice(type.length + 1));
  }

  readonly check = (_type: ResourceType, resource: Resource): DiscoveryError | undefined =>
    this.#bad.has(resource) ? { code: "invalid", message: "bad" } : undefined;

  isBad(type: ResourceType, name: string): boolean {
    const found = this.get(type, name);
    return found !== undefined && this.#bad.has(found.resource);
  }

  /** Clusters that a route names now. */
  clustersOf(name: string): readonly string[] {
    const found = this.get("route", name);
    return found === undefined ? [] : [...clustersOf(found.resource as RouteResource)];
  }

  /** Neither the route nor anything that it names is refused. */
  isSound(name: string): boolean {
    const isBad = (other: string) => this.isBad("cluster", other) || this.isBad("endpoints", other);
    return !this.isBad("route", name) && !this.clustersOf(name).some(isBad);
  }

  #make(key: string, edit: Edit & { readonly content: number }): VersionedResource {
    const version = `${edit.content}${edit.isBad ? "!" : ""}`;
    const made = this.#made.get(`${key} ${version}`);
    if (made !== undefined) return made;
    const resource = resourceOf(edit);
    if (edit.isBad) this.#bad.add(resource);
    const versioned = { name: edit.name, version, resource };
    this.#made.set(`${key} ${version}`, versioned);
    return versioned;
  }
}

function resourceOf({ type, name, content, isBad }: Edit & { readonly content: number }): Resource {
  switch (type) {
    case "cluster":
      return { ...cluster(name), connectTimeoutMs: 1_000 + content };
    case "endpoints":
      return { name, endpoints: endpointsAt(name, [1_000 + content]) };
    case "route":
      return route(name, ...CLUSTERS.filter((_, bit) => (content >> bit) & 1));
    case "policy":
      return { ...OPEN };
    case "host":
      return hostOf(name, isBad ? "nowhere" : `10.0.0.${content}`);
  }
}

function hostOf(name: string, address: string): HostResource {
  return { name, service: { name, namespace: "default" }, addresses: [address], ports: [] };
}
