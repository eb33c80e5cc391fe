/**
 * Resources by type and name, each with its version: what the control thread has received, and what the traffic
 * loops have confirmed. Typed by resource type, so that a route is never read as a cluster.
 */
import type { ListenerResource } from "../../discovery/listener.ts";
import type {
  ClusterResource,
  DiscoveryError,
  EndpointsResource,
  Resource,
  ResourceType,
  VersionedResource,
} from "../../discovery/messages.ts";
import type { PolicyResource } from "../../discovery/policy.ts";
import type { RouteResource } from "../../discovery/route.ts";

export interface ResourceByType {
  readonly cluster: ClusterResource;
  readonly endpoints: EndpointsResource;
  readonly listener: ListenerResource;
  readonly route: RouteResource;
  readonly policy: PolicyResource;
}

/** The types that a sidecar asks for, in the order in which it applies them. */
export const STORED_TYPES = [
  "cluster",
  "endpoints",
  "listener",
  "route",
  "policy",
] as const satisfies ResourceType[];
export type StoredType = (typeof STORED_TYPES)[number];

/** Says what is wrong with a resource, if anything; nothing is sent to the loops before it has passed. */
export type ResourceCheck = (type: ResourceType, resource: Resource) => DiscoveryError | undefined;

export type Versioned<T extends StoredType> = VersionedResource<ResourceByType[T]>;

/** One map per type. `null` as a value says: known not to exist. */
export type Shelves<Absent extends null | never> = {
  readonly [T in StoredType]: Map<string, Versioned<T> | Absent>;
};

export function emptyShelves<Absent extends null | never>(): Shelves<Absent> {
  return {
    cluster: new Map(),
    endpoints: new Map(),
    listener: new Map(),
    route: new Map(),
    policy: new Map(),
  };
}

/** What the traffic loops serve from, as others may read it. */
export type AppliedConfig = { readonly [T in StoredType]: ReadonlyMap<string, Versioned<T>> };

export function isStoredType(type: ResourceType): type is StoredType {
  return type !== "secret" && type !== "host";
}

/** Puts a resource that `ResourceCheck` has passed on the shelf of its type. */
export function put<Absent extends null | never>(
  shelves: Shelves<Absent>,
  type: StoredType,
  versioned: VersionedResource,
): void {
  // The one place where a checked resource gets the type that its message type says it has.
  (shelves[type] as Map<string, VersionedResource | Absent>).set(versioned.name, versioned);
}
