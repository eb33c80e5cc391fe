/** What a TrafficPolicy and a rule's own `retry` say about failure, in the words of the sidecar's resources. */
import {
  type ClusterResilience,
  DEFAULT_RETRY_CONDITIONS,
  type Hedge,
  type OutlierSettings,
  type PriorityRules,
  type RetryPolicy,
} from "../../discovery/resilience.ts";
import type { TrafficPolicySpec } from "../../resources/kind/traffic-policy.ts";
import type { RetryInput } from "./route-inputs.ts";

/** What a cluster has of its Service's policy. What the policy leaves out is left out. */
export function clusterResilience(spec: TrafficPolicySpec | undefined): ClusterResilience {
  if (spec === undefined) return {};
  const { loadBalancer, connectionPool: pool, adaptiveConcurrency: adaptive, outlierDetection } = spec;
  const ramp = loadBalancer?.slowStart;
  return {
    ...(pool && {
      breaker: {
        maxConnections: pool.maxConnections,
        maxPending: pool.maxPendingRequests,
        maxRequests: pool.maxRequests,
        ...(pool.maxRetries !== undefined && { maxRetries: pool.maxRetries }),
      },
      connections: {
        maxRequests: pool.maxRequestsPerConnection,
        maxAgeMs: pool.maxConnectionAge,
        keepaliveMs: pool.keepalive,
        prewarm: pool.prewarm,
      },
    }),
    ...(spec.retryBudget && { retryBudget: spec.retryBudget }),
    ...(outlierDetection && { outlier: outlier(outlierDetection) }),
    ...(adaptive && {
      adaptiveConcurrency: {
        updateIntervalMs: adaptive.updateInterval,
        minRttIntervalMs: adaptive.minRttInterval,
        minRttRequests: adaptive.minRttRequests,
        minConcurrency: adaptive.minConcurrency,
        buffer: adaptive.buffer / 100,
        maxConcurrency: adaptive.maxConcurrency,
      },
    }),
    ...(ramp && { slowStart: { windowMs: ramp.window, minWeight: ramp.minWeight / 100 } }),
    ...(loadBalancer && {
      panicThreshold: loadBalancer.panicThreshold,
      prefersZone: loadBalancer.prefersZone,
      ...(loadBalancer.hashBalanceFactor !== undefined && {
        hashBalanceFactor: loadBalancer.hashBalanceFactor,
      }),
    }),
  };
}

type Outlier = NonNullable<TrafficPolicySpec["outlierDetection"]>;

function outlier(spec: Outlier): OutlierSettings {
  const { successRate, failurePercentage } = spec;
  return {
    consecutive5xx: spec.consecutive5xx,
    consecutiveGatewayErrors: spec.consecutiveGatewayErrors,
    intervalMs: spec.interval,
    baseEjectionMs: spec.baseEjectionTime,
    maxEjectionMs: spec.maxEjectionTime,
    maxEjectionPercent: spec.maxEjectionPercent,
    ...(successRate && {
      successRate: {
        minimumHosts: successRate.minimumHosts,
        requestVolume: successRate.requestVolume,
        deviations: successRate.stdevFactor / 1_000,
      },
    }),
    ...(failurePercentage && { failurePercentage }),
  };
}

/** Of a rule; undefined: the defaults hold. A rule's own codes take the place of the policy's conditions (GEP-1731). */
export function retryPolicy(
  own: RetryInput | undefined,
  policy: TrafficPolicySpec["retry"] | undefined,
): RetryPolicy | undefined {
  if (own === undefined && policy === undefined) return undefined;
  const attempts = own?.attempts ?? policy?.attempts;
  const base = own?.backoff ?? policy?.backoff;
  const statusCodes = own?.codes ?? policy?.statusCodes;
  const on =
    own?.codes === undefined
      ? policy?.retryOn
      : [...DEFAULT_RETRY_CONDITIONS, "retriable-status-codes" as const];
  return {
    ...(attempts !== undefined && { attempts }),
    ...(on !== undefined && { on }),
    ...(statusCodes !== undefined && { statusCodes }),
    ...(base !== undefined && { backoffBaseMs: base }),
    ...(policy?.maxBackoff !== undefined && { backoffMaxMs: Math.max(policy.maxBackoff, base ?? 0) }),
    ...(policy?.headers && { headers: policy.headers.map((name) => name.toLowerCase()) }),
    ...(policy?.perTryTimeout !== undefined && { perTryTimeoutMs: policy.perTryTimeout }),
    ...(policy && { retryAfterMaxMs: policy.retryAfterMax, nonIdempotent: policy.nonIdempotent }),
    ...(policy?.hedge && { hedge: hedge(policy.hedge) }),
  };
}

/** Of the rules of one route, or of a Service without any; undefined: all are `default`. */
export function priorityRules(
  spec: TrafficPolicySpec["priority"] | undefined,
  route: string | undefined,
): PriorityRules | undefined {
  if (spec === undefined) return undefined;
  const own = spec.routes?.find(({ name }) => name === route)?.class ?? spec.class;
  const headers = (spec.headers ?? []).map(({ name, value, class: of }) => ({
    name: name.toLowerCase(),
    ...(value !== undefined && { value }),
    class: of,
  }));
  if (own === "default" && headers.length === 0) return undefined;
  return { class: own, ...(headers.length > 0 && { headers }) };
}

function hedge({ delay, percentile }: NonNullable<NonNullable<TrafficPolicySpec["retry"]>["hedge"]>): Hedge {
  return delay === undefined
    ? { kind: "percentile", share: (percentile ?? 99) / 100 }
    : { kind: "delay", ms: delay };
}
