/**
 * What the planes say to each other: the messages of the discovery stream and the resources they carry.
 *
 * The stream is modelled on incremental aggregated xDS (docs/reference/discovery-protocol.md): the sidecar
 * subscribes by name, the control plane sends what changed, and each response is acknowledged by its nonce
 * (ACK) or refused with the reason (NACK). Resources are compiled: everything that needs the whole mesh to
 * decide (precedence of routes, which workloads a Service selects) is already decided here, so a sidecar
 * indexes where it would otherwise search.
 */

import type { HealthCheck } from "./health-check.ts";
import type { HostResource } from "./host.ts";
import type { ListenerResource } from "./listener.ts";
import type { PolicyResource } from "./policy.ts";
import type { DemandReport, LeaseGrant } from "./rate-limit.ts";
import type { ClusterResilience } from "./resilience.ts";
import type { RouteResource } from "./route.ts";

/** In the order in which a sidecar applies them: make before break. */
export const RESOURCE_TYPES = [
  "cluster",
  "endpoints",
  "listener",
  "route",
  "policy",
  "secret",
  "host",
] as const;
export type ResourceType = (typeof RESOURCE_TYPES)[number];

/** Full method name of the bidirectional stream. */
export const DISCOVERY_METHOD = "/weft.discovery.v1.Discovery/Stream";

/** Subscribes to all resources of a type, present and future. */
export const WILDCARD = "*";

/** Who a sidecar is; sent with the first request of a stream. */
export interface Node {
  /** Unique among the connected sidecars, e.g. `default/web`. */
  readonly id: string;
  readonly namespace: string;
  /** Name of the Workload resource, where there is one. */
  readonly workload: string;
  /** Service whose traffic the inbound listener takes, where it is named rather than found by selector. */
  readonly service?: string;
  /** It is to be an instance of `service`, reached at `address` and its inbound port, though nothing says so (`weft run`). */
  readonly registers?: true;
  readonly serviceAccount: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly ports: {
    readonly inbound: number;
    readonly outbound: number;
    readonly admin: number;
    readonly telemetry: number;
    /** Absent: it answers no questions about names. */
    readonly dns?: number;
    /** Where the application listens; overrides what the Workload says. */
    readonly app?: number;
  };
  readonly version: string;
}

/** What the reason begins with when a control plane has no stream for a node. */
export const REFUSED = "refused: ";

/** Why a resource was not applied. `resource` and `field` are absent when the whole message was unusable. */
export interface DiscoveryError {
  readonly code: "invalid" | "too_large" | "unknown_type" | "internal";
  readonly message: string;
  readonly resource?: string;
  readonly field?: string;
}

/**
 * From sidecar to control plane. A request with `nonce` and no `errors` is an ACK, with `errors` a NACK of exactly
 * the resources they name: the others of that response were applied. A request may also change the
 * subscription, with or without a nonce.
 */
export interface DiscoveryRequest {
  readonly node?: Node;
  readonly type: ResourceType;
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  /** What the sidecar still holds from an earlier stream, by resource name: sent once per type and stream. */
  readonly initialVersions?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly errors?: readonly DiscoveryError[];
}

/** One resource with its own version: an opaque string that changes when, and only when, the content does. */
export interface VersionedResource<R = Resource> {
  readonly name: string;
  readonly version: string;
  readonly resource: R;
}

/** From control plane to sidecar. `removed` names resources that do not exist, also those never sent before. */
export interface DiscoveryResponse {
  readonly type: ResourceType;
  readonly resources: readonly VersionedResource[];
  readonly removed: readonly string[];
  readonly nonce: string;
  /** Version of the source as a whole; informative. */
  readonly systemVersion: string;
}

/** What a sidecar measured since its last report; sent about once a second while there is traffic. */
export interface LoadReport {
  readonly intervalMs: number;
  readonly destinations: readonly DestinationLoad[];
}

export interface DestinationLoad {
  /** `source` is measured by the caller's sidecar, `destination` by the called one's. */
  readonly reporter: "source" | "destination";
  readonly cluster: string;
  readonly service: ServiceRef;
  readonly workload: string;
  readonly version: string;
  readonly requests: number;
  /** Responses of 500 and over, and exchanges that ended without a response. */
  readonly failures: number;
  /** Requests in flight when the report was made. */
  readonly active: number;
  /** Of the destination's instances, those that the sidecar leaves out now; absent: none. */
  readonly unhealthy?: number;
  /** Sparse log-linear histogram of microseconds: pairs of bucket index and count (`latencyBucketMicros`). */
  readonly latency: readonly (readonly [bucket: number, count: number])[];
}

