/** How a cluster's endpoints are asked whether they serve; part of a ClusterResource. */

/** What is asked of an endpoint, and what passes. */
export type HealthProbe =
  | {
      readonly kind: "http";
      /** Path and query of a GET. */
      readonly path: string;
      /** Host of the request; absent: the cluster's name. */
      readonly host?: string;
      /** Ranges of statuses that pass, both ends included. */
      readonly expectedStatuses: readonly (readonly [from: number, to: number])[];
    }
  /** A connection passes. */
  | { readonly kind: "tcp" }
  /** `grpc.health.v1.Health/Check`; `SERVING` passes. An empty service is the server as a whole. */
  | { readonly kind: "grpc"; readonly service: string };

export interface HealthCheck {
  readonly probe: HealthProbe;
  /** From the end of one check to the beginning of the next, give or take a tenth. Default 10,000. */
  readonly intervalMs: number;
  /** For the whole of one check, the connection included. Default 1,000. */
  readonly timeoutMs: number;
  /** Failed checks in a row that make a healthy endpoint unhealthy. Default 3. */
  readonly unhealthyThreshold: number;
  /** Passed checks in a row that make an unhealthy endpoint healthy. Default 2. */
  readonly healthyThreshold: number;
}
