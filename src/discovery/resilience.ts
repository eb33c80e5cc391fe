/**
 * What compiled resources say about failure: when a request is tried again, how much may be under way at once, which instances
 * are left out for a while. Everything is plain data with its units in the names; what is absent has the default that is named.
 */

/** When a try may be followed by another; Envoy's words for `retry_on`. */
export const RETRY_CONDITIONS = [
  "5xx",
  "gateway-error",
  "reset",
  "reset-before-request",
  "connect-failure",
  "refused-stream",
  "retriable-4xx",
  "retriable-status-codes",
  "retriable-headers",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
] as const;
export type RetryCondition = (typeof RETRY_CONDITIONS)[number];

/** Istio's, without `retriable-status-codes`, and what has provably not been seen. */
export const DEFAULT_RETRY_CONDITIONS = [
  "connect-failure",
  "refused-stream",
  "unavailable",
  "cancelled",
  "reset-before-request",
] as const satisfies readonly RetryCondition[];

export interface RetryPolicy {
  /** Tries after the first; 0: none. Default 2. */
  readonly attempts?: number;
  /** Default `DEFAULT_RETRY_CONDITIONS`. */
  readonly on?: readonly RetryCondition[];
  /** For `retriable-status-codes`. */
  readonly statusCodes?: readonly number[];
  /** For `retriable-headers`: names in lower case; a response that has one of them. */
  readonly headers?: readonly string[];
  /** Of one try; absent: as long as the rule's `backendRequestTimeoutMs`. */
  readonly perTryTimeoutMs?: number;
  /** Default 25. */
  readonly backoffBaseMs?: number;
  /** Default ten times the base. */
  readonly backoffMaxMs?: number;
  /** A `Retry-After` of more than this is an answer, not a delay. Default 10,000. */
  readonly retryAfterMaxMs?: number;
  /** Whether requests that may have been seen are sent again whatever their method. Default false. */
  readonly nonIdempotent?: boolean;
  /** A second try beside the first, when that takes long. */
  readonly hedge?: Hedge;
}

export type Hedge =
  | { readonly kind: "delay"; readonly ms: number }
  /** As long as this share (0 to 1) of the latest requests took; nothing before 20 of them were seen. */
  | { readonly kind: "percentile"; readonly share: number };

/** Most of each at once, in one traffic loop; a critical request counts apart from others. Default 1,024 of each. */
export interface BreakerLimits {
  readonly maxConnections?: number;
  readonly maxPending?: number;
  readonly maxRequests?: number;
  /** Absent: the budget holds instead. */
  readonly maxRetries?: number;
}

/** How many retries are too many: either of two rules forbids the next. */
export interface RetryBudget {
  /** Of the requests under way, and of those of the last second. Default 20. */
  readonly percent?: number;
  /** So many retries at once are always allowed. Default 3. */
  readonly minConcurrency?: number;
  /** And so many a second. Default 10. */
  readonly minPerSecond?: number;
}

/** Envoy's outlier detection; a threshold of 0 switches a detector off. */
export interface OutlierSettings {
  /** Default 5. */
  readonly consecutive5xx?: number;
  /** 502, 503, 504 and what comes of connections that fail. Default 5. */
  readonly consecutiveGatewayErrors?: number;
  /** Default 10,000. */
  readonly intervalMs?: number;
  /** Times the number of ejections. Default 30,000. */
  readonly baseEjectionMs?: number;
  /** Default 300,000. */
  readonly maxEjectionMs?: number;
  /** Of the hosts. Default 10; one may always go where there are three or more. */
  readonly maxEjectionPercent?: number;
  readonly successRate?: SuccessRateSettings;
  readonly failurePercentage?: FailurePercentageSettings;
}

export interface SuccessRateSettings {
  /** Default 5. */
  readonly minimumHosts?: number;
  /** In an interval, of a host that is judged. Default 100. */
  readonly requestVolume?: number;
  /** Standard deviations under the mean. Default 1.9. */
  readonly deviations?: number;
}

export interface FailurePercentageSettings {
  /** Default 85. */
  readonly threshold?: number;
  /** Default 5. */
  readonly minimumHosts?: number;
  /** Default 50. */
  readonly requestVolume?: number;
}

/** Instances that have just come get little at first (Envoy `slow_start_config`). */
export interface SlowStart {
  readonly windowMs: number;
  /** Share of the weight to begin with, of 0 to 1. Default 0.1. */
  readonly minWeight?: number;
}

/** Envoy's gradient controller: as many requests at once as do not make them slower. */
export interface AdaptiveConcurrency {
  /** Default 100. */
  readonly updateIntervalMs?: number;
  /** How often the least latency is measured anew. Default 60,000. */
  readonly minRttIntervalMs?: number;
  /** Requests that measure it. Default 50. */
  readonly minRttRequests?: number;
  /** Requests at once while it is measured. Default 3. */
  readonly minConcurrency?: number;
  /** Share by which latency may waver, of 0 to 1. Default 0.25. */
  readonly buffer?: number;
  /** Default 1,000. */
  readonly maxConcurrency?: number;
}

/** How connections to instances are kept. */
export interface ConnectionCare {
  /** Requests before a connection is replaced; 0: any number. Default 0. */
  readonly maxRequests?: number;
  /** Age at which it is replaced, less up to a tenth at random; 0: any age. Default 0. */
  readonly maxAgeMs?: number;
  /** Idle time before the system asks whether the other end is there; 0: never. Default 0. */
  readonly keepaliveMs?: number;
  /** Connections that are opened to an instance when it appears. Default 0. */
  readonly prewarm?: number;
}

/** What a cluster says about failure. */
export interface ClusterResilience {
  readonly breaker?: BreakerLimits;
  readonly retryBudget?: RetryBudget;
  /** Absent: nobody is ejected. */
  readonly outlier?: OutlierSettings;
  readonly slowStart?: SlowStart;
  readonly adaptiveConcurrency?: AdaptiveConcurrency;
  readonly connections?: ConnectionCare;
  /** Percent of instances that must be healthy for health to matter; 0: it always does. Default 50. */
  readonly panicThreshold?: number;
  /** Percent of the mean load that one instance of `ringHash` or `maglev` takes at most; absent: any. */
  readonly hashBalanceFactor?: number;
  /** Whether instances of the client's own zone come first. Default true. */
  readonly prefersZone?: boolean;
}

/** From which load on a sidecar refuses requests; either absent: whatever it is. */
export interface OverloadLimits {
  /** How late a traffic loop may be. */
  readonly loopDelayMs?: number;
  /** Of the memory that the process may have, from 0 to 1. */
  readonly memoryShare?: number;
}

export const PRIORITY_CLASSES = ["critical", "default", "sheddable"] as const;
export type PriorityClass = (typeof PRIORITY_CLASSES)[number];

/** Which class a rule's requests have. */
export interface PriorityRules {
  readonly class: PriorityClass;
  /** Names in lower case; the first that holds decides. */
  readonly headers?: readonly {
    readonly name: string;
    /** Absent: any. */
    readonly value?: string;
    readonly class: PriorityClass;
  }[];
}