/** Every message on the stream is one of these, tagged so that neither side guesses. */
export type UpstreamMessage =
  | { readonly kind: "discovery"; readonly request: DiscoveryRequest }
  | { readonly kind: "load"; readonly report: LoadReport }
  | { readonly kind: "demand"; readonly report: DemandReport }
  /** It drains: it wants no new requests, and will not be missed. */
  | { readonly kind: "leaving" };
export type DownstreamMessage =
  | { readonly kind: "discovery"; readonly response: DiscoveryResponse }
  | { readonly kind: "leases"; readonly grant: LeaseGrant };

export type Resource =
  | ClusterResource
  | EndpointsResource
  | ListenerResource
  | RouteResource
  | PolicyResource
  | SecretResource
  | HostResource;

/** Name of the one secret resource. */
export const MESH_SECRET = "mesh";

/**
 * What a sidecar is to trust, and under which root its own certificate is to stand. Acknowledged when both are so: a
 * change of roots waits for it.
 */
export interface SecretResource {
  readonly name: typeof MESH_SECRET;
  /** Trusted roots as PEM. */
  readonly bundle: string;
  /** Fingerprint (SHA-256, lower-case hexadecimal) of the root that signs now. */
  readonly root: string;
}

export interface ServiceRef {
  readonly name: string;
  readonly namespace: string;
}

export type Protocol = "http1" | "tcp";
export const LOAD_BALANCERS = [
  "leastRequest",
  "roundRobin",
  "random",
  "peakEwma",
  "ringHash",
  "maglev",
] as const;
export type LoadBalancerPolicy = (typeof LOAD_BALANCERS)[number];

/** What of a request makes it belong with others of the same; names of headers in lower case. */
export type HashKey =
  | { readonly kind: "header" | "cookie" | "query"; readonly name: string }
  | { readonly kind: "source" };

/** How to reach one port of one Service. Named `<service>.<namespace>:<port>`. */
export interface ClusterResource extends ClusterResilience {
  readonly name: string;
  readonly service: ServiceRef;
  readonly port: number;
  readonly protocol: Protocol;
  readonly loadBalancer: LoadBalancerPolicy;
  /** For `ringHash` and `maglev`. Requests without it, and clusters without one, get any endpoint. */
  readonly hash?: HashKey;
  /** Default 2,000. */
  readonly connectTimeoutMs: number;
  /** An idle pooled connection is closed after this long. Default 3,600,000. */
  readonly poolIdleTimeoutMs: number;
  /** Absent: endpoints are not asked whether they serve. */
  readonly healthCheck?: HealthCheck;
}

/** Where a cluster's instances are. Carries the cluster's name. */
export interface EndpointsResource {
  readonly name: string;
  readonly endpoints: readonly EndpointResource[];
}

export interface EndpointResource {
  /** IP literal: names are resolved in the control plane. */
  readonly address: string;
  readonly port: number;
  /** Relative share of the cluster's traffic; 0 means none. Default 1. */
  readonly weight: number;
  readonly workload: string;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Labels `app` and `version`, for metrics. */
  readonly app: string;
  readonly version: string;
  readonly zone?: string;
  /** `mutual`: reached under mutual TLS, proving its service account. Default `none`. */
  readonly tls?: (typeof UPSTREAM_TLS)[number];
}

export const UPSTREAM_TLS = ["mutual", "none"] as const;

/** Canonical name of a Service's port, of its route and of its cluster. */
export function servicePortName(service: ServiceRef, port: number): string {
  return `${service.name}.${service.namespace}:${port}`;
}

/** Name of the route that an address leads to; IPv6 in its shortest form. */
export function addressName(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Ports whose servers speak first (Linkerd's opaque ports): who waited for the client's first bytes would hang both sides. */
export const SERVER_SPEAKS_FIRST: ReadonlySet<number> = new Set([
  25, 587, 3306, 4444, 5432, 6379, 9300, 11211,
]);
