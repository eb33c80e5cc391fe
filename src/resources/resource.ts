/**
 * The kinds that Weft reads, and a resource of any of them as the rest of the program sees it: checked, with its
 * defaults, and with where it was written.
 */

import {
  type AuthorizationPolicySpec,
  authorizationPolicyMetadata,
  authorizationPolicySpec,
} from "./kind/authorization-policy.ts";
import {
  type FaultInjectionSpec,
  faultInjectionMetadata,
  faultInjectionSpec,
} from "./kind/fault-injection.ts";
import { type HttpRouteSpec, httpRouteMetadata, httpRouteSpec } from "./kind/http-route.ts";
import { type MeshConfigSpec, meshConfigMetadata, meshConfigSpec } from "./kind/mesh-config.ts";
import { type NetworkPolicySpec, networkPolicyMetadata, networkPolicySpec } from "./kind/network-policy.ts";
import {
  type PeerAuthenticationSpec,
  peerAuthenticationMetadata,
  peerAuthenticationSpec,
} from "./kind/peer-authentication.ts";
import { type RateLimitSpec, rateLimitMetadata, rateLimitSpec } from "./kind/rate-limit.ts";
import {
  type RequestAuthenticationSpec,
  requestAuthenticationMetadata,
  requestAuthenticationSpec,
} from "./kind/request-authentication.ts";
import { type ServiceSpec, serviceMetadata, serviceSpec } from "./kind/service.ts";
import { type TcpRouteSpec, tcpRouteMetadata, tcpRouteSpec } from "./kind/tcp-route.ts";
import { type TrafficPolicySpec, trafficPolicyMetadata, trafficPolicySpec } from "./kind/traffic-policy.ts";
import { type WorkloadSpec, workloadMetadata, workloadSpec } from "./kind/workload.ts";
import type { Metadata } from "./metadata.ts";
import { findPlace, type Place, type Places } from "./places.ts";
import type { Path } from "./problem.ts";
import type { Schema } from "./schema.ts";

export const WEFT_API = "weft.dev/v1alpha1";
export const GATEWAY_API = "gateway.networking.k8s.io/v1";
export const NETWORKING_API = "networking.k8s.io/v1";

/** Where a resource was written. */
export interface Origin {
  readonly file: string;
  /** Of the document's first line, from 1. */
  readonly line: number;
}

interface Common<Api extends string, Kind extends string, Spec> {
  readonly apiVersion: Api;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly origin: Origin;
  /** As written, without defaults; plain JSON. */
  readonly document: unknown;
  /** See `placeOf`. */
  readonly places: Places;
}

export type Service = Common<"v1", "Service", ServiceSpec>;
export type Workload = Common<typeof WEFT_API, "Workload", WorkloadSpec>;
export type TrafficPolicy = Common<typeof WEFT_API, "TrafficPolicy", TrafficPolicySpec>;
export type FaultInjection = Common<typeof WEFT_API, "FaultInjection", FaultInjectionSpec>;
export type MeshConfig = Common<typeof WEFT_API, "MeshConfig", MeshConfigSpec>;
export type HttpRoute = Common<typeof GATEWAY_API, "HTTPRoute", HttpRouteSpec>;
export type TcpRoute = Common<typeof GATEWAY_API, "TCPRoute", TcpRouteSpec>;
export type AuthorizationPolicy = Common<typeof WEFT_API, "AuthorizationPolicy", AuthorizationPolicySpec>;
export type PeerAuthentication = Common<typeof WEFT_API, "PeerAuthentication", PeerAuthenticationSpec>;
export type RequestAuthentication = Common<
  typeof WEFT_API,
  "RequestAuthentication",
  RequestAuthenticationSpec
>;
export type RateLimit = Common<typeof WEFT_API, "RateLimit", RateLimitSpec>;
export type NetworkPolicy = Common<typeof NETWORKING_API, "NetworkPolicy", NetworkPolicySpec>;

export type Resource =
  | Service
  | Workload
  | TrafficPolicy
  | RateLimit
  | FaultInjection
  | MeshConfig
  | HttpRoute
  | TcpRoute
  | PeerAuthentication
  | RequestAuthentication
  | AuthorizationPolicy
  | NetworkPolicy;
export type Kind = Resource["kind"];

export interface KindTable {
  readonly apiVersion: Resource["apiVersion"];
  readonly summary: string;
  readonly metadata: Schema<Metadata>;
  readonly spec: Schema<Resource["spec"]>;
}

export const KIND_TABLES: Readonly<Record<Kind, KindTable>> = {
  Service: {
    apiVersion: "v1",
    summary: "A name that clients call, and the workloads behind it.",
    metadata: serviceMetadata,
    spec: serviceSpec,
  },
  Workload: {
    apiVersion: WEFT_API,
    summary: "One instance of an application, with its own sidecar.",
    metadata: workloadMetadata,
    spec: workloadSpec,
  },
  HTTPRoute: {
    apiVersion: GATEWAY_API,
    summary: "Where requests to a Service go.",
    metadata: httpRouteMetadata,
    spec: httpRouteSpec,
  },
  TCPRoute: {
    apiVersion: GATEWAY_API,
    summary: "Where connections to a Service go that are not HTTP.",
    metadata: tcpRouteMetadata,
    spec: tcpRouteSpec,
  },
  TrafficPolicy: {
    apiVersion: WEFT_API,
    summary: "How clients' sidecars treat a Service.",
    metadata: trafficPolicyMetadata,
    spec: trafficPolicySpec,
  },
  RateLimit: {
    apiVersion: WEFT_API,
    summary: "How many requests the workloads of a Service take.",
    metadata: rateLimitMetadata,
    spec: rateLimitSpec,
  },
  FaultInjection: {
    apiVersion: WEFT_API,
    summary: "What goes wrong, on purpose, for clients of a Service.",
    metadata: faultInjectionMetadata,
    spec: faultInjectionSpec,
  },
  PeerAuthentication: {
    apiVersion: WEFT_API,
    summary: "Whether clients must speak mutual TLS to workloads.",
    metadata: peerAuthenticationMetadata,
    spec: peerAuthenticationSpec,
  },
  RequestAuthentication: {
    apiVersion: WEFT_API,
    summary: "Whose tokens are believed in requests to workloads.",
    metadata: requestAuthenticationMetadata,
    spec: requestAuthenticationSpec,
  },
  AuthorizationPolicy: {
    apiVersion: WEFT_API,
    summary: "Who may send which requests to which workloads.",
    metadata: authorizationPolicyMetadata,
    spec: authorizationPolicySpec,
  },
  NetworkPolicy: {
    apiVersion: NETWORKING_API,
    summary: "Who may connect to which workloads.",
    metadata: networkPolicyMetadata,
    spec: networkPolicySpec,
  },
  MeshConfig: {
    apiVersion: WEFT_API,
    summary: "Settings of the mesh as a whole; at most one, named `default`.",
    metadata: meshConfigMetadata,
    spec: meshConfigSpec,
  },
};

export const KINDS = Object.keys(KIND_TABLES) as readonly Kind[];

/** Line and column of a field, `["spec", "rules", 0]`; of one that is not written, those of what it would stand in. */
export function placeOf(resource: Pick<Resource, "document" | "places">, path: Path): Place {
  return findPlace(resource.places, resource.document, path);
}

/** `HTTPRoute default/catalog`. */
export function resourceId(resource: Pick<Resource, "kind" | "metadata">): string {
  return `${resource.kind} ${resource.metadata.namespace}/${resource.metadata.name}`;
}
