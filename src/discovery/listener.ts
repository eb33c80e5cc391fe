/** What concerns a listener of a sidecar as a whole, as the stream carries it. */
import type { Protocol, ServiceRef } from "./messages.ts";
import type { OverloadLimits } from "./resilience.ts";

/** What concerns a whole listener. Named by its direction. */
export type ListenerResource = OutboundListenerResource | InboundListenerResource;

/** Identity of the sidecar's own workload as metrics show it. */
export interface LocalWorkload {
  readonly workload: string;
  readonly namespace: string;
  readonly app: string;
  readonly version: string;
  readonly principal: string;
  /** Absent: in none. */
  readonly zone?: string;
}

export interface ListenerLimits {
  /** Largest request or response head in bytes. Default 65,536. */
  readonly maxHeadBytes: number;
  /** Most header fields in a head. Default 100. */
  readonly maxHeaders: number;
  /** A head must be complete this long after its first byte. Default 10,000. */
  readonly headTimeoutMs: number;
  /** An exchange without a byte in either direction ends. Default 300,000. */
  readonly streamIdleTimeoutMs: number;
  /** A connection without an exchange is closed. Default 3,600,000. */
  readonly connectionIdleTimeoutMs: number;
  /** Absent: nothing is shed. */
  readonly overload?: OverloadLimits;
}

export interface OutboundListenerResource {
  readonly name: "outbound";
  readonly local: LocalWorkload;
  readonly limits: ListenerLimits;
  /** What happens to hosts that no Service has. */
  readonly outboundPolicy: "ALLOW_ANY" | "REGISTRY_ONLY";
  /** DNS suffix of Services. Default `cluster.local`. */
  readonly clusterDomain: string;
  /** How long the first request to a service waits for its configuration. Default 1,000. */
  readonly discoveryTimeoutMs: number;
  /** Names of metrics begin with this. Default `istio`. */
  readonly metricPrefix: string;
}

export interface InboundListenerResource {
  readonly name: "inbound";
  readonly local: LocalWorkload;
  readonly limits: ListenerLimits;
  readonly metricPrefix: string;
  /** The application's ports, first match by service port of the Host; the first entry takes what no other does. */
  readonly ports: readonly InboundPort[];
  readonly connectTimeoutMs: number;
  /** What connections may speak: mutual TLS alone, either, or no TLS. Default `DISABLE`. */
  readonly mtls?: MutualTlsMode;
  /** What holds for ports of the application that are not in `ports`. Default `STRICT`. */
  readonly otherPorts?: MutualTlsMode;
}

export const MUTUAL_TLS_MODES = ["STRICT", "PERMISSIVE", "DISABLE"] as const;
export type MutualTlsMode = (typeof MUTUAL_TLS_MODES)[number];

export interface InboundPort {
  readonly service: ServiceRef;
  readonly servicePort: number;
  readonly appPort: number;
  readonly protocol: Protocol;
  /** It does not say what it speaks: what does not look like `protocol` passes unread. */
  readonly detects?: true;
  /** `STRICT`: requests for it need mutual TLS, also where the listener takes plaintext. Default: as the listener. */
  readonly mtls?: MutualTlsMode;
}
